"""Who is it that answers?  Questions about the resolver itself, and what their answers say.

CHAOS TXT `id.server` (RFC 4892) and NSID (RFC 5001) are names that servers give themselves; whoami names are
answered by their authority with the address that the resolver's question came from.  None is proof alone: an
impostor may lie.  That one resolver's name comes from another's address is proof enough.
"""

from __future__ import annotations

from typing import NamedTuple

from gatewatch.net import dnswire

#: Class CHAOS, type TXT.
SERVER = "id.server"
#: Class IN, type A: Akamai's whoami (developer.akamai.com, "Introducing a New whoami Tool").
WHOAMI = "whoami.akamai.net"
# A name is a word of a line, not a text; what is longer was not meant as one.
_MOST = 120


class Told(NamedTuple):
    """What one response says: response code, the texts and addresses answered, NSID as text or hex."""

    rcode: int
    texts: tuple[str, ...]
    addresses: tuple[str, ...]
    nsid: str


def server(txid: int) -> bytes:
    """Ask a resolver for its own name, twice: in class CHAOS and as NSID."""
    return dnswire.query(SERVER, "TXT", txid, qclass=dnswire.CHAOS, nsid=True)


def whoami(txid: int) -> bytes:
    """Ask where a resolver's questions come from."""
    return dnswire.query(WHOAMI, "A", txid)


def read(wire: bytes) -> Told | None:
    """Read a response; None for what is none."""
    import dns.edns
    import dns.exception
    import dns.flags
    import dns.message
    import dns.rdatatype

    try:
        message = dns.message.from_wire(wire, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError):
        return None
    if not message.flags & dns.flags.QR:
        return None
    texts, addresses = [], []
    for rrset in message.answer:
        for rdata in rrset:
            if rdata.rdtype == dns.rdatatype.TXT:
                texts.append(_plain(b"".join(rdata.strings)))
            elif rdata.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
                addresses.append(rdata.to_text())
    nsid = next((o for o in message.options if o.otype == dns.edns.NSID), None)
    raw = getattr(nsid, "nsid", getattr(nsid, "data", b""))
    return Told(int(message.rcode()), tuple(texts[:4]), tuple(addresses[:4]), _plain(raw) if raw else "")


def _plain(raw: bytes) -> str:
    """Give a name as text, or as hex where it is none."""
    text = raw[:_MOST].decode("ascii", "replace")
    return text if text.isprintable() and text.isascii() else raw[:_MOST].hex()
