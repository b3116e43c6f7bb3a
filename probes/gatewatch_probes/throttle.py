"""throttle: do bytes come slower under this name than under another, from the very same server?

Method: pairs of transfers, one for the site's name and one for a neutral name, in an order that changes from
pair to pair.  They come from the site's own server, where it talks to us under another SNI (or none) too, or,
over plain HTTP, under another Host.  Where that cannot be they come from a helper's server, if it gives
bytes, with the two names as SNI.  The rates' ratio has an interval.  A throttle of an address, whatever the
name, cannot be seen in this way, nor one that begins only after more bytes than are transferred.
Traffic: 10 transfers, each of at most 512 KiB or 10 s, and 6 more where they settle nothing: about 6 MB.
Risk: to whoever watches, a dozen visits to the site within two minutes; its name at a helper's address.
Reference: Kakhki et al., IMC 2015; Xue et al., "Throttling Twitter", IMC 2021; OONI dd-007; ooni/probe 2668.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import trio

from gatewatch.net import bulk, secure
from gatewatch.net.bulk import Meter
from gatewatch.net.journal import Journal
from gatewatch.net.secure import SecureStream
from gatewatch.net.stream import Stream
from gatewatch.net.transfer import BROWSER_HEADERS
from gatewatch.net.url import Url, parse
from gatewatch.net.wire import Wire
from gatewatch.records import PacedTransfer, TestKeys, ThrottleKeys, encode
from gatewatch.records.failure import GENERIC_TIMEOUT
from gatewatch.verdict.evidence.pace import (
    HELPER,
    LEAST_BYTES,
    NAMED,
    NEUTRAL,
    SITE,
    TRIAL,
    measured,
    settled,
)
from gatewatch_probes.connect import dial, to_try
from gatewatch_probes.fetch import follow, visit
from gatewatch_probes.resolve import look_up
from gatewatch_probes.visit.neutral import control_name_for
from gatewatch_targets import Target

#: One transfer ends with so many bytes, or after so many seconds.
CAP, SECONDS = 524_288, 10.0
# Student's t falls from 5.8 with four pairs to 4.6 with five and 3.5 with eight: five are worth their bytes,
# and three more where five say nothing.  Looking twice doubles the 0.5 % by which an interval errs upwards.
PAIRS, MORE = 5, 3
# What a pair may still take: connects, handshakes, two transfers.
_PAIR_TIME = 45.0
# Named transfers that fail in a row before it is clear that nothing is slowed here, but cut.
_FAILURES = 2
_ADDRESSES = 2


@dataclass(frozen=True, slots=True)
class _Way:
    """How one arm asks: an address, the SNI ("" for none), and the request's URL and Host."""

    where: str
    address: str
    url: Url
    sni: str
    host: str
    verify: bool = False


class Throttle:
    """The probe."""

    name = "throttle"
    test_name = "throttle"
    version = "0.1.0"
    risk = "medium"
    typical_bytes = 6_000_000
    typical_packets = 2_500

    async def measure(self, target: Target, wire: Wire) -> TestKeys:
        """Compare the target's name with a neutral one."""
        return await _Comparison(wire, parse(target.url)).run()


class _Comparison:
    """One target being measured."""

    def __init__(self, wire: Wire, url: Url) -> None:
        self.wire = wire
        self.url = url
        self.journal = Journal()
        self.rows: list[PacedTransfer] = []
        self.pages: list[bytes] = []
        self.other = control_name_for(url.host)

    async def run(self) -> TestKeys:
        await self._pairs(await self._at_the_site())
        if not measured([encode(row) for row in self.rows], SITE):
            await self._pairs(await self._at_a_helper())
        return self.journal.keys(
            x_gatewatch_throttle=encode(
                ThrottleKeys(
                    host=self.url.host,
                    neutral_name=self.other,
                    cap=CAP,
                    seconds=SECONDS,
                    transfers=tuple(self.rows),
                )
            )
        )

    async def _at_the_site(self) -> tuple[_Way, _Way] | None:
        """Find the page where the site's redirects end, and a neutral way to its server."""
        found = await look_up(self.journal, self.wire, self.url.host, ("depth=0",))
        got = await visit(self.journal, self.wire, self.url, found, ("depth=0",))
        url, _ = await follow(self.journal, self.wire, self.url, got)
        self.journal.drop_bodies()
        if url.host != self.url.host:
            found = await look_up(self.journal, self.wire, url.host, ())
        for address in to_try(self.wire, found)[:_ADDRESSES]:
            named = _Way(SITE, address, url, url.host, url.netloc, verify=True)
            if url.scheme == "http":
                neutral = [_Way(SITE, address, url, "", self.other)]
            else:
                neutral = [_Way(SITE, address, url, sni, url.netloc) for sni in (self.other, "")]
            way = await self._talks(neutral)
            if way is not None:
                return named, way
        return None

    async def _at_a_helper(self) -> tuple[_Way, _Way] | None:
        """Find a helper that gives bytes, and takes any name as SNI."""
        for helper in self.wire.helpers:
            url = parse(f"{helper.rstrip('/')}/bytes/{CAP}")
            if url.scheme != "https":
                continue
            aside = Journal()
            for address in to_try(self.wire, await look_up(aside, self.wire, url.host, ()))[:1]:
                way = await self._talks([_Way(HELPER, address, url, self.other, url.netloc)])
                if way is not None:
                    return _Way(HELPER, address, url, self.url.host, url.netloc), way
        return None

    async def _talks(self, ways: Sequence[_Way]) -> _Way | None:
        """Give the first way on which enough comes to measure by."""
        for way in ways:
            row = await self._transfer(TRIAL, 0, way)
            if row.failure is None and row.bytes >= LEAST_BYTES:
                return way
        return None

    async def _pairs(self, ways: tuple[_Way, _Way] | None) -> None:
        """Transfer in pairs; each order comes as often as the other, and which when is drawn."""
        if ways is None:
            return
        where = ways[0].where
        chance = Random(f"{self.url.host} {where}")
        orders = [*_orders(PAIRS, chance), *_orders(MORE, chance)]
        failures = 0
        for number, order in enumerate(orders):
            # Better a few pairs on record than all of them lost to the budget.
            left = trio.current_effective_deadline() - trio.current_time()
            if left < _PAIR_TIME or (number >= PAIRS and settled([encode(row) for row in self.rows], where)):
                break
            arms = [(NAMED, ways[0]), (NEUTRAL, ways[1])]
            for arm, way in arms if order else reversed(arms):
                row = await self._transfer(arm, number, way)
                if arm == NAMED:
                    failures = failures + 1 if row.failure is not None else 0
            if failures >= _FAILURES:
                break

    async def _transfer(self, arm: str, number: int, way: _Way) -> PacedTransfer:
        """Make one transfer on a connection of its own; gives its row, which is written down."""
        tags = (way.where, arm, f"pair={number}")
        t0 = self.journal.now()
        meter = Meter()
        cut = False
        async with self.wire.turns.take(way.address):
            connection, meter.failure = await self._open(way, tags)
            if connection is not None:
                with trio.move_on_after(SECONDS) as scope:
                    await bulk.pull(self.journal, connection, _request(way), meter, cap=CAP)
                cut = scope.cancelled_caught
                connection.close()
        if cut and not meter.size:
            meter.failure = GENERIC_TIMEOUT
        rate = meter.kbps()
        row = PacedTransfer(
            where=way.where,
            arm=arm,
            pair=number,
            sni=way.sni,
            host=way.host,
            address=way.address,
            status=meter.status,
            page=self._page(meter.start),
            bytes=meter.size,
            seconds=round(meter.seconds, 6),
            kbps=None if rate is None else round(rate, 3),
            cut=cut,
            failure=meter.failure,
            t0=t0,
            t=self.journal.now(),
        )
        self.rows.append(row)
        return row

    def _page(self, start: bytes) -> int:
        """Number what came by how it begins: a digest of it could give away an address that it echoes."""
        if start and start not in self.pages:
            self.pages.append(start)
        return self.pages.index(start) + 1 if start else 0

    async def _open(
        self, way: _Way, tags: tuple[str, ...]
    ) -> tuple[Stream | SecureStream | None, str | None]:
        """Connect as a way says; gives the connection or the failure."""
        tcp = await dial(self.journal, self.wire, way.address, way.url.port, way.sni or way.host, tags)
        if tcp is None:
            status = self.journal.connects[-1].status
            return None, status.failure if status else GENERIC_TIMEOUT
        if way.url.scheme == "http":
            return tcp, None
        tls: SecureStream | None = None
        failure: str | None = GENERIC_TIMEOUT
        with trio.move_on_after(self.wire.limits.handshake) as scope:
            tls, failure = await secure.handshake(
                self.journal, tcp, self.wire.trust, way.sni, verify=way.verify, tags=tags
            )
        if scope.cancelled_caught:
            tcp.close()
        return tls, failure


def _orders(pairs: int, chance: Random) -> list[int]:
    """Draw which arm of each pair goes first: each as often as the other."""
    orders = [number % 2 for number in range(pairs)]
    chance.shuffle(orders)
    return orders


def _request(way: _Way) -> bytes:
    """Write the request: as a browser's, but uncompressed, since bytes are wanted."""
    headers = [("Host", way.host), *BROWSER_HEADERS, ("Accept-Encoding", "identity"), ("Connection", "close")]
    lines = [f"GET {way.url.target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")
