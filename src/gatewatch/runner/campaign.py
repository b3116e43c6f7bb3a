"""A campaign: the plan's items, each started at its pace, measured, judged, scrubbed and stored.

Nothing here knows what a probe does.  A measurement that failed while the line was down, timed out while the
run itself had filled it, or was spoilt by the machine (asleep, on another network, out of files), is thrown
away and its item goes back into the queue; one that outlived its budget is skipped with its reason.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import trio

from gatewatch.net.wire import Wire
from gatewatch.records import TIME_FORMAT, Measurement, TestKeys, dumps
from gatewatch.runner import failures
from gatewatch.runner.about import Vantage
from gatewatch.runner.budget import Budget
from gatewatch.runner.clock import Steady
from gatewatch.runner.flush import Flush
from gatewatch.runner.hold import Hold
from gatewatch.runner.line import Line
from gatewatch.runner.machine import ELSEWHERE, STOOD_STILL, Machine, Moment
from gatewatch.runner.observer import Observer, Timer
from gatewatch.runner.pace import Pace
from gatewatch.runner.plan import Item
from gatewatch.runner.probes import Probe
from gatewatch.runner.queue import Queue
from gatewatch.runner.record import recorded, verdict_on, with_verdict
from gatewatch.store import RunFolder, Scrubber, StoreFull

# How often a measurement is made again because the line was full or the machine spoilt it.  After that, as
# slowly as it goes, what is silent is silent; what the machine spoils each time is left out.
_MOST_AGAIN = 3


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
    #: The wall clock, as it was at the start; a lab with a clock of its own gives another.
    wall: Callable[[], datetime] = field(default_factory=Steady)
    machine: Machine = field(default_factory=Machine)
    #: Makes the scrubber anew when the machine has other addresses: (all that it has had, its resolvers).
    scrub: Callable[[Iterable[str], tuple[str, ...]], Scrubber] | None = None
    #: Why the run ended before its plan, in a sentence; "" when it did not.
    ended: str = ""
    skipped: list[dict[str, str]] = field(default_factory=list)
    _queue: Queue = field(init=False)
    _hold: Hold = field(init=False)
    _again: Counter[str] = field(default_factory=Counter)
    _slowed: float = -math.inf
    _spoilt: Counter[str] = field(default_factory=Counter)
    _bytes: int = 0

    def __post_init__(self) -> None:
        self._queue = Queue(self.budget.under_way)
        self._hold = Hold(self.machine, self.line, self.observer, self._begin_anew)

    async def run(self) -> bool:
        """Measure everything that is left; True when nothing was skipped or left over.

        Cancel it to stop: what is under way is dropped, what is stored stays.
        """
        self._queue.put(item for item in self.items if not self.folder.has(item.id))
        self.observer.started(len(self.items), len(self.items) - len(self._queue))
        # Ended by a time budget, the run is a part of itself and can be resumed.
        with trio.move_on_after(self.budget.run if self.budget.run is not None else math.inf) as scope:
            async with trio.open_nursery() as watching:
                watching.start_soon(self.machine.watch)
                async with trio.open_nursery() as nursery:
                    while (item := await self._next()) is not None:
                        if not await self._hold.wait():
                            self.ended = ELSEWHERE
                            # What is under way was begun on one network and would end on another.
                            nursery.cancel_scope.cancel()
                            break
                        await self.pace.wait()
                        self._queue.begun()
                        nursery.start_soon(self._one, item)
                watching.cancel_scope.cancel()
        if scope.cancelled_caught:
            self.skipped.append({"item": "", "why": "the run's time budget is used up"})
        return not self.skipped and all(self.folder.has(item.id) for item in self.items)

    async def _next(self) -> Item | None:
        """Wait for an item whose host is free; None when all is done or the budget is used up."""
        while True:
            spent = self.budget.total_bytes is not None and self._bytes >= self.budget.total_bytes
            if spent and len(self._queue):
                self.skipped.append({"item": "", "why": "the run's byte budget is used up"})
                return None
            if (item := self._queue.take()) is not None or self._queue.is_over:
                return item
            await self._queue.changed()

    def _begin_anew(self) -> None:
        """Forget what was learnt of the network before, and see that the new addresses are scrubbed."""
        self.wire.forget(self.machine.resolvers)
        if self.scrub is not None:
            self.scrubber = self.scrub(self.machine.addresses, self.machine.resolvers)

    async def _one(self, item: Item) -> None:
        try:
            await self._measure(item)
        finally:
            self._queue.ended(item)

    async def _measure(self, item: Item) -> None:
        probe = self.probes[item.probe]
        if self._hold.is_called_for:
            # Something has happened since: it begins when all know where the machine is.
            self._queue.put((item,))
            return
        if isinstance(self.observer, Timer):
            self.observer.began(item)
        limit = max(self.budget.item, getattr(probe, "seconds", 0.0))
        start, then = trio.current_time(), self.machine.moment()
        began = self.wall()
        keys: TestKeys | None = None
        try:
            with trio.move_on_after(limit):
                keys = await probe.measure(item.target, self.wire)
        except Exception as error:
            if (lack := failures.lacking(error)) is not None:
                self._lacked(item, lack)
                return
            # A probe's mistake about one target, also a stranger's probe's, must not end the run for all.
            self._skip(item, f"could not run: {failures.said(error)}")
            return
        if self.machine.changed_since(then):
            # Half of it belongs to another network, or to another hour.
            self._once_more(item, failures.NETWORK)
            return
        if keys is None:
            if self.machine.stood_still_since(then):
                self._once_more(item, STOOD_STILL)
            else:
                self._skip(item, f"took longer than {limit:.0f} s")
            return
        # Samples of a running total say again what the reads have said.
        self._bytes += sum(
            event.num_bytes or 0
            for event in keys.network_events or ()
            if event.operation != "bytes_received_cumulative"
        )
        if (lack := failures.lacked_in(keys)) is not None:
            self._lacked(item, lack)
            return
        failed = failures.last_failure(keys)
        if failed is not None and not await self.line.was_up_since(start, start + failed):
            self._thrown_away(item)
            return
        if self._crowded_out(item, keys, start):
            self._thrown_away(item)
            return
        if failed is not None and self.machine.changed_since(then):
            # While the line was looked at.
            self._once_more(item, failures.NETWORK)
            return
        measurement = recorded(
            keys,
            item,
            probe,
            self.vantage,
            run=self.folder.id,
            run_started=self.run_started,
            began=began,
            seconds=trio.current_time() - start,
        )
        if start > max(self._slowed, self._hold.breath):
            self.pace.recover()
            self._queue.have_one_more()
        try:
            await self._store(item, measurement, then)
        except (StoreFull, OSError):
            raise
        except Exception as error:
            # Nothing is written of what could not be judged or scrubbed.
            self._skip(item, f"could not be stored: {failures.said(error)}")

    def _crowded_out(self, item: Item, keys: TestKeys, start: float) -> bool:
        """Tell whether a measurement timed out on a line that the run had filled; then the run slows down."""
        if self.line.seen_full < start or not failures.timed_out(keys) or self._again[item.id] >= _MOST_AGAIN:
            return False
        self._again[item.id] += 1
        if self._slowed < self.line.seen_full:
            self._slowed = self.line.seen_full
            self.pace.slow_down()
        return True

    def _once_more(self, item: Item, why: str) -> None:
        """Measure an item again that the machine spoilt; after some times it is left out."""
        self._spoilt[item.id] += 1
        if self._spoilt[item.id] > _MOST_AGAIN:
            self._skip(item, why)
        else:
            self._thrown_away(item)

    def _thrown_away(self, item: Item) -> None:
        """Put an item back, and forget what it took for silence: others would leave those endpoints alone."""
        self._queue.put((item,))
        self.wire.forget_silence()

    def _lacked(self, item: Item, lack: str) -> None:
        """Go on more slowly and with less at once, since the machine ran out of something."""
        why = failures.why(lack)
        if self._hold.breathe(why):
            # Whatever else is under way runs out of it, too.
            self._queue.have_fewer()
            self.pace.slow_down()
        self._once_more(item, why)

    async def _store(self, item: Item, measurement: Measurement, then: Moment) -> None:
        verdict = verdict_on(measurement)
        if (verdict is None or verdict.status != "ok") and self.machine.stood_still_since(then):
            # A limit that ran out meanwhile, or a transfer that was slow, is no word of the network's.
            self._once_more(item, STOOD_STILL)
            return
        if verdict is not None:
            measurement = with_verdict(measurement, verdict)
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
        return {
            "skipped": self.skipped,
            "line": self.line.looks,
            "clock_offset_s": self.line.clock_offset,
            **({"machine": self.machine.notes} if self.machine.notes else {}),
        }
