"""Delivering: run after run, measurement after measurement, until all is there or somebody says later.

A destination that does not take what it is sent is left alone for a while, and the others go on.  Nothing
here holds the lock that measuring holds; a lock of its own keeps two deliveries apart.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from gatewatch.store import RunInfo, lock
from gatewatch.store.files import UNFINISHED
from gatewatch.upload.backoff import Backoff
from gatewatch.upload.collector import Answer, Collector
from gatewatch.upload.config import Destination
from gatewatch.upload.ledger import Ledger
from gatewatch.upload.spool import Waiting, concerned, done, mark, pending, waiting
from gatewatch.upload.store import Batched, Folder

#: Under the results' root: the lock of deliveries, and what is known of each destination's health.
FOLDER = ".upload"


@dataclass(frozen=True, slots=True)
class Clock:
    """Time and chance; tests have their own."""

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: random.Random = field(default_factory=random.SystemRandom)


@dataclass(frozen=True, slots=True)
class Result:
    """How it stands with a destination after a delivery."""

    destination: Destination
    stored: int
    refused: int
    waiting: Waiting
    health: Backoff


class Carrier(Protocol):
    """Takes the measurements of one run to a destination."""

    def carry(
        self, run: Path, ledger: Ledger, told: Callable[[Answer, int], None], *, once_more: bool
    ) -> Answer | None:
        """Send what is left of a run; None when nothing is, or the answer that says later.

        ``once_more``: what was sent before without an answer; otherwise everything else.
        ``told`` hears of every answer that settled something, and of how many measurements; what it raises
        ends the delivery between two measurements.
        """


class Singly:
    """Takes measurements to a collector one by one."""

    def __init__(self, destination: Destination, collector: Collector) -> None:
        self._destination = destination
        self._collector = collector

    def carry(
        self, run: Path, ledger: Ledger, told: Callable[[Answer, int], None], *, once_more: bool
    ) -> Answer | None:
        """Send what is left of a run, in its order; once more, what was sent least often first."""
        tries = dict(ledger.tries)
        for count in sorted(set(tries.values())) if once_more else (0,):
            for uid, _line, record in pending(run, self._destination, ledger):
                if tries.get(uid, 0) != count:
                    continue
                answer = self._collector.send(record, uid, ledger)
                if answer.kind == "later":
                    return answer
                if answer.kind == "stored":
                    ledger.note(stored=uid, id=answer.id)
                else:
                    ledger.note(refused=uid, why=answer.why)
                told(answer, 1)
        return None if ledger.doubtful and not once_more else self._collector.close(ledger)


@contextmanager
def carrier(destination: Destination) -> Iterator[Carrier]:
    """Open the way to a destination."""
    if destination.kind == "store":
        with Folder(destination) as folder:
            yield Batched(destination, folder)
        return
    with Collector(destination) as collector:
        yield Singly(destination, collector)


class _TimeIsUp(Exception):
    """The delivery's time is used up; what is left waits."""


def deliver(
    root: Path,
    destinations: Sequence[Destination],
    *,
    within: float,
    only_due: bool = False,
    again: bool = False,
    clock: Clock | None = None,
    opened: Callable[[Destination], Any] = carrier,
    told: Callable[[Destination, Answer, int], None] = lambda *_: None,
) -> list[Result]:
    """Deliver what waits, for about ``within`` seconds; gives how it stands with each destination.

    ``told`` hears of every answer, and of how many measurements it settled: none, when it says later.
    ``only_due``: leave those alone that are to be left alone; otherwise only a server that asked for it is.
    ``again``: what was refused is sent once more.  Raises Locked while another delivery goes on.
    """
    clock = clock or Clock()
    folder = root / FOLDER
    with lock(folder):
        for left in folder.glob(f".*{UNFINISHED}"):
            left.unlink(missing_ok=True)
        until = clock.monotonic() + within
        return [
            _Delivery(root, destination, clock, until, told).run(opened, only_due=only_due, again=again)
            for destination in destinations
        ]


class _Delivery:
    def __init__(
        self,
        root: Path,
        destination: Destination,
        clock: Clock,
        until: float,
        told: Callable[[Destination, Answer, int], None],
    ) -> None:
        self._root = root
        self._destination = destination
        self._clock = clock
        self._until = until
        self._told = told
        self._file = root / FOLDER / f"{destination.key}.json"
        self._health = Backoff.read(self._file)
        self._stored = self._refused = 0

    def run(self, opened: Callable[[Destination], Any], *, only_due: bool, again: bool) -> Result:
        wait = self._health.wait(self._clock.wall())
        if not (wait and (only_due or self._health.asked)):
            before = self._health
            try:
                with opened(self._destination) as way:
                    self._until_later(way, again)
            except _TimeIsUp:
                pass
            finally:
                if self._health != before:
                    self._health.write(self._file)
        return Result(
            self._destination,
            self._stored,
            self._refused,
            waiting(self._root, self._destination),
            self._health,
        )

    def _until_later(self, way: Carrier, again: bool) -> None:
        while (answer := self._all_runs(way, again)) is not None:
            clock = self._clock
            now = clock.wall()
            self._health = self._health.failed(now, answer.why, answer.wait, clock.chance)
            self._health.write(self._file)
            self._told(self._destination, answer, 0)
            delay = self._health.wait(now)
            if clock.monotonic() + delay >= self._until:
                return
            clock.sleep(delay)
            again = False

    def _all_runs(self, way: Carrier, again: bool) -> Answer | None:
        """Go through all runs; what was sent without an answer comes after all that was not.

        A measurement at which a collector stumbles each time would otherwise keep all others from it.
        """
        tried: list[tuple[int, RunInfo]] = []
        for info in concerned(self._root, self._destination):
            if done(info.path, self._destination) and not (
                again and Ledger.last(info.path, self._destination.key)[1]
            ):
                continue
            answer, least = self._run(way, info, again=again)
            if answer is not None:
                return answer
            if least:
                tried.append((least, info))
        for _, info in sorted(tried, key=lambda each: each[0]):
            answer, _ = self._run(way, info, once_more=True)
            if answer is not None:
                return answer
        return None

    def _run(
        self, way: Carrier, info: RunInfo, *, again: bool = False, once_more: bool = False
    ) -> tuple[Answer | None, int]:
        """Send what is left of a run; gives the answer that says later, and how often something was tried."""
        # Looked at before the lines are read: what is appended in the meantime makes another state of it.
        seen = mark(info.path, self._destination)
        try:
            ledger = Ledger.open(info.path, self._destination.key)
            if again and ledger.refused:
                ledger.note(again=True)
            answer = way.carry(info.path, ledger, self._tell, once_more=once_more)
            if answer is not None:
                return answer, 0
            if ledger.doubtful and not once_more:
                return None, min(ledger.tries[uid] for uid in ledger.doubtful)
            ledger.note(whole=seen, refused=len(ledger.refused))
        except OSError as error:
            # When somebody has deleted the run in the meantime, nothing of it is to be sent.  One that cannot
            # be read (a disk that fails there, another user's file) waits, and the others go on.
            if info.path.exists():
                why = f"a run cannot be read: {error.strerror}"
                self._told(self._destination, Answer("later", why=why), 0)
        return None, 0

    def _tell(self, answer: Answer, count: int) -> None:
        if answer.kind == "stored":
            self._stored += count
            ill = self._health.failures
            self._health = self._health.stored(self._clock.wall())
            if ill:
                self._health.write(self._file)
        else:
            self._refused += count
        self._told(self._destination, answer, count)
        if self._clock.monotonic() >= self._until:
            raise _TimeIsUp
