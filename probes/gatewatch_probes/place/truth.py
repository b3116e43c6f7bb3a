"""Which answers to a question are true, judged by one that cannot be forged; no probe."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gatewatch.net import message
from gatewatch.net.wire import Wire

# RFC 1035 4.1.1: SERVFAIL and REFUSED say nothing of the name, and honest resolvers give them, too.
_NO_WORD = (2, 5)


def judge(wire: Wire, trusted: Iterable[str]) -> Callable[[bytes], bool]:
    """Give a judge of answers to questions for A records; ``trusted`` are a name's addresses, as of DoH.

    True is what shares an address with them, or, where a table of prefixes is here, a network: large sites
    tell each resolver other addresses.  What cannot be read, or says nothing of the name, is no lie.
    """
    known = {address for address in trusted if ":" not in address}
    networks = {prefix.asn for address in known if (prefix := wire.whose(address)) and prefix.asn}

    def true(data: bytes) -> bool:
        try:
            rcode, _, answers, _ = message.read(data)
        except ValueError:
            return True
        if not known or rcode in _NO_WORD:
            return True
        said = [row.ipv4 for row in answers if row.ipv4]
        if known & set(said):
            return True
        return any(prefix.asn in networks for address in said if (prefix := wire.whose(address)))

    return true
