"""The control: what a test helper outside the country sees of the same URL.  Not a probe, a part of web.

The protocol is OONI's (oohelperd): a POST with the URL and the endpoints that the probe found.  Helpers are
asked with overlap: the next one as soon as one has failed, cannot be reached within seconds, or lets its
answer wait; the first answer counts.  Whoever answered is asked first the next time.  All of them may be
blocked; then there is no control, and the verdict says so.

A helper inside the country is asked beside them, if there is one: it sees the site past the access network,
and what it sees otherwise than the one abroad happened between the two.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import trio

from gatewatch.net import transfer
from gatewatch.net.address import endpoint, is_address
from gatewatch.net.journal import Journal
from gatewatch.net.url import Url, parse
from gatewatch.net.wire import Wire
from gatewatch.records import control
from gatewatch.records import failure as f
from gatewatch_probes.resolve import Found, look_up
from gatewatch_probes.visit.asking import Attempt

# A helper that failed is passed over for this long: under a gateway that blocks them all, each target would
# otherwise wait for every one of them.  One that is only busy is asked again sooner.
PAUSE = 60.0
BREATHER = 5.0
# How long a helper may take to be reached before another one is asked as well: TCP and TLS are four round
# trips, and the slowest satellite line's is 0.7 s.
UNREACHED = 3.0
# How long its answer may take before another one is asked as well (OONI Probe's overlap).
OVERLAP = 15.0
# How long the helpers' addresses are remembered: the usual TTL of such names, and a run asks once per target.
REMEMBERED = 300.0


def request_for(url: Url, found: Found) -> dict[str, Any]:
    """Write the request: the URL, our headers, and every endpoint found, on both web ports."""
    ports = {443, 80} if url.port in (80, 443) else {url.port}
    sent = {name: [value] for name, value in transfer.BROWSER_HEADERS if name in control.FORWARDED}
    return {
        "http_request": str(url),
        "http_request_headers": sent,
        "tcp_connect": [endpoint(a, port) for a in found.all for port in sorted(ports, reverse=True)],
        "x_quic_enabled": False,
    }


@dataclass(frozen=True, slots=True)
class Heard:
    """What the helpers said; ``domestic``: what those inside the country did, None when none was asked."""

    answer: dict[str, Any] | None = None
    failure: str | None = None
    tried: tuple[Attempt, ...] = ()
    domestic: Heard | None = None

    def about(self) -> dict[str, Any]:
        """Say who answered, how far away it is, and what became of the others."""
        by = next((a for a in self.tried if a.answer is not None), None)
        return {
            "helper": by.helper if by else None,
            "rtt": by.rtt if by else None,
            "runtime": by.runtime if by else None,
            "tried": [attempt.to_json() for attempt in self.tried],
        }

    def keys(self) -> dict[str, Any]:
        """Give the keys of the record beside OONI's ``control`` and ``control_failure``."""
        keys: dict[str, Any] = {"x_gatewatch_control": self.about()}
        if self.domestic is not None:
            keys["x_gatewatch_control_domestic"] = {
                **self.domestic.about(),
                "answer": self.domestic.answer,
                "failure": self.domestic.failure,
            }
        return keys


@dataclass(slots=True)
class _Known:
    """What is known of one helper; times are the run's."""

    rests_until: float = 0.0
    answered: float = -1.0
    failure: str | None = None
    looked_up: float = -REMEMBERED
    found: Found = field(default_factory=Found)


class Helpers:
    """The helpers of one run: who answered last, who failed lately, and where they are."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._looking: dict[str, trio.Lock] = {}

    async def ask(self, wire: Wire, request: dict[str, Any]) -> Heard:
        """Ask the helpers abroad and, beside them, those inside the country."""
        heard = domestic = Heard(failure=f.unknown("no helper"))

        async def abroad() -> None:
            nonlocal heard
            heard = await self._ask(wire, wire.helpers, request)

        async def inside() -> None:
            nonlocal domestic
            domestic = await self._ask(wire, wire.domestic_helpers, request)

        if not wire.domestic_helpers:
            await abroad()
            return heard
        async with trio.open_nursery() as nursery:
            nursery.start_soon(abroad)
            nursery.start_soon(inside)
        return Heard(heard.answer, heard.failure, heard.tried, domestic)

    async def _ask(self, wire: Wire, helpers: tuple[str, ...], request: dict[str, Any]) -> Heard:
        """Ask one helper after another, with overlap, until one has answered."""
        if not helpers:
            return Heard(failure=f.unknown("no helper"))
        now = trio.current_time()
        known = {helper: self._known.setdefault(helper, _Known()) for helper in helpers}
        awake = [helper for helper in helpers if known[helper].rests_until <= now]
        tried: list[Attempt] = []
        async with trio.open_nursery() as nursery:

            async def one(attempt: Attempt) -> None:
                await self._one(wire, attempt, request)
                if attempt.answer is not None:
                    nursery.cancel_scope.cancel()

            for helper in sorted(awake, key=lambda helper: -known[helper].answered):
                if known[helper].failure is not None:
                    # One target finds out whether it is back; the others need not wait for that.
                    known[helper].rests_until = now + PAUSE
                attempt = Attempt(helper)
                tried.append(attempt)
                nursery.start_soon(one, attempt)
                await _wait(attempt)
                if attempt.answer is not None:
                    break
        answer = next((a.answer for a in tried if a.answer is not None), None)
        if answer is not None:
            return Heard(answer, None, tuple(tried))
        failures = [known[helper].failure for helper in helpers]
        return Heard(None, failures[-1] or f.GENERIC_TIMEOUT, tuple(tried))

    async def _one(self, wire: Wire, attempt: Attempt, request: dict[str, Any]) -> None:
        """Ask one helper, and remember how it went."""
        known = self._known[attempt.helper]
        url = parse(attempt.helper)
        await self._look_up(wire, url.host, known)
        await attempt.run(wire, url, known.found, request)
        known.failure = attempt.failure
        if attempt.answer is not None:
            known.answered, known.rests_until = trio.current_time(), 0.0
        else:
            pause = BREATHER if attempt.state == "busy" else PAUSE
            known.answered, known.rests_until = -1.0, trio.current_time() + pause

    async def _look_up(self, wire: Wire, host: str, known: _Known) -> None:
        """Resolve a helper's name, once for all targets that wait for it."""
        if is_address(host):
            known.found = Found((host,))
            return
        async with self._looking.setdefault(host, trio.Lock()):
            if trio.current_time() - known.looked_up >= REMEMBERED:
                known.found = await look_up(Journal(), wire, host, ())
                known.looked_up = trio.current_time()


async def _wait(attempt: Attempt) -> None:
    """Wait until it is time to ask another helper as well."""

    async def until_reached_or_over() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_either, attempt.reached, nursery.cancel_scope)
            nursery.start_soon(_either, attempt.over, nursery.cancel_scope)

    with trio.move_on_after(UNREACHED):
        await until_reached_or_over()
    if attempt.reached.is_set():
        with trio.move_on_after(OVERLAP):
            await attempt.over.wait()


async def _either(event: trio.Event, scope: trio.CancelScope) -> None:
    await event.wait()
    scope.cancel()
