"""A campaign: the plan's items, each started at its pace, measured, judged, scrubbed and stored.

Nothing here knows what a probe does.  A measurement that failed while the line was down, timed out while the
run itself had filled it, or was spoilt by the machine (asleep, on another network, out of files), is thrown
away and its item goes back into the queue; one that outlived its budget is skipped with its reason.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol, runtime_checkable

import trio

from gatewatch import __version__
from gatewatch.net.wire import Wire
from gatewatch.records import TIME_FORMAT, Measurement, TestKeys, dumps
from gatewatch.records import failure as f
from gatewatch.runner.about import Vantage, engine
from gatewatch.runner.clock import Steady
from gatewatch.runner.flush import Flush
from gatewatch.runner.line import Line
from gatewatch.runner.machine import ELSEWHERE, STOOD_STILL, Machine, Moment
from gatewatch.runner.pace import Pace
from gatewatch.runner.plan import Item
from gatewatch.runner.probes import Probe, named
from gatewatch.store import RunFolder, Scrubber, StoreFull, Unscrubbable
from gatewatch.verdict import Verdict, derived_keys, judge
from gatewatch.words import mark

# How often a measurement is made again because the line was full or the machine spoilt it.  After that, as
# slowly as it goes, what is silent is silent; what the machine spoils each time is left out.
_MOST_AGAIN = 3
# When the machine has run out of something, nothing is begun for so many seconds; what is under way ends.
_BREATH = 5.0
# What is left out because of the machine, in words that are worded for people later.
FILES = mark("This machine allows too few open files.")
MEMORY = mark("This machine has too little memory or too few threads.")
NETWORK = mark("The network of this machine does not stay as it is.")


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
    #: The wall clock, as it was at the start; a lab with a clock of its own gives another.
    wall: Callable[[], datetime] = field(default_factory=Steady)
    machine: Machine = field(default_factory=Machine)
    #: Makes the scrubber anew when the machine has other addresses: (all that it has had, its resolvers).
    scrub: Callable[[Iterable[str], tuple[str, ...]], Scrubber] | None = None
    #: Why the run ended before its plan, in a sentence; "" when it did not.
    ended: str = ""
    skipped: list[dict[str, str]] = field(default_factory=list)
    _queue: deque[Item] = field(default_factory=deque)
    _hosts: set[str] = field(default_factory=set)
    _again: Counter[str] = field(default_factory=Counter)
    _slowed: float = -math.inf
    _changes: int = 0
    _most: int = 0
    _breath: float = -math.inf
    _lack: str = ""
    _spoilt: Counter[str] = field(default_factory=Counter)
    _under_way: int = 0
    _bytes: int = 0
    _changed: trio.Event = field(default_factory=trio.Event)

    async def run(self) -> bool:
        """Measure everything that is left; True when nothing was skipped or left over.

        Cancel it to stop: what is under way is dropped, what is stored stays.
        """
        self._most = self.budget.under_way
        self._queue.extend(item for item in self.items if item.id not in self.folder.done)
        self.observer.started(len(self.items), len(self.items) - len(self._queue))
        # Ended by a time budget, the run is a part of itself and can be resumed.
        with trio.move_on_after(self.budget.run if self.budget.run is not None else math.inf) as scope:
            async with trio.open_nursery() as watching:
                watching.start_soon(self.machine.watch)
                async with trio.open_nursery() as nursery:
                    while (item := await self._next()) is not None:
                        if not await self._hold():
                            # What is under way was begun on one network and would end on another.
                            nursery.cancel_scope.cancel()
                            break
                        await self.pace.wait()
                        self._under_way += 1
                        nursery.start_soon(self._one, item)
                watching.cancel_scope.cancel()
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
            if self._under_way < self._most:
                for position, item in enumerate(self._queue):
                    if item.target.host not in self._hosts:
                        del self._queue[position]
                        self._hosts.add(item.target.host)
                        return item
            if not self._queue and not self._under_way:
                return None
            self._changed = trio.Event()
            await self._changed.wait()

    async def _hold(self) -> bool:
        """Wait while the line is down, or full of what is under way; False: nothing more is to be begun."""
        while (seen := self.machine.changes) != self._changes:
            self.observer.paused(self.machine.why)
            if not await self.machine.is_back():
                self.ended = ELSEWHERE
                return False
            self._begin_anew()
            look = await self.line.look()
            if not look.up:
                self.observer.paused(look.reason)
                await self.line.wait_until_up()
            self.machine.look()
            # Only now: what was to begin in the meantime has seen that it is held up.
            self._changes = seen
            if self.machine.changes == seen:
                self.observer.resumed()
        if self._breath > trio.current_time():
            self.observer.paused(self._lack)
            await trio.sleep_until(self._breath)
            self.observer.resumed()
        if self.line.last is not None and not self.line.last.up:
            self.observer.paused(self.line.last.reason)
            await self.line.wait_until_up()
            self.observer.resumed()
        elif self.line.last is not None and self.line.last.full:
            self.observer.paused(self.line.last.reason)
            await self.line.wait_until_calm()
            self.observer.resumed()
        return True

    def _begin_anew(self) -> None:
        """Forget what was learnt of the network before, and see that the new addresses are scrubbed."""
        self.wire.forget(self.machine.resolvers)
        if self.scrub is not None:
            self.scrubber = self.scrub(self.machine.addresses, self.machine.resolvers)

    async def _one(self, item: Item) -> None:
        try:
            await self._measure(item)
        finally:
            self._hosts.discard(item.target.host)
            self._under_way -= 1
            self._changed.set()

    async def _measure(self, item: Item) -> None:
        probe = self.probes[item.probe]
        if self.machine.changes != self._changes:
            # Since it was last held up: it begins when all know where the machine is.
            self._queue.append(item)
            return
        if isinstance(self.observer, Timer):
            self.observer.began(item)
        start, then = trio.current_time(), self.machine.moment()
        began = self.wall()
        keys: TestKeys | None = None
        try:
            with trio.move_on_after(max(self.budget.item, getattr(probe, "seconds", 0.0))):
                keys = await probe.measure(item.target, self.wire)
        except Exception as error:
            if (lack := lacking(error)) is not None:
                self._lacked(item, lack)
                return
            # A probe's mistake about one target, also a stranger's probe's, must not end the run for all.
            self._skip(item, f"could not run: {said(error)}")
            return
        if self.machine.changed_since(then):
            # Half of it belongs to another network, or to another hour.
            self._once_more(item, NETWORK)
            return
        if keys is None:
            if self.machine.stood_still_since(then):
                self._once_more(item, STOOD_STILL)
            else:
                self._skip(item, f"took longer than {self.budget.item:.0f} s")
            return
        # Samples of a running total say again what the reads have said.
        self._bytes += sum(
            event.num_bytes or 0
            for event in keys.network_events or ()
            if event.operation != "bytes_received_cumulative"
        )
        if (lack := _lacked_in(keys)) is not None:
            self._lacked(item, lack)
            return
        failed = _last_failure(keys)
        if failed is not None and not await self.line.was_up_since(start, start + failed):
            self._thrown_away(item)
            return
        if self._crowded_out(item, keys, start):
            self._thrown_away(item)
            return
        if failed is not None and self.machine.changed_since(then):
            # While the line was looked at.
            self._once_more(item, NETWORK)
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
        if start > max(self._slowed, self._breath):
            self.pace.recover()
            self._most = min(self.budget.under_way, self._most + 1)
        try:
            await self._store(item, measurement, then)
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

    def _once_more(self, item: Item, why: str) -> None:
        """Measure an item again that the machine spoilt; after some times it is left out."""
        self._spoilt[item.id] += 1
        if self._spoilt[item.id] > _MOST_AGAIN:
            self._skip(item, why)
        else:
            self._thrown_away(item)

    def _thrown_away(self, item: Item) -> None:
        """Put an item back, and forget what it took for silence: others would leave those endpoints alone."""
        self._queue.append(item)
        self.wire.forget_silence()

    def _lacked(self, item: Item, lack: str) -> None:
        """Go on more slowly and with less at once, since the machine ran out of something."""
        now = trio.current_time()
        self._lack = FILES if lack == f.NO_FILES else MEMORY if lack == f.NO_MEMORY else NETWORK
        if self._breath <= now:
            # Whatever else is under way runs out of it, too.
            self._breath = now + _BREATH
            self._most = max(1, self._under_way // 2)
            self.pace.slow_down()
        self._once_more(item, self._lack)

    async def _store(self, item: Item, measurement: Measurement, then: Moment) -> None:
        keys = measurement.test_keys
        verdict: Verdict | None = None
        if measurement.test_name != "trace":
            verdict = judge(measurement)
        if (verdict is None or verdict.status != "ok") and self.machine.stood_still_since(then):
            # A limit that ran out meanwhile, or a transfer that was slow, is no word of the network's.
            self._once_more(item, STOOD_STILL)
            return
        if verdict is not None:
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
        return {
            "skipped": self.skipped,
            "line": self.line.looks,
            "clock_offset_s": self.line.clock_offset,
            **({"machine": self.machine.notes} if self.machine.notes else {}),
        }


def said(error: BaseException) -> str:
    """Say what an error says; of a group of them, which nurseries raise, the first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    plain = isinstance(error, (RuntimeError, ValueError, StoreFull, Unscrubbable)) and str(error)
    return plain or f"{type(error).__name__}: {error}"


def lacking(error: BaseException) -> str | None:
    """Name what this machine ran out of, as an error or the first of a group says; None: of nothing."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f.local(error)


def _lacked_in(keys: TestKeys) -> str | None:
    """Name what this machine ran out of during a measurement; None: of nothing."""
    # Where IPv6 is switched off, the kernel says of every address of it that this machine has none.
    four = [c.status.failure for c in keys.tcp_connect or () if ":" not in (c.ip or "")]
    four += [e.failure for e in keys.network_events or () if "[" not in (e.address or "")]
    others = [query.failure for query in keys.queries or ()]
    return next((failure for failure in (*four, *others) if failure and failure in f.LOCAL), None)


def _failures(keys: TestKeys) -> list[str | None]:
    failures = [query.failure for query in keys.queries or ()]
    failures += [connect.status.failure for connect in keys.tcp_connect or ()]
    failures += [handshake.failure for handshake in keys.tls_handshakes or ()]
    return failures + [request.failure for request in keys.requests or ()]


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
    # An endpoint that is left alone because it was silent for others counts: so may they have been.
    skipped = keys.extra.get("x_gatewatch_skipped")
    rows = skipped if isinstance(skipped, list) else []
    left_alone = any(isinstance(row, Mapping) and row.get("reason") != "bogon" for row in rows)
    return left_alone or f.GENERIC_TIMEOUT in _failures(keys)


def _last_failure(keys: TestKeys) -> float | None:
    """When the last thing went wrong that a dead line could explain, in seconds since the start."""
    times = [query.t for query in keys.queries or () if query.failure is not None]
    times += [connect.t for connect in keys.tcp_connect or () if not connect.status.success]
    times += [handshake.t for handshake in keys.tls_handshakes or () if handshake.failure is not None]
    times += [request.t for request in keys.requests or () if request.failure is not None]
    # A record without its time may have failed at any moment, so only a look from now on speaks for the line.
    return max((math.inf if t is None else t for t in times), default=None)
