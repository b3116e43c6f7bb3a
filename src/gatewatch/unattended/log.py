"""A log for machines: one JSON object a line, and old files out of the way before they grow large."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gatewatch.store.files import ITSELF

#: The log's file under the results' root.  It does not end in .jsonl: no analysis takes it for measurements.
LOG = "unattended.log"
#: Times of day in the log and the status file, UTC (RFC 3339).
TIME = "%Y-%m-%dT%H:%M:%SZ"
# A run leaves some ten lines of 200 bytes: a megabyte is a year of four runs a day.
_MOST = 1_000_000
_OLD_ONES = 3


class Log:
    """The log under a root; ``wall`` is the clock on the wall."""

    def __init__(
        self, root: Path, wall: Callable[[], datetime] = lambda: datetime.now(UTC), most: int = _MOST
    ) -> None:
        self._path = root / LOG
        self._wall = wall
        self._most = most

    def say(self, event: str, **about: Any) -> None:
        """Write a line; a full disk must not end what is told about."""
        line = json.dumps({"time": self._wall().strftime(TIME), "event": event, **about}).encode() + b"\n"
        with suppress(OSError):
            self._make_room(len(line))
            fd = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | ITSELF, 0o600)
            try:
                # In one call, so that two processes never mix within a line.
                os.write(fd, _after_a_cut(fd) + line)
            finally:
                os.close(fd)

    def _make_room(self, size: int) -> None:
        try:
            had = self._path.stat().st_size
        except FileNotFoundError:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            return
        if had + size <= self._most:
            return
        for number in range(_OLD_ONES, 0, -1):
            newer = self._path if number == 1 else self._old(number - 1)
            with suppress(FileNotFoundError):
                newer.replace(self._old(number))

    def _old(self, number: int) -> Path:
        return self._path.with_name(f"{LOG}.{number}")


def _after_a_cut(fd: int) -> bytes:
    """Give a line's end where a full disk or a power cut left a line without one."""
    size = os.fstat(fd).st_size
    if not size:
        return b""
    os.lseek(fd, size - 1, os.SEEK_SET)
    return b"" if os.read(fd, 1) == b"\n" else b"\n"
