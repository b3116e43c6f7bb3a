"""sni: is a site's name cut in TLS, and what does the filter read: the name, its place, the address?

Method: ClientHellos written by ourselves, none of them carried on with.  The site's name to the site's
address in one segment, cut in two segments through the name, in two TLS records, and with an ECH GREASE
extension; to a neutral address; and a control name with ECH.  A control name must pass at the same address
and port before each that follows a cut one, with growing pauses, since filters go on blocking for a while; a
cut must show twice.  The order is shuffled.  Where the name passes, its variants are not tried.
Traffic: 4 to 20 TCP connections with a ClientHello of 520 bytes each, one at a time: 10 to 40 KB.
Risk: repeats the site's name up to ten times in minutes, as no browser would: whoever watches sees a test.
Reference: OONI sni_blocking and echcheck; CenTrace (CoNEXT 2022); RFC 9849 6.2 (GREASE ECH).
"""

from __future__ import annotations

import random

import trio

from gatewatch.net import hello, stream
from gatewatch.net.address import is_address
from gatewatch.net.journal import Journal
from gatewatch.net.residual import wait_until_clear
from gatewatch.net.wire import Wire
from gatewatch.records import GreetingRow, ResidualWait, TestKeys, encode
from gatewatch.records.failure import GENERIC_TIMEOUT
from gatewatch_probes.connect import to_try
from gatewatch_probes.resolve import Found, look_up
from gatewatch_probes.visit.exchange import outcome_of
from gatewatch_probes.visit.neutral import Neutral, control_name_for
from gatewatch_targets import Target

# What is asked first, and what only where the name was cut.
_FIRST = ("whole", "elsewhere")
_VARIANTS = ("split", "records", "ech")
CUT = frozenset({"reset", "eof", "timeout"})
# Addresses of which one must answer a control name.
ADDRESSES = 2
# Seconds to wait, in all, for what an earlier probe may have triggered: the first two pauses outlast what
# most filters leave behind (gatewatch.net.residual), and a server that is down costs no more.
EARLIER = 90.0


class Sni:
    """The probe."""

    name = "sni"
    test_name = "sni_filter"
    version = "0.1.0"
    risk = "medium"
    typical_bytes = 20_000
    typical_packets = 60
    #: Long enough for pauses of 30, 60, 90 and 180 s.
    seconds = 900.0

    def __init__(self, seed: int | None = None) -> None:
        self._neutral = Neutral()
        self._random = random.Random(seed)

    def fits(self, target: Target) -> bool:
        """Tell whether a target has a name that is sent in TLS."""
        return target.scheme == "https" and not is_address(target.host)

    async def measure(self, target: Target, wire: Wire) -> TestKeys:
        """Try the target's name at its first address that answers a control name."""
        journal = Journal()
        found = await look_up(journal, wire, target.host, ())
        trials: _Trials | None = None
        # The address least likely to be a lie first: what a block page's server answers is no news.
        surest = Found(system=(*found.trusted, *found.public, *found.system))
        for address in to_try(wire, surest)[:ADDRESSES]:
            elsewhere = await self._neutral.address(wire, target.host, address)
            trials = _Trials(journal, wire, target, address, elsewhere, self._random)
            await trials.run()
            if elsewhere is not None and trials.cut("elsewhere"):
                self._neutral.rest(elsewhere)
            if trials.answered:
                break
        return journal.keys(
            x_gatewatch_sni=[encode(row) for row in trials.rows] if trials else [],
            x_gatewatch_residual=[encode(wait) for wait in trials.waits] if trials else [],
        )


class _Trials:
    """The hellos to one address of the site."""

    def __init__(
        self,
        journal: Journal,
        wire: Wire,
        target: Target,
        address: str,
        elsewhere: str | None,
        chance: random.Random,
    ) -> None:
        self._journal = journal
        self._wire = wire
        self._name = target.host
        self._control = control_name_for(target.host)
        self._site = (address, target.port)
        self._elsewhere = None if elsewhere is None else (elsewhere, 443)
        self._chance = chance
        # When each endpoint last met a hello that was cut; absent while the way there is known to be clear.
        self._triggered: dict[tuple[str, int], float] = {}
        # Endpoints that were asked for a control name at first, and whether they answered.
        self._answers: dict[tuple[str, int], bool] = {}
        self.rows: list[GreetingRow] = []
        self.waits: list[ResidualWait] = []

    @property
    def answered(self) -> bool:
        """Whether the site's address answered a control name, at once or after a while."""
        return self._answers.get(self._site, False)

    def cut(self, variant: str) -> bool:
        """Tell whether a variant was cut more often than it passed."""
        cut, passed = self._count(variant)
        return cut > passed

    def _count(self, variant: str) -> tuple[int, int]:
        outcomes = [row.outcome for row in self.rows if row.variant == variant]
        return sum(outcome in CUT for outcome in outcomes), outcomes.count("answered")

    async def run(self) -> None:
        """Send what is to be sent, the whole hello and the neutral address first."""
        if not await self._clear(self._site):
            return
        await self._twice(list(_FIRST))
        await self._settle()
        variants = list(_VARIANTS) if self.cut("whole") else []
        await self._twice([*variants, "control_ech"])

    async def _twice(self, variants: list[str]) -> None:
        """Send each variant once, then those that were cut a second time."""
        for _ in range(2):
            self._chance.shuffle(variants)
            for variant in variants:
                at = self._elsewhere if variant == "elsewhere" else self._site
                if at is not None and await self._clear(at):
                    await self._answered(variant, at)
            variants = [variant for variant in variants if self.cut(variant)]

    async def _settle(self) -> None:
        """Send a hello again where it passed and was cut, too, here or there: a forged RST may be lost."""
        for variant, at, other in (
            ("whole", self._site, "elsewhere"),
            ("elsewhere", self._elsewhere, "whole"),
        ):
            for _ in range(2):
                cut, passed = self._count(variant)
                if at is None or passed == 0 or max(cut, passed) > 1 or not (cut or self.cut(other)):
                    break
                if await self._clear(at):
                    await self._answered(variant, at)

    async def _clear(self, at: tuple[str, int]) -> bool:
        """Wait until a control name passes at an endpoint, unless what was sent there last did."""
        control = "control" if at == self._site else "elsewhere_control"
        if at not in self._answers:
            self._answers[at] = await self._answered(control, at)
            if not self._answers[at] and at == self._site:
                # Another probe of this run may have triggered the filter just now.
                self._answers[at] = await self._wait(control, at, trio.current_time(), patience=EARLIER)
        if at not in self._triggered or not self._answers[at]:
            return self._answers[at]
        return await self._wait(control, at, self._triggered[at])

    async def _wait(
        self, control: str, at: tuple[str, int], since: float, *, patience: float = float("inf")
    ) -> bool:
        """Wait until a control name passes, and put down how long that took."""
        found = await wait_until_clear(lambda: self._answered(control, at), since=since, patience=patience)
        self.waits.append(
            ResidualWait(
                address=at[0],
                port=at[1],
                passed=found.passed,
                waits=found.waits,
                at_least=found.at_least,
                at_most=found.at_most,
            )
        )
        return found.passed

    async def _answered(self, variant: str, at: tuple[str, int]) -> bool:
        """Send one hello and tell whether anything came back."""
        name = self._control if "control" in variant else self._name
        whole = hello.client_hello(name, ech=variant in ("ech", "control_ech"))
        parts: tuple[bytes, ...] = (whole,)
        if variant == "split":
            parts = hello.in_two_segments(whole, name)
        elif variant == "records":
            parts = (hello.in_two_records(whole, name),)
        failure: str | None = GENERIC_TIMEOUT
        said = hello.Greeting("", None)
        tcp: stream.Stream | None = None
        async with self._wire.turns.take(at[0]):
            sent = trio.current_time()
            with trio.move_on_after(self._wire.limits.connect):
                tcp, failure = await stream.connect(self._journal, *at, tags=("sni", variant))
            outcome = "no_connection"
            if tcp is not None:
                said = hello.Greeting("", GENERIC_TIMEOUT)
                with trio.move_on_after(self._wire.limits.handshake):
                    said = await hello.greet(self._journal, tcp, parts, name)
                outcome, failure = outcome_of(said.failure), said.failure
        self.rows.append(
            GreetingRow(
                variant=variant,
                address=at[0],
                port=at[1],
                name=name,
                sizes=tuple(map(len, parts)),
                outcome=outcome,
                answer=said.answer,
                alert=said.alert if said.alert >= 0 else None,
                failure=failure,
                transaction_id=self._journal.connects[-1].transaction_id or 0,
                t=self._journal.now(),
            )
        )
        if outcome == "answered":
            self._triggered.pop(at, None)
        elif "control" not in variant or variant == "control_ech":
            self._triggered[at] = sent
            self._wire.cut(*at, self._name)
        return outcome == "answered"
