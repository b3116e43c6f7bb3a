"""A campaign: the plan's items, each started at its pace, measured, judged, scrubbed and stored.

Nothing here knows what a probe does.  A measurement that failed while the line was down, or timed out while
the run itself had filled it, is thrown away and its item goes back into the queue; one that outlived its
budget is skipped with its reason.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol, runtime_checkable

import trio

from gatewatch import __version__
from gatewatch.net.wire import Wire
from gatewatch.records import TIME_FORMAT, Measurement, TestKeys, dumps
from gatewatch.records.failure import GENERIC_TIMEOUT
from gatewatch.runner.about import Vantage, engine
from gatewatch.runner.flush import Flush
from gatewatch.runner.line import Line
from gatewatch.runner.pace import Pace
from gatewatch.runner.plan import Item
from gatewatch.runner.probes import Probe, named
from gatewatch.store import RunFolder, Scrubber, StoreFull, Unscrubbable
from gatewatch.verdict import Verdict, derived_keys, judge

# How often a measurement is made again because the line was full: after that, slowly as it goes by then, what
# is silent is silent.
_MOST_AGAIN = 3


@dataclass(frozen=True, slots=True)
class Budget:
    """What a run may cost; None is no limit."""

    #: Seconds for one item; the steps' own limits end a web measurement of three bad redirects before this.
    item: float = 180.0
    #: Seconds for the whole run.
    run: float | None = None
    #: Bytes received and sent in the whole run, as the network events count them.
    total_bytes: int | None = None
    #: Items under way at once: a guard for memory, far above what the start rate leads to.
    under_way: int = 4000


class Observer(Protocol):
    """Who watches a run: a progress bar, a log."""

    def started(self, total: int, done: int) -> None:
        """Tell that a run begins, or goes on with ``done`` items measured before."""

    def measured(self, item: Item, verdict: Verdict | None) -> None:
        """Tell that an item was measured and stored; no verdict is given on a trace."""

    def skipped(self, item: Item, why: str) -> None:
        """Tell that an item was given up."""

    def paused(self, reason: str) -> None:
        """Tell that the line is down and measuring waits."""

    def resumed(self) -> None:
        """Tell that the line is up again."""


@runtime_checkable
class Timer(Protocol):
    """An observer that wants to know when each measurement begins, to tell how long the rest will take."""

    def began(self, item: Item) -> None:
        """Tell that a measurement begins, perhaps again."""


@dataclass(slots=True)
class Campaign:
    """One run of a plan; make it, then await :meth:`run` once."""

    folder: RunFolder
    items: tuple[Item, ...]
    probes: Mapping[str, Probe]
    wire: Wire
    line: Line
    pace: Pace
    scrubber: Scrubber
    vantage: Vantage
    observer: Observer
    budget: Budget = field(default_factory=Budget)
    #: Has each measurement on the disk before it is told; without it, they are flushed some at a time.
    flush: Flush | None = None
    run_started: str = field(default_factory=lambda: datetime.now(UTC).strftime(TIME_FORMAT))
    #: The wall clock; a lab with a clock of its own gives another.
    wall: Callable[[], datetime] = lambda: datetime.now(UTC)
    skipped: list[dict[str, str]] = field(default_factory=list)
    _queue: deque[Item] = field(default_factory=deque)
    _hosts: set[str] = field(default_factory=set)
    _again: Counter[str] = field(default_factory=Counter)
    _slowed: float = -math.inf
    _under_way: int = 0
    _bytes: int = 0
    _changed: trio.Event = field(default_factory=trio.Event)

    async def run(self) -> bool:
        """Measure everything that is left; True when nothing was skipped or left over.

        Cancel it to stop: what is under way is dropped, what is stored stays.
        """
        self._queue.extend(item for item in self.items if item.id not in self.folder.done)
        self.observer.started(len(self.items), len(self.items) - len(self._queue))
        # Ended by a time budget, the run is a part of itself and can be resumed.
        with trio.move_on_after(self.budget.run if self.budget.run is not None else math.inf) as scope:
            async with trio.open_nursery() as nursery:
                while (item := await self._next()) is not None:
                    await self._hold()
                    await self.pace.wait()
                    self._under_way += 1
                    nursery.start_soon(self._one, item)
        if scope.cancelled_caught:
            self.skipped.append({"item": "", "why": "the run's time budget is used up"})
        return not self.skipped and len(self.folder.done) >= len(self.items)

    async def _next(self) -> Item | None:
        """Wait for an item whose host is free; None when all is done or the budget is used up."""
        while True:
            spent = self.budget.total_bytes is not None and self._bytes >= self.budget.total_bytes
            if spent and self._queue:
                self.skipped.append({"item": "", "why": "the run's byte budget is used up"})
                return None
            if self._under_way < self.budget.under_way:
                for position, item in enumerate(self._queue):
                    if item.target.host not in self._hosts:
                        del self._queue[position]
                        self._hosts.add(item.target.host)
                        return item
            if not self._queue and not self._under_way:
                return None
            self._changed = trio.Event()
            await self._changed.wait()

    async def _hold(self) -> None:
        """Wait while the line is down, or full of what is under way."""
        if self.line.last is not None and not self.line.last.up:
            self.observer.paused(self.line.last.reason)
            await self.line.wait_until_up()
            self.observer.resumed()
        elif self.line.last is not None and self.line.last.full:
            self.observer.paused(self.line.last.reason)
            await self.line.wait_until_calm()
            self.observer.resumed()

    async def _one(self, item: Item) -> None:
        try:
            await self._measure(item)
        finally:
            self._hosts.discard(item.target.host)
            self._under_way -= 1
            self._changed.set()

    async def _measure(self, item: Item) -> None:
        probe = self.probes[item.probe]
        if isinstance(self.observer, Timer):
            self.observer.began(item)
        start = trio.current_time()
        began = self.wall()
        keys: TestKeys | None = None
        try:
            with trio.move_on_after(max(self.budget.item, getattr(probe, "seconds", 0.0))):
                keys = await probe.measure(item.target, self.wire)
        except Exception as error:
            # A probe's mistake about one target, also a stranger's probe's, must not end the run for all.
            self._skip(item, f"could not run: {said(error)}")
            return
        if keys is None:
            self._skip(item, f"took longer than {self.budget.item:.0f} s")
            return
        # Samples of a running total say again what the reads have said.
        self._bytes += sum(
            event.num_bytes or 0
            for event in keys.network_events or ()
            if event.operation != "bytes_received_cumulative"
        )
        failed = _last_failure(keys)
        if failed is not None and not await self.line.was_up_since(start, start + failed):
            self._queue.append(item)
            return
        if self._crowded_out(item, keys, start):
            self._queue.append(item)
            return
        measurement = Measurement(
            annotations=engine(self.vantage),
            id=f"{self.folder.id}/{item.id}",
            input=item.target.url,
            measurement_start_time=began.strftime(TIME_FORMAT),
            probe_asn=f"AS{self.vantage.asn}",
            probe_cc=self.vantage.country,
            probe_network_name=self.vantage.isp,
            **_resolver(keys),
            software_version=__version__,
            test_helpers=_helpers_of(keys),
            test_keys=keys,
            test_name=named(probe, item.target),
            test_runtime=round(trio.current_time() - start, 6),
            test_start_time=self.run_started,
            test_version=probe.version,
            x_gatewatch_item=item.id,
            x_gatewatch_target=item.to_json()["target"],
        )
        if start > self._slowed:
            self.pace.recover()
        try:
            await self._store(item, measurement)
        except (StoreFull, OSError):
            raise
        except Exception as error:
            # Nothing is written of what could not be judged or scrubbed.
            self._skip(item, f"could not be stored: {said(error)}")

    def _crowded_out(self, item: Item, keys: TestKeys, start: float) -> bool:
        """Tell whether a measurement timed out on a line that the run had filled; then the run slows down."""
        if self.line.seen_full < start or not _timed_out(keys) or self._again[item.id] >= _MOST_AGAIN:
            return False
        self._again[item.id] += 1
        if self._slowed < self.line.seen_full:
            self._slowed = self.line.seen_full
            self.pace.slow_down()
        return True

    async def _store(self, item: Item, measurement: Measurement) -> None:
        keys = measurement.test_keys
        verdict: Verdict | None = None
        if measurement.test_name != "trace":
            verdict = judge(measurement)
            keys = replace(keys, extra={**keys.extra, **derived_keys(measurement, verdict)})
            measurement = replace(measurement, test_keys=keys, x_gatewatch_verdict=verdict.to_json())
        self.folder.append(item.id, dumps(self.scrubber.measurement(measurement)), flush=self.flush is None)
        if self.flush is not None:
            await self.flush.kept()
        self.observer.measured(item, verdict)

    def _skip(self, item: Item, why: str) -> None:
        # What went wrong may be said with a path, and so with somebody's name.
        why = self.scrubber.text(why)
        self.skipped.append({"item": item.id, "why": why})
        self.observer.skipped(item, why)

    def about(self) -> dict[str, Any]:
        """What run.json says of the run so far."""
        offset = self.line.last.clock_offset if self.line.last else None
        return {"skipped": self.skipped, "line": self.line.looks, "clock_offset_s": offset}


def said(error: BaseException) -> str:
    """Say what an error says; of a group of them, which nurseries raise, the first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    plain = isinstance(error, (RuntimeError, ValueError, StoreFull, Unscrubbable)) and str(error)
    return plain or f"{type(error).__name__}: {error}"


def _helpers_of(keys: TestKeys) -> dict[str, Any] | None:
    """Name the helper that answered, as OONI's records do."""
    about = keys.extra.get("x_gatewatch_control")
    helper = about.get("helper") if isinstance(about, Mapping) else None
    return {"backend": {"address": helper, "type": "https"}} if helper else None


def _resolver(keys: TestKeys) -> dict[str, Any]:
    """Name the public resolver that the system's asks, where there is one; an address might be the line's."""
    habits = keys.extra.get("x_gatewatch_resolver")
    asn = habits.get("asn") if isinstance(habits, dict) else None
    if not isinstance(asn, int) or not asn or not isinstance(habits, dict):
        return {}
    return {"resolver_asn": f"AS{asn}", "resolver_network_name": str(habits.get("name", ""))}


def _timed_out(keys: TestKeys) -> bool:
    """Tell whether anything ended by silence, as on a full line; a reset or an answer comes from somebody."""
    failures = [query.failure for query in keys.queries or ()]
    failures += [connect.status.failure for connect in keys.tcp_connect or ()]
    failures += [handshake.failure for handshake in keys.tls_handshakes or ()]
    failures += [request.failure for request in keys.requests or ()]
    return GENERIC_TIMEOUT in failures


def _last_failure(keys: TestKeys) -> float | None:
    """When the last thing went wrong that a dead line could explain, in seconds since the start."""
    times = [query.t for query in keys.queries or () if query.failure is not None]
    times += [connect.t for connect in keys.tcp_connect or () if not connect.status.success]
    times += [handshake.t for handshake in keys.tls_handshakes or () if handshake.failure is not None]
    times += [request.t for request in keys.requests or () if request.failure is not None]
    # A record without its time may have failed at any moment, so only a look from now on speaks for the line.
    return max((math.inf if t is None else t for t in times), default=None)
