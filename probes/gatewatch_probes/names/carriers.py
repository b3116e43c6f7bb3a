"""The same question to the same resolver by other carriers: TCP, TLS, HTTPS.

Not a probe, a part of intercept.  Over TLS and HTTPS nobody on the way can write an answer; over TCP a proxy
can.  Where UDP alone says something else, the path lies and not the resolver.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from gatewatch.net import carried
from gatewatch.net.address import is_bogon
from gatewatch.net.journal import Journal
from gatewatch.net.url import parse
from gatewatch.net.wire import Wire
from gatewatch.records import Query
from gatewatch.records import failure as f
from gatewatch_targets import Resolver


async def compare(
    journal: Journal,
    wire: Wire,
    resolver: str,
    entry: Resolver | None,
    name: str,
    said: tuple[str, ...] | None,
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Ask by each carrier; gives a word for each, and the encrypted answer.

    ``said``: what UDP answered, None for silence.  Words: same, different, answered (where UDP was silent),
    or the failure.
    """
    qtype = "A"
    asks: dict[str, Callable[[], Awaitable[Query]]] = {
        "tcp": lambda: carried.tcp(journal, resolver, name, qtype)
    }
    if entry is not None and entry.dot:
        dot = entry.dot
        asks["dot"] = lambda: carried.dot(journal, resolver, dot, wire.trust, name, qtype)
    if entry is not None and entry.doh:
        url = parse(entry.doh)
        asks["doh"] = lambda: carried.doh(journal, resolver, url, wire.trust, name, qtype)
    found: dict[str, str] = {}
    true: tuple[str, ...] = ()
    for carrier, ask in asks.items():
        answer: Query | None = None
        async with wire.turns.take(resolver):
            with trio.move_on_after(wire.limits.question):
                answer = await ask()
        if answer is None:
            found[carrier] = f.GENERIC_TIMEOUT
        elif answer.rcode is None:
            found[carrier] = answer.failure or f.GENERIC_TIMEOUT
        else:
            same = said is not None and agree(answer.addresses, said)
            found[carrier] = "answered" if said is None else "same" if same else "different"
            if carrier != "tcp":
                true = true or answer.addresses
    return found, true


def agree(ours: tuple[str, ...], theirs: tuple[str, ...]) -> bool:
    """Tell whether two answers can both be true.

    Addresses of one name differ by place and minute, so only a denial or a bogon contradicts an address.
    """
    if not ours or not theirs:
        return not ours and not theirs
    return any(map(is_bogon, ours)) == any(map(is_bogon, theirs))
