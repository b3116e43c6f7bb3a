"""web: is a web site reachable here as it is from elsewhere, and if not, on which layer does it end?

Method: resolve, connect, handshake and fetch joined for one URL.  Every address that any resolver or the
control gives is tried separately.  One GET goes over the system's answer, as a browser's would; when that
answer is not to be trusted, a second one goes over an address that is.  A helper outside the country does
the same, and its answer is kept beside ours (OONI's test-helper protocol).  What is cut is tried once more;
what stays so is explained by second controls: another name at the same address, the site's at a neutral one.
Traffic: DNS as in resolve, a TCP and TLS handshake for each address, one or two pages, redirects: some 60 KB.
Where something failed, up to a dozen more connections of 5 KB, one after another.
Risk: to whoever watches, it is a visit to the site, and a question about it to the helper; where something
failed, the site's name is sent up to four times.
Reference: OONI ts-017 Web Connectivity, version 0.5; its blind spots are listed in docs/verdicts.md.
"""

from __future__ import annotations

from typing import Any

import trio

from gatewatch.net.address import endpoint, is_address, is_bogon
from gatewatch.net.journal import Journal
from gatewatch.net.transfer import Transferred
from gatewatch.net.url import Url, parse
from gatewatch.net.wire import Wire
from gatewatch.records import TestKeys
from gatewatch.records.failure import CUT
from gatewatch_probes.connect import dial, labels, to_try
from gatewatch_probes.fetch import follow
from gatewatch_probes.handshake import shake
from gatewatch_probes.names.habits import learn
from gatewatch_probes.names.safely import ask_safely
from gatewatch_probes.resolve import Found, habits_key, look_up
from gatewatch_probes.visit.again import get_twice, reach, try_again
from gatewatch_probes.visit.control import Heard, Helpers, request_for
from gatewatch_probes.visit.neutral import Neutral
from gatewatch_probes.visit.residue import turn
from gatewatch_probes.visit.second import Second
from gatewatch_targets import Target

DEPTH_0 = ("depth=0",)


class Web:
    """The probe."""

    name = "web"
    test_name = "web_connectivity"
    version = "0.1.0"
    risk = "low"
    typical_bytes = 80_000
    typical_packets = 60

    def __init__(self) -> None:
        self._helpers = Helpers()
        self._neutral = Neutral()

    async def measure(self, target: Target, wire: Wire) -> TestKeys:
        """Measure one URL."""
        visit = _Visit(wire, parse(target.url))
        return await visit.run(self._helpers, self._neutral)


class _Visit:
    """One URL being measured."""

    def __init__(self, wire: Wire, url: Url) -> None:
        self.wire = wire
        self.url = url
        self.way = [url]
        self.journal = Journal()
        self.found = Found()
        self.reached: set[str] = set()
        self.got: Transferred | None = None
        self.fetched_from: str | None = None
        self.skipped: list[dict[str, Any]] = []

    async def run(self, helpers: Helpers, neutral: Neutral) -> TestKeys:
        self.found = await look_up(self.journal, self.wire, self.url.host, DEPTH_0)
        request = request_for(self.url, self.found)
        control: dict[str, Any] | None = None
        control_failure: str | None = None
        heard = Heard()

        async def ask_control() -> None:
            nonlocal control, control_failure, heard
            heard = await helpers.ask(self.wire, request)
            control, control_failure = heard.answer, heard.failure

        async with trio.open_nursery() as nursery:
            nursery.start_soon(learn, self.wire)
            nursery.start_soon(ask_control)
            nursery.start_soon(self._try, to_try(self.wire, self.found))
        known = _addresses(control)
        plain = self.found
        agreed = {*known} & {*plain.system} if known else self._vouched()
        if plain.system and not plain.trusted and not agreed:
            # All plain answers agree, and the control's is another, or there is no control: an answer that
            # cannot be forged decides.
            safe, unforged = await ask_safely(self.journal, self.wire, self.url.host, DEPTH_0)
            self.found = Found(plain.system, plain.public, safe if unforged else ())
        more = Found(
            trusted=tuple(a for a in dict.fromkeys((*known, *self.found.trusted)) if a not in plain.all)
        )
        await self._try(to_try(self.wire, more))
        await try_again(self.journal, self.wire, self.url, self.found, self.reached, control)
        stopped = await self._fetch(known)
        second = Second(self.journal, self.wire, neutral, control)
        if stopped is None:
            others = (*known, *self.found.trusted, *self.found.public)
            await second.explain(self.way[-1], len(self.way) - 1, others)
        return self.journal.keys(
            agent="redirect",
            client_resolver=self.wire.own_resolvers[0] if self.wire.own_resolvers else "",
            retries=None,
            socksproxy=None,
            control=control,
            control_failure=control_failure,
            x_control_request=request,
            **habits_key(await learn(self.wire)),
            **self._shared(known),
            **heard.keys(),
            x_gatewatch_redirect_failure=stopped,
            x_gatewatch_line={
                "ipv4": self.wire.ipv4,
                "ipv6": self.wire.ipv6,
                "clock_offset": self.wire.clock_offset,
            },
            x_gatewatch_skipped=self.skipped
            + [
                {"address": a, "port": self.url.port, "reason": "bogon"}
                for a in self.found.all
                if is_bogon(a)
            ],
            **second.keys(),
        )

    def _vouched(self) -> bool:
        """Tell whether a certificate vouches for one of the system's addresses, or its handshake was cut.

        Cutting a handshake is another business than lying about a name, and has controls of its own.
        """
        system = {endpoint(a, self.url.port) for a in self.found.system}
        ends = {h.failure for h in self.journal.handshakes if h.address in system}
        return is_address(self.url.host) or None in ends or bool(ends & CUT)

    def _shared(self, known: tuple[str, ...]) -> dict[str, Any]:
        """Note the system's answers that nobody trustworthy gives, and how many names have them so far."""
        trusted = {*known, *self.found.trusted}
        shaken = {h.address for h in self.journal.handshakes if h.failure is None}
        host = self.url.host
        strange = [a for a in self.found.system if a not in trusted and a != host]
        counts = {a: self.wire.learnt.shared(a, host) for a in strange if endpoint(a, 443) not in shaken}
        return {"x_gatewatch_shared": counts} if counts else {}

    async def _try(self, addresses: tuple[str, ...]) -> None:
        """Connect to (and for https shake hands with) every address; the first one also serves the GET."""
        async with trio.open_nursery() as nursery:
            for number, address in enumerate(addresses):
                nursery.start_soon(self._one, address, number == 0)

    async def _one(self, address: str, first: bool) -> None:
        tags = labels(self.found, address, DEPTH_0)
        async with turn(self.journal, self.wire, self.url, address):
            # Looked at only now: while we waited for our turn, others may have found out.
            if self.wire.is_silent(address, self.url.port):
                self.skipped.append(
                    {"address": address, "port": self.url.port, "reason": "silent for other names"}
                )
                return
            connection = await reach(self.journal, self.wire, self.url, address, tags)
            if connection is None:
                return
            self.reached.add(address)
            if first and self.fetched_from is None and address in self.found.system:
                self.fetched_from = address
                self.got = await get_twice(self.journal, self.wire, connection, self.url, address, tags)
            else:
                connection.close()

    async def _fetch(self, known: tuple[str, ...]) -> str | None:
        """GET what is still to be got, and follow where it leads; gives what stopped the way."""
        trusted = [a for a in (*known, *self.found.trusted) if a in self.reached]
        order = [a for a in (*self.found.all, *known) if a in self.reached]
        if self.fetched_from is None and order:
            self.fetched_from = order[0]
            self.got = await self._get(order[0], labels(self.found, order[0], DEPTH_0))
        _, stopped = await follow(self.journal, self.wire, self.url, self.got, self.way)
        # Over plain HTTP nothing proves an address: look at the page from one that the control knows, too.
        if self.url.scheme == "http" and trusted and self.fetched_from not in {*known, *self.found.trusted}:
            await self._get(trusted[0], ("trusted", *DEPTH_0))
            await self._validate()
        return stopped

    async def _get(self, address: str, tags: tuple[str, ...]) -> Transferred | None:
        async with self.wire.turns.take(address):
            connection = await reach(self.journal, self.wire, self.url, address, tags)
            if connection is None:
                return None
            return await get_twice(self.journal, self.wire, connection, self.url, address, tags)

    async def _validate(self) -> None:
        """Ask the system's addresses for a certificate of the name: the site's own servers have one."""
        for address in to_try(self.wire, Found(system=self.found.system))[:2]:
            if not self.wire.is_silent(address, 443):
                async with self.wire.turns.take(address):
                    tags = ("validate", *labels(self.found, address, DEPTH_0))
                    tcp = await dial(self.journal, self.wire, address, 443, self.url.host, tags)
                    tls = None if tcp is None else await shake(self.journal, self.wire, tcp, self.url.host)
                    if tls is not None:
                        tls.close()


def _addresses(control: dict[str, Any] | None) -> tuple[str, ...]:
    """The addresses that the control resolved; helpers give names among them, too (CNAMEs)."""
    answer = (control or {}).get("dns")
    found = answer.get("addrs") if isinstance(answer, dict) else None
    return tuple(a for a in found if isinstance(a, str) and is_address(a)) if isinstance(found, list) else ()
