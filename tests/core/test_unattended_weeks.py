"""Two weeks of a machine on a shelf, on a clock of its own, with everything that goes wrong in such a time.

Starts, delays by chance, measuring, uploading to a real collector, retention, status: only time is not real.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path

from tests.core.test_schedule import JOB
from tests.worlds import spool
from tests.worlds.collector import Collector, Mode, collector

from gatewatch.runner.observer import Observer
from gatewatch.runner.plan import Item
from gatewatch.runner.session import Outcome
from gatewatch.store import lock
from gatewatch.unattended.duty import Clock, Delivered, Duty, Ended, Orders
from gatewatch.unattended.status import Status, faults
from gatewatch.upload import config
from gatewatch.upload.collector import Collector as Sender
from gatewatch.upload.config import Destination
from gatewatch.upload.deliver import Clock as UploadClock
from gatewatch.upload.deliver import Singly, deliver
from gatewatch.upload.spool import may_go
from gatewatch_targets import Target

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
ITEM = Item("web-1", "web", Target("https://site.org/"))
KEEP_DAYS = 3
# Day of the weeks: what the collector does from then on.
WEATHER: dict[int, Mode | None] = {0: "up", 1: None, 6: "stored then 500", 7: "cut", 8: "429", 9: "up"}
OFF = (10, 12)
STARTS = replace(JOB, every="12h")


class Shelf:
    """The machine: its clock, its runs, and what it is told to do."""

    def __init__(self, root: Path, there: Collector) -> None:
        self.root, self.there = root, there
        self.now = BEGAN
        self.chance = random.Random(7)
        self.destination = replace(config.collector(there.url), lab=True)
        self.uids: list[str] = []
        self.made: dict[Path, datetime] = {}

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def run(self) -> Ended:
        clock = Clock(lambda: self.now, lambda: self.now.timestamp(), self.sleep, self.chance)
        orders = Orders(
            root=self.root,
            codes={"done": 0, "no_network": 4, "locked": 75},
            otherwise=1,
            jitter=STARTS.spread,
            every_hours=STARTS.hours,
            keep_days=KEEP_DAYS,
            deliver=self.deliver,
            may_go=lambda run: may_go(run, [self.destination]),
            clock=clock,
        )
        return Duty(orders).do(self.measure)

    def measure(self, observer: Observer) -> Outcome:
        with lock(self.root):
            observer.started(2, 0)
            self.sleep(600)
            made = spool.run(self.root, 2, name=f"{self.now:%d%H}")
            # Named after the time of this clock.
            path = made.rename(self.root / f"{self.now:%Y%m%dT%H%M%SZ}-{made.name[-6:]}")
            self.uids += spool.uids(path)
            self.made[path] = self.now
            observer.measured(ITEM, None)
        return Outcome("done", "Done.", path, 2)

    def deliver(self) -> Delivered:
        clock = UploadClock(self.now.timestamp, self.now.timestamp, self.sleep, self.chance)
        clock = replace(clock, wall=lambda: self.now.timestamp(), monotonic=lambda: self.now.timestamp())
        result = deliver(self.root, [self.destination], within=900, only_due=True, clock=clock, opened=hasty)[
            0
        ]
        left = result.waiting
        return Delivered(result.stored, left.measurements, left.bytes, left.oldest)


@contextmanager
def hasty(destination: Destination) -> Iterator[Singly]:
    with Sender(destination, patience=(0.3, 0.15)) as sender:
        yield Singly(destination, sender)


def weather(there: Collector) -> Callable[[int], None]:
    state: list[Mode | None] = ["up"]

    def turn(day: int) -> None:
        now = WEATHER[max(start for start in WEATHER if start <= day)]
        if (now is None) != (state[0] is None):
            there.down() if now is None else there.up()
        state[0] = now
        there.always = now or "up"

    return turn


def test_two_weeks(tmp_path: Path) -> None:
    with collector() as there:
        shelf, turn = Shelf(tmp_path, there), weather(there)
        end = BEGAN + timedelta(days=14)
        waiting: list[int] = []
        begun = 0
        for start in takewhile(lambda start: start < end, STARTS.starts(BEGAN)):
            day = (start - BEGAN).days
            if OFF[0] <= day < OFF[1]:
                continue
            turn(day)
            before = Status.read(tmp_path)
            if before:
                late = (shelf.now - BEGAN).days < OFF[0] and day >= OFF[1]
                # While it is on, its status never says that a run is overdue; when it was off, it does.
                assert bool(faults(before, start, going_on=False)) == late
            assert start > shelf.now, "no run lasts until the next one"
            shelf.now = start
            assert shelf.run().code == 0
            begun += 1
            assert shelf.now - start < timedelta(seconds=STARTS.spread + 600 + 900)
            status = Status.read(tmp_path)
            assert status and status.exit_code == 0
            waiting.append(status.spool_measurements)
        assert begun == 12 * 2 and len(shelf.uids) == 2 * begun
        assert max(waiting) > 15 and waiting[-1] == 0
        # Nothing was lost, nothing is counted twice, and who does not know of uids has few twice.
        assert set(there.kept) == set(shelf.uids)
        twice = Counter(there.times.values())
        print(f"{begun} runs, {len(there.arrived)} arrivals, {twice}, most waiting {max(waiting)}")
        # What is old went when it was there, and not before.
        recent = [path for path, at in shelf.made.items() if shelf.now - at <= timedelta(days=KEEP_DAYS)]
        left = [path for path in tmp_path.iterdir() if (path / "plan.json").exists()]
        assert sorted(left) == sorted(recent) and 0 < len(left) < begun / 2
