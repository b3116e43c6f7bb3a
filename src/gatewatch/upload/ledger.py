"""What a destination has of a run: a file in the run's folder, only ever appended to.

The run's own lines are the queue; this is the list of those that are through.  A line is written and flushed
before anybody acts on it, so a machine that dies at any moment forgets at most that something arrived, and
sends it again under the same uid; it never believes that something arrived which did not.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gatewatch.store.files import ITSELF, StoreFull, full_disk, sync_folder
from gatewatch.store.lines import PACKED, PLAIN

# The last line of a ledger that is through names a file and tests: some hundred bytes.
_LAST = 8192


@dataclass(slots=True)
class Ledger:
    """The state of one run at one destination; made by :meth:`open`."""

    path: Path
    #: uids that the destination has confirmed
    stored: set[str] = field(default_factory=set)
    #: uids that it will never take, and why
    refused: dict[str, str] = field(default_factory=dict)
    #: uids that were sent without an answer: they may be there
    doubtful: set[str] = field(default_factory=set)
    #: how often each of them was sent
    tries: Counter[str] = field(default_factory=Counter)
    #: collectors: reports opened, by what is common to their measurements
    reports: dict[str, str] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    #: stores: the uids in each object, by its name; written before the object is
    batches: dict[str, tuple[str, ...]] = field(default_factory=dict)
    placed: set[str] = field(default_factory=set)
    #: the state of the run (:func:`gatewatch.upload.spool.mark`) of which nothing wanted is left to be sent
    whole: list[Any] | None = None

    @classmethod
    def open(cls, run: Path, key: str) -> Ledger:
        """Read what is known of a run at a destination."""
        ledger = cls(run / f"upload-{key}.log")
        try:
            raw = ledger.path.read_bytes()
        except FileNotFoundError:
            return ledger
        for line in raw.splitlines(keepends=True):
            # What a dying machine left half written was not acted on yet.
            if line.endswith(b"\n"):
                ledger._read(line)
        return ledger

    @staticmethod
    def last(run: Path, key: str) -> tuple[list[Any] | None, int]:
        """Give ``whole`` and how many were refused, from the last line alone; None where that is another.

        A year has a thousand runs, and a ledger a line for each measurement: of those that are through
        nobody reads more than this.
        """
        try:
            with (run / f"upload-{key}.log").open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _LAST))
                about = json.loads(file.read().splitlines(keepends=True)[-1])
        except (OSError, ValueError, IndexError, RecursionError):
            return None, 0
        match about:
            case {"whole": list(mark), **more}:
                refused = more.get("refused")
                return mark, refused if type(refused) is int else 0
        return None, 0

    def settled(self, uid: str) -> bool:
        """Whether nothing is left to do about a measurement."""
        return uid in self.stored or uid in self.refused

    def note(self, *, flush: bool = True, **about: Any) -> None:
        """Write a line and take it in; raises StoreFull and OSError, and then it counts as not written."""
        line = json.dumps(about, separators=(",", ":")).encode() + b"\n"
        new = not self.path.exists()
        with full_disk(self.path):
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | ITSELF
            fd = os.open(self.path, flags, 0o600)
            try:
                end = _whole_end(fd)
                if os.write(fd, line) < len(line):
                    os.ftruncate(fd, end)
                    raise StoreFull(f"{self.path}: no room")
                if flush:
                    os.fsync(fd)
            finally:
                os.close(fd)
        if new and flush:
            sync_folder(self.path.parent)
        self._take(about)

    def _read(self, line: bytes) -> None:
        try:
            about = json.loads(line)
            if isinstance(about, dict):
                self._take(about)
        except (ValueError, TypeError, KeyError, RecursionError):
            # A damaged line: what it said is not known, and is done again.
            return

    def _take(self, about: dict[str, Any]) -> None:
        match about:
            case {"stored": str(uid)}:
                self.stored.add(uid)
                self._certain(uid)
            case {"refused": str(uid), "why": str(why)}:
                self.refused[uid] = why
                self._certain(uid)
            case {"sent": str(uid)}:
                self.doubtful.add(uid)
                self.tries[uid] += 1
            case {"again": True}:
                self.refused.clear()
                self.whole = None
            case {"report": str(common), "id": str(report)}:
                self.reports[common] = report
            case {"lapsed": str(common)}:
                self.reports.pop(common, None)
            case {"closed": str(report)}:
                self.closed.add(report)
            case {"batch": str(name), "uids": list(uids)}:
                self.batches[name] = tuple(map(str, uids))
            case {"void": str(name)}:
                self.batches.pop(name, None)
            case {"placed": str(name)}:
                self.placed.add(name)
                self.stored.update(self.batches.get(name, ()))
            case {"whole": list(mark)}:
                self.whole = mark

    def _certain(self, uid: str) -> None:
        self.doubtful.discard(uid)
        self.tries.pop(uid, None)


def _whole_end(fd: int) -> int:
    """Cut a half-written line off, and give where the file ends."""
    size = os.fstat(fd).st_size
    at = size
    while at > 0:
        start = max(0, at - 65_536)
        os.lseek(fd, start, os.SEEK_SET)
        found = os.read(fd, at - start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            if end < size:
                os.ftruncate(fd, end)
            return end
        at = start
    if size:
        os.ftruncate(fd, 0)
    return 0


def measurements_file(run: Path) -> tuple[Any, ...] | None:
    """Tell a run's file of measurements apart from an earlier state of it."""
    for name in (PLAIN, PACKED):
        try:
            about = (run / name).stat()
        except OSError:
            continue
        return (name, about.st_size, about.st_mtime_ns)
    return None
