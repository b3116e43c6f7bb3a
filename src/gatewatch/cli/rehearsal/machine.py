"""A volunteer's machine in an emulated country: a schedule, and a process of its own for each run.

Each start forks a process that does what ``gatewatch run --unattended`` does, options and all: lock, delay by
chance, status file, log, measuring, uploading, retention.  Two things are not real: the network, which is the
lab's in memory, and time.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("a rehearsal forks, which Windows cannot")

import os
import random
import signal
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from gatewatch.cli.rehearsal.fate import Fate, Fated, drawn

if TYPE_CHECKING:
    from gatewatch.lab.country.calendar import Volunteer
    from gatewatch.lab.country.scenario import Scenario
    from gatewatch.lab.world import World
    from gatewatch.runner.observer import Observer
    from gatewatch.runner.session import Outcome, Session
    from gatewatch.unattended.duty import Delivered
    from gatewatch.upload.config import Destination

#: Starts a second, as outside; how long a run may take, and for how many days runs are kept.
RATE, MOST_SECONDS, KEEP_DAYS = 5.0, 900, 3
#: Hours from a run to the one that locates.
_LATER = timedelta(hours=2)


@dataclass(slots=True)
class Tally:
    """What became of a machine's starts."""

    starts: int = 0
    away: int = 0
    ends: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Count another's in."""
        self.starts += other.starts
        self.away += other.away
        self.ends += other.ends


@dataclass(frozen=True, slots=True)
class Place:
    """Where a rehearsal keeps its things."""

    folder: Path

    @property
    def store(self) -> Path:
        """The folder that half of the machines upload to."""
        return self.folder / "store"

    @property
    def collected(self) -> Path:
        """What the collector kept, to which the others do."""
        return self.folder / "collected"

    @property
    def measured(self) -> Path:
        """The list that is measured each time."""
        return self.folder / "targets.csv"

    @property
    def located(self) -> Path:
        """The list that is located now and then."""
        return self.folder / "located.csv"

    @property
    def prefixes(self) -> Path:
        """The address plan."""
        return self.folder / "prefixes.csv"

    @property
    def timeline(self) -> Path:
        """What was foretold."""
        return self.folder / "timeline.csv"

    def root(self, name: str) -> Path:
        """Where a machine keeps its runs."""
        return self.folder / "machines" / name

    def config(self, name: str) -> Path:
        """A machine's upload.toml."""
        return self.root(name) / "upload.toml"


class Emulated:
    """The clock of a machine: a wall clock that sleeping moves on, and measuring, too."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        """What it says."""
        return self._now

    def seconds(self) -> float:
        """The same in seconds since 1970."""
        return self._now.timestamp()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Machine:
    """One volunteer's machine; ``number`` tells those of one ISP apart."""

    scenario: Scenario
    world: World
    volunteer: Volunteer
    number: int
    place: Place
    days: int
    lab: str

    @property
    def name(self) -> str:
        """Its name in the rehearsal."""
        return f"{self.volunteer.isp}-{self.number}"

    def live(self, parent: int) -> Tally:
        """Go through all days, as long as this process's parent is that one; what became of the starts."""
        rehearsal = self.scenario.rehearsal
        assert rehearsal is not None
        chance = random.Random(f"{self.scenario.seed} {self.name}")
        tally = Tally()
        for start, argv in self._starts(chance):
            if os.getppid() != parent:
                # Whoever wanted to know is gone.
                sys.exit(1)
            day = (start.date() - rehearsal.date(1)).days + 1
            tally.starts += 1
            if chance.random() < rehearsal.away:
                tally.away += 1
                continue
            fate, seed = drawn(chance, rehearsal.failing), chance.getrandbits(30)
            tally.ends[self._forked(day, start, argv, fate, seed)] += 1
        return tally

    def warm(self) -> None:
        """Measure once in this process: what is loaded and made for that, every fork finds there."""
        from gatewatch.cli import prepare, unattended
        from gatewatch.cli.run import run
        from gatewatch.lab import rehearse
        from gatewatch.runner.session import conduct
        from gatewatch.unattended.log import Log
        from gatewatch.unattended.watching import Watching
        from gatewatch.upload import deliver  # noqa: F401 (loaded here, it need not be in every fork)

        with tempfile.TemporaryDirectory(prefix="gatewatch-rehearsal-") as folder:
            place = Path(folder)
            argv = ["--targets", str(self.place.measured), "--probe", "web", "--root", folder, "--quiet"]
            argv += ["--lab", f"{self.lab}@1:{self.volunteer.isp}", "--attach", "memory", "--unattended"]
            chosen, _ = unattended.parted(run.make_context("run", argv).params)
            around, _ = rehearse.in_memory(self.scenario.on(1), self.volunteer.isp, world=self.world)
            conduct(replace(prepare.session(chosen), surroundings=around), Watching(Log(place)))

    def _starts(self, chance: random.Random) -> Iterator[tuple[datetime, list[str]]]:
        """Give every start with its command line, in order of time."""
        from gatewatch.schedule.job import Job, some_time

        rehearsal = self.scenario.rehearsal
        assert rehearsal is not None
        hour, minute, _ = some_time(rehearsal.every, chance)
        root = self.place.root(self.name)
        # Not so late that what is to be located then is the next day's.
        hour = min(hour, 20)
        job = Job(self.name, self.name, ("gatewatch",), root, (), rehearsal.every, hour, minute)
        last = min(self.volunteer.last or self.days, self.days)
        begin = datetime.combine(rehearsal.date(self.volunteer.first), datetime.min.time(), UTC)
        end = datetime.combine(rehearsal.date(last + 1), datetime.min.time(), UTC)
        before = begin - timedelta(seconds=1)
        for count, start in enumerate(takewhile(lambda start: start < end, job.starts(before))):
            yield start, self._argv("web", self.place.measured, rehearsal.traces, job.spread)
            if rehearsal.located and count % rehearsal.locates_every == 0 and start + _LATER < end:
                yield start + _LATER, self._argv("locate", self.place.located, 0, 0)

    def _argv(self, probe: str, targets: Path, traces: int, jitter: float) -> list[str]:
        argv = ["--unattended", "--attach", "memory", "--root", str(self.place.root(self.name))]
        argv += ["--targets", str(targets), "--probe", probe, "--traces", str(traces)]
        if probe == "locate":
            argv += ["--probe", "contrast"]
        argv += ["--rate", str(RATE), "--max-time", str(MOST_SECONDS), "--keep-days", str(KEEP_DAYS)]
        argv += ["--jitter", str(jitter), "--upload-config", str(self.place.config(self.name))]
        assert self.scenario.rehearsal is not None
        return [*argv, "--every", self.scenario.rehearsal.every]

    def _forked(self, day: int, start: datetime, argv: Sequence[str], fate: Fate, seed: int) -> str:
        """Make one run in a process of its own; gives how that ended."""
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            code = 70
            try:
                code = self._run(day, start, argv, fate, seed)
            except SystemExit as left:
                code = left.code if isinstance(left.code, int) else 2
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                # Not the parent's endings: its files, its pools.
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        if os.WIFSIGNALED(status):
            return signal.Signals(os.WTERMSIG(status)).name
        return f"exit {os.WEXITSTATUS(status)}"

    def _run(self, day: int, start: datetime, argv: Sequence[str], fate: Fate, seed: int) -> int:
        from gatewatch.cli import unattended, upload
        from gatewatch.cli.run import run
        from gatewatch.lab import rehearse
        from gatewatch.runner.session import conduct
        from gatewatch.unattended.duty import Clock
        from gatewatch.upload.deliver import Clock as UploadClock

        time, chance = Emulated(start), random.Random(seed)
        here = ["--lab", f"{self.lab}@{day}:{self.volunteer.isp}", "--seed", str(seed)]
        chosen, alone = unattended.parted(run.make_context("run", [*argv, *here]).params)
        log = self.place.root(self.name) / "stderr"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as stream:
            os.dup2(stream.fileno(), 2)

        def hold(session: Session, observer: Observer) -> Outcome:
            began = time.now()
            around, _ = rehearse.in_memory(
                self.scenario.on(day),
                self.volunteer.isp,
                seed=seed,
                world=self.world,
                began=began,
                dies=fate.dies(len(session.plan.items) / session.rate),
            )
            outcome = conduct(replace(session, surroundings=around), Fated(observer, fate))
            time.sleep((around.wall() - began).total_seconds())
            return outcome

        def deliver(root: Path, wanted: Sequence[Destination], within: float) -> Delivered:
            clock = UploadClock(time.seconds, time.seconds, time.sleep, chance)
            return upload.unattended(root, wanted, within, clock)

        clock = Clock(time.now, time.seconds, time.sleep, chance)
        return unattended.run(chosen, alone, unattended.Machine(clock, hold, deliver))
