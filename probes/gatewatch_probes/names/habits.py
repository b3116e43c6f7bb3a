"""What is the line's own resolver like?  Not a probe, a part of resolve and web, asked once a run.

Some resolvers answer for names that do not exist, to show advertisements: a random name tells that from a lie
about one name.  Others leave out advertisers, as their owners want: an advertiser's name tells that from
censorship.  And a whoami name tells whose resolver stands behind the one on the line.
"""

from __future__ import annotations

import random

import trio

from gatewatch.net import lookup
from gatewatch.net.address import is_bogon
from gatewatch.net.journal import Journal
from gatewatch.net.wire import Wire
from gatewatch.records import ResolverHabits
from gatewatch_probes.names.who import network, own_egress
from gatewatch_targets import resolvers

# On every list of advertisers, and forbidden by no government.
ADVERTISER = "pagead2.googlesyndication.com"
# Syllables, so that no filter takes the name for a virus's; 12 of 70 make 73 bits, which nobody registers.
CONSONANTS, VOWELS = "bdfgklmnprstvz", "aeiou"
SYLLABLES = 12
# A resolver that rewrites one and not the other looks at what is asked for.
ENDINGS = ("com", "org")
_DENIALS = {"dns_nxdomain_error": "nxdomain", "dns_no_answer": "no_answer"}


def random_name(ending: str) -> str:
    """Make up a name that does not exist."""
    dice = random.SystemRandom()
    pairs = (dice.choice(CONSONANTS) + dice.choice(VOWELS) for _ in range(SYLLABLES))
    return f"{''.join(pairs)}.{ending}"


async def learn(wire: Wire) -> ResolverHabits:
    """Give the habits of the system's resolver; the first who asks for them finds them out."""
    return await wire.learnt.once("habits", lambda: _ask(wire))


async def _ask(wire: Wire) -> ResolverHabits:
    said: dict[str, tuple[str, tuple[str, ...]]] = {}
    egress: str | None = None

    async def ask(name: str) -> None:
        # What happens here is no measurement of a target.
        aside = Journal()
        async with lookup.turn():
            with trio.move_on_after(wire.limits.system_lookup):
                await lookup.system(aside, name)
        failure = aside.queries[0].failure if aside.queries else None
        said[name] = failure or "", aside.queries[0].addresses if aside.queries else ()

    async def ask_who() -> None:
        nonlocal egress
        egress = await own_egress(wire)

    made_up = [random_name(ending) for ending in ENDINGS]
    async with trio.open_nursery() as nursery:
        for name in (*made_up, ADVERTISER):
            nursery.start_soon(ask, name)
        nursery.start_soon(ask_who)
    failure, answers = said[ADVERTISER]
    bogons = tuple(a for a in answers if is_bogon(a))
    word = "bogon" if bogons else "addresses" if answers else _DENIALS.get(failure, "")
    public = next((r for r in resolvers() if egress and r.asks_from(egress)), None)
    return ResolverHabits(
        rewrites=tuple(dict.fromkeys(a for name in made_up for a in said[name][1])),
        denies=any(said[name][0] in _DENIALS for name in made_up),
        filters=word,
        filter_answers=bogons,
        egress=network(egress) if egress else None,
        name=public.name if public else "",
        asn=public.asn if public else 0,
    )
