"""contrast: is a name filtered on the way abroad, on the way to others at home, on both, or on neither?

Method: the target's name is sent to two servers that have nothing to do with it, one in the country in
another provider's network, one abroad: as SNI, as Host, and as a DNS question where no resolver is.  An
innocuous name must pass at the same address and port before each, with growing pauses after one that was cut,
since filters go on blocking for a while; a cut must show twice.  The order is shuffled.  Interference abroad
alone speaks for a filter at the border; on both ways, for one near this line.
Traffic: 6 exchanges with the name, 12 where it is cut, each behind one with an innocuous name, and the
look-ups of both servers' names, once a run: 10 to 80 KB.
Risk: repeats the site's name up to twelve times in minutes, to servers that it does not belong to.
Reference: Ramesh et al., NDSS 2020, and Xue et al., IMC 2022 (where Russia filters, by who is asked); OONI
sni_blocking (names at a neutral server).
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace

import trio

from gatewatch.locus.label import UNKNOWN_COUNTRY
from gatewatch.net import lookup
from gatewatch.net.journal import Journal
from gatewatch.net.residual import wait_until_clear
from gatewatch.net.url import Url, registered
from gatewatch.net.wire import Wire
from gatewatch.records import Contrast, ContrastEnd, ContrastTrial, ResidualWait, TestKeys, encode
from gatewatch_probes.place.places import Place, Places
from gatewatch_probes.visit.exchange import Exchanges
from gatewatch_probes.visit.strange import Page, strange
from gatewatch_targets import Target, control_names

_PLACES: tuple[Place, ...] = ("home", "abroad")
_PORTS = {"tls": 443, "http": 80}
CUT = frozenset({"reset", "eof", "timeout", "page"})
# Seconds to wait, in all, for a block left behind to end: two pauses, which outlast most (net.residual).
PATIENCE = 90.0


class ContrastProbe:
    """The probe."""

    name = "contrast"
    test_name = "contrast"
    version = "0.1.0"
    risk = "medium"
    typical_bytes = 60_000
    typical_packets = 180
    #: Two pauses before each of eight exchanges with the name.
    seconds = 900.0
    #: Each method at each place twice, a third time where it differed; a control before each, two for http.
    traffic: Mapping[str, int] = {"triggers": 18, "controls": 60, "DNS questions": 150}

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)
        self._places = Places()

    def fits(self, target: Target) -> bool:
        """Tell whether a target has a name that can be sent."""
        return not target.is_ip

    async def measure(self, target: Target, wire: Wire) -> TestKeys:
        """Send the target's name to both servers."""
        journal = Journal()
        ends = [end for p in _PLACES if (end := await self._places.find(wire, p, target.host)) is not None]
        missing = [place for place in _PLACES if place not in {end.place for end in ends}]
        trials = _Trials(journal, wire, target.host, self._random)
        reason = f"no_{missing[0]}" if missing else ""
        if missing and wire.whereabouts is None:
            reason = "no_table"
        elif missing and (wire.country == UNKNOWN_COUNTRY or not wire.asn):
            reason = "no_vantage"
        if not missing:
            reason = await trials.run(ends)
        found = Contrast(ends=tuple(ends), trials=tuple(trials.rows), reason=reason)
        return journal.keys(
            x_gatewatch_contrast=encode(found),
            x_gatewatch_residual=[encode(wait) for wait in trials.waits],
        )


class _Trials:
    """The exchanges with two servers."""

    def __init__(self, journal: Journal, wire: Wire, name: str, chance: random.Random) -> None:
        self._journal, self._wire, self._name, self._chance = journal, wire, name, chance
        self._do = Exchanges(journal, wire)
        self._triggered: dict[str, float] = {}
        self._pages: dict[str, list[Page]] = {}
        self.rows: list[ContrastTrial] = []
        self.waits: list[ResidualWait] = []

    async def run(self, ends: list[ContrastEnd]) -> str:
        """Send the name in every way to everybody, once more where it was cut, a third time to decide."""
        left = [(method, end) for method in ("tls", "http", "dns") for end in ends]
        for attempt in range(3):
            self._chance.shuffle(left)
            for method, end in left:
                if self._wire.restraint.stopped:
                    return "stopped"
                if await self._clear(method, end):
                    await self._send(method, end, self._name)
            left = [(method, end) for method, end in left if self._open(method, end, attempt)]
        return ""

    def _open(self, method: str, end: ContrastEnd, attempt: int) -> bool:
        """Tell whether another exchange would teach something: a cut that has not shown twice, a draw."""
        outcomes = [r.outcome for r in self._of(method, end, control=False)]
        hit = sum(met(method, outcome) for outcome in outcomes)
        return bool(outcomes) and (hit == 1 if attempt == 0 else 2 * hit == len(outcomes))

    def _of(self, method: str, end: ContrastEnd, *, control: bool) -> list[ContrastTrial]:
        mine = (r for r in self.rows if (r.method, r.address, r.control) == (method, end.address, control))
        return list(mine)

    def _controls(self, end: ContrastEnd) -> list[str]:
        """Innocuous names that belong neither to the server nor to the target."""
        taken = {registered(end.host), registered(self._name)}
        names = [name for name in control_names() if registered(name) not in taken]
        return names or [name for name in control_names() if name != self._name]

    async def _clear(self, method: str, end: ContrastEnd) -> bool:
        """Wait until innocuous names pass; where they did not at first, the way is not tried again."""
        before = self._of(method, end, control=True)
        if before and before[-1].outcome != self._honest(method):
            return False

        async def control() -> bool:
            outcomes = [await self._send(method, end, name) for name in self._needed(method, end)]
            return all(outcome == self._honest(method) for outcome in outcomes)

        # Some filters block all between two addresses afterwards, whatever the port.
        since = self._triggered.get(end.address)
        if since is None:
            return await control()
        found = await wait_until_clear(control, since=since, patience=PATIENCE)
        if found.waits or not found.passed:
            self.waits.append(replace(found, address=end.address, port=_PORTS.get(method, 53)))
        return found.passed

    def _needed(self, method: str, end: ContrastEnd) -> list[str]:
        """One innocuous name; for pages at first two, to see how much pages of that server differ."""
        names = self._controls(end)
        return names[:2] if method == "http" and len(self._pages.get(end.address, ())) < 2 else names[:1]

    @staticmethod
    def _honest(method: str) -> str:
        return "silent" if method == "dns" else "answered"

    async def _send(self, method: str, end: ContrastEnd, name: str) -> str:
        """Make one exchange and write it down."""
        control = name != self._name
        status, transaction = 0, 0
        sent = trio.current_time()
        if method == "dns":
            outcome, transaction = await self._ask(end.address, name)
        elif method == "tls":
            row = await self._do.handshake(
                "neutral_control" if control else "neutral_test", end.address, 443, name
            )
            outcome, transaction = row.outcome, row.transaction_id
        else:
            kind = "control_host" if control else "test_host"
            url = Url("http", name, 80, "/")
            row = await self._do.page(kind, end.address, url, name)
            outcome, transaction = row.outcome, row.transaction_id
            page = Page.of(self._journal, transaction)
            status = page.status
            pages = self._pages.setdefault(end.address, [])
            if control and page.status:
                pages.append(page)
            elif not control and outcome == "answered":
                outcome = strange(page, pages, name)
        if not control and met(method, outcome):
            self._triggered[end.address] = sent
        self.rows.append(
            ContrastTrial(
                method=method,
                place=end.place,
                address=end.address,
                name=name,
                control=control,
                outcome=outcome,
                status=status,
                transaction_id=transaction,
                t=self._journal.now(),
            )
        )
        return outcome

    async def _ask(self, address: str, name: str) -> tuple[str, int]:
        """Ask where no resolver is: whoever answers stands on the way."""
        before = len(self._journal.queries)
        with trio.move_on_after(self._wire.limits.question):
            await lookup.ask(self._journal, [lookup.Question(address, name, tags=("contrast",))])
        rows = self._journal.queries[before:]
        came = any(query.answers is not None or query.rcode is not None for query in rows)
        return "answered" if came else "silent", (rows[0].transaction_id or 0) if rows else 0


def met(method: str, outcome: str) -> bool:
    """Tell whether an exchange met interference."""
    return outcome == "answered" if method == "dns" else outcome in CUT
