"""One unattended run, from the delay by chance to the last line of the log.

Measuring comes first and waits for nobody: what is to be uploaded is uploaded afterwards, without the lock
that measuring holds, and for a bounded time.  Every step is written down in the status file before it begins,
so that a machine that dies leaves a true word behind.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatewatch import __version__
from gatewatch.runner.machine import with_sleep
from gatewatch.store import Locked, StoreFull, held, lock
from gatewatch.store.files import read_json
from gatewatch.store.folder import RUN
from gatewatch.unattended.log import TIME, Log
from gatewatch.unattended.ping import Ping
from gatewatch.unattended.retention import Kept, expire
from gatewatch.unattended.status import Status
from gatewatch.unattended.watching import Watching

if TYPE_CHECKING:
    from gatewatch.runner.observer import Observer
    from gatewatch.runner.session import Outcome

# A machine that was just switched on may not be on the network yet: so many looks, so many seconds apart.
_LOOKS = 5
_BETWEEN_LOOKS = 60.0
# How often the status file follows a run, in seconds: a monitor asks no more often.
_FOLLOW = 60.0


def nap(seconds: float) -> None:
    """Sleep, a second at a time: a signal that comes just before a sleep does not cut it short.

    Python looks for signals between two of its steps; one that comes after the last look and before the
    kernel's sleep begins is seen when that is over.
    """
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, 1.0))


@dataclass(frozen=True, slots=True)
class Clock:
    """Time and chance; tests have their own."""

    wall: Callable[[], datetime] = lambda: datetime.now(UTC)
    #: Goes on while the machine sleeps, as the one on the wall does.
    monotonic: Callable[[], float] = with_sleep
    sleep: Callable[[float], None] = nap
    chance: random.Random = field(default_factory=random.SystemRandom)


@dataclass(frozen=True, slots=True)
class Delivered:
    """What was uploaded and what waits."""

    stored: int = 0
    waiting: int = 0
    waiting_bytes: int = 0
    oldest: str | None = None
    destinations: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Orders:
    """What to do besides measuring."""

    root: Path
    #: Exit codes by how a run ended; every other way has ``otherwise``.
    codes: Mapping[str, int]
    otherwise: int
    #: The most seconds to wait before the start.
    jitter: float = 0.0
    every_hours: int | None = None
    keep_days: float | None = None
    keep_bytes: int | None = None
    #: Uploads what waits; None where nothing is configured.
    deliver: Callable[[], Delivered] | None = None
    #: Whether a run may be deleted as far as uploading is concerned.
    may_go: Callable[[Path], bool] = lambda _run: True
    ping: str = ""
    clock: Clock = field(default_factory=Clock)


@dataclass(frozen=True, slots=True)
class Ended:
    """How it went: the exit code, how the run ended and why, and the run's name."""

    code: int
    outcome: str
    reason: str
    run: str | None


_LOCKED = "Another run holds the lock."
_FULL = "There is no room on the disk, or it fails."


class Duty:
    """One unattended run; make it, and call :meth:`do` once."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._clock = orders.clock
        self._log = Log(orders.root, orders.clock.wall)
        self._ping = Ping(orders.ping, lambda trouble: self._log.say("ping failed", trouble=trouble))
        self._before = Status.read(orders.root)
        self._status = Status()
        self._followed = float("-inf")
        self._began = orders.clock.wall(), orders.clock.monotonic()

    def do(self, hold: Callable[[Observer], Outcome]) -> Ended:
        """Wait, measure by ``hold``, upload, tidy up.

        ``hold`` may raise what :func:`gatewatch.runner.session.conduct` raises.  An exception that nobody
        expects is written down and goes on its way.
        """
        orders, clock = self._orders, self._clock
        began = clock.wall()
        delay = clock.chance.uniform(0, orders.jitter) if orders.jitter else 0.0
        self._begin(began)
        watching = Watching(self._log, self._follow)
        try:
            self._log.say("start", version=__version__, delay_s=round(delay))
            clock.sleep(delay)
            if held(orders.root):
                # Before the monitor hears of a start that would have no end.
                return self._locked()
            self._ping.say("start")
            # Only what is too much: how old a run is nobody can say before the line has shown a clock.
            kept = self._tidy()
            ended = self._measure(hold, watching)
            if ended.outcome == "locked":
                return self._locked()
            self._deliver(watching, ended)
        except BaseException as error:
            outcome = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            self._end(watching, Ended(orders.otherwise, outcome, type(error).__name__, None), Kept())
            raise
        after = self._tidy(ended.run)
        kept = Kept(kept.deleted + after.deleted, after.held_back)
        return self._end(watching, ended, kept)

    def _begin(self, began: datetime) -> None:
        before = self._before or Status()
        every = self._orders.every_hours
        due = (began + timedelta(hours=every)).strftime(TIME) if every else None
        self._status = Status(
            software_version=__version__,
            started=began.strftime(TIME),
            every_hours=every,
            next_due=due,
            last_success=before.last_success,
            failures=before.failures,
            spool_measurements=before.spool_measurements,
            spool_bytes=before.spool_bytes,
            spool_oldest=before.spool_oldest,
            uploads=before.uploads,
        )

    def _measure(self, hold: Callable[[Observer], Outcome], watching: Watching) -> Ended:
        try:
            for look in range(_LOOKS):
                if look:
                    self._log.say("no network", looks=look)
                    self._clock.sleep(_BETWEEN_LOOKS)
                outcome = hold(watching)
                if outcome.state != "no_network":
                    break
            kept = self._kept_silence(outcome)
        except Locked:
            return self._ended("locked", _LOCKED, None)
        except StoreFull:
            return self._ended("full", _FULL, None)
        except OSError as error:
            # Not its text: it names the folder, and so perhaps a person.
            return self._ended("failed", f"The run's folder could not be made: {error.strerror}.", None)
        # What a full disk is called names the folder.
        reason = _FULL if outcome.state == "full" else outcome.reason
        return self._ended(outcome.state, reason, outcome.folder.name if outcome.folder else kept)

    def _kept_silence(self, outcome: Outcome) -> str | None:
        """Keep what was tried on a silent line, so that a shutdown is no gap; gives the run's name."""
        if outcome.silence is None:
            return None
        with lock(self._orders.root):
            folder = outcome.silence.keep()
        self._log.say("silence kept", run=folder.name)
        return folder.name

    def _locked(self) -> Ended:
        # The status file is that of the run that holds the lock.
        self._log.say("locked")
        return self._ended("locked", _LOCKED, None)

    def _ended(self, outcome: str, reason: str, run: str | None) -> Ended:
        return Ended(self._orders.codes.get(outcome, self._orders.otherwise), outcome, reason, run)

    def _follow(self, watching: Watching) -> None:
        now = self._clock.monotonic()
        if now - self._followed >= _FOLLOW:
            self._followed = now
            self._write(watching, state="measuring")

    def _deliver(self, watching: Watching, ended: Ended) -> None:
        if self._orders.deliver is None:
            self._status = replace(
                self._status, uploads=(), spool_measurements=0, spool_bytes=0, spool_oldest=None
            )
            return
        self._write(watching, state="delivering", run=ended.run)
        try:
            done = self._orders.deliver()
        except (Exception, KeyboardInterrupt) as error:
            # Whatever is wrong with uploading, what was measured is here and the run is what it is.
            self._log.say("upload failed", trouble=type(error).__name__)
            return
        self._log.say("uploaded", stored=done.stored, waiting=done.waiting)
        self._status = replace(
            self._status,
            spool_measurements=done.waiting,
            spool_bytes=done.waiting_bytes,
            spool_oldest=done.oldest,
            uploads=list(done.destinations),
        )

    def _clock_offset(self, run: str | None) -> float | None:
        """By how many seconds this machine's clock is ahead, by the run's record; None: nobody knows."""
        if run is None:
            return None
        try:
            offset = float(read_json(self._orders.root / run / RUN)["clock_offset_s"])
        except (OSError, ValueError, LookupError, TypeError):
            return None
        # A run's times are of one clock; the machine's may have been set since.
        wall, monotonic = self._began
        gone = (self._clock.wall() - wall).total_seconds()
        return offset + gone - (self._clock.monotonic() - monotonic)

    def _tidy(self, run: str | None = None) -> Kept:
        orders = self._orders
        offset = self._clock_offset(run)
        if run is not None:
            self._status = replace(self._status, clock_offset_s=offset)
        try:
            kept = expire(
                orders.root,
                self._clock.wall(),
                days=orders.keep_days,
                most_bytes=orders.keep_bytes,
                may_go=orders.may_go,
                clock_offset=offset,
                newest=run,
            )
        except (OSError, StoreFull) as error:
            self._log.say("tidying failed", trouble=type(error).__name__)
            return Kept()
        if kept.deleted:
            self._log.say("deleted", runs=list(kept.deleted))
        return kept

    def _end(self, watching: Watching, ended: Ended, kept: Kept) -> Ended:
        good = ended.code == 0
        written = self._write(
            watching,
            state="ended",
            ended=self._clock.wall().strftime(TIME),
            exit_code=ended.code,
            outcome=ended.outcome,
            reason=ended.reason,
            run=ended.run,
            last_success=self._status.started if good else self._status.last_success,
            failures=0 if good else self._status.failures + 1,
            deleted=len(kept.deleted),
            held_back=len(kept.held_back),
        )
        if good and not written:
            # What was measured is here; but whoever reads the status file would take the run for a dead one.
            good, ended = False, self._ended("full", _FULL, ended.run)
        self._log.say(
            "end",
            exit_code=ended.code,
            outcome=ended.outcome,
            run=ended.run,
            measured=watching.measured_count,
            planned=watching.planned,
            skipped=watching.skipped_count,
        )
        self._ping.say("success" if good else "fail")
        return ended

    def _write(self, watching: Watching, **about: Any) -> bool:
        self._status = replace(
            self._status,
            planned=watching.planned,
            measured=watching.measured_count,
            skipped=watching.skipped_count,
            pauses=watching.pauses,
            verdicts=dict(watching.labels.most_common()),
            **about,
        )
        try:
            self._status.write(self._orders.root)
        except (OSError, StoreFull):
            self._log.say("status not written")
            return False
        return True
