"""A run's folder: ``plan.json`` first, then measurements line by line, ``run.json`` beside them.

What :meth:`RunFolder.append` returned for survives the death of the process at any moment: the line is in the
kernel's hands, written by one call.  A power cut may take what was not yet flushed, until
:meth:`RunFolder.sync` returns; it is then measured again, and nothing else is touched.  Whoever does not
flush by himself loses at most _SYNC_LINES lines or _SYNC_SECONDS of them.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import secrets
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from gatewatch.store.files import (
    ITSELF,
    UNFINISHED,
    StoreFull,
    full_disk,
    make_folder,
    read_json,
    replacing,
    sync_folder,
    write_json,
)
from gatewatch.store.lines import LONGEST, PACKED, PLAIN, label
from gatewatch.store.recover import DAMAGED, Found, recover

PLAN = "plan.json"
RUN = "run.json"

# A run has each measurement flushed, aside (gatewatch.runner.flush).  These are for writers that do not: a
# rehearsal in memory, where a flush for each would take longer than measuring.
_SYNC_LINES = 50
_SYNC_SECONDS = 1.0
# gzip -6 packs 25,000 records of 5 kB a second, 12 to 1: a run of 2,000 is packed in 0.1 s.
_GZIP_LEVEL = 6
_RUN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")
#: A run's folder is named after its start, in UTC.
STAMP = "%Y%m%dT%H%M%SZ"
_TIME = "%Y-%m-%d %H:%M:%S"


def utc() -> datetime:
    """Give the time now."""
    return datetime.now(UTC)


class NotARun(Exception):
    """The folder holds no plan that can be read, so it is no run."""


class AlreadyMeasured(Exception):
    """The item has its line: measuring it twice would count it twice."""


class RunFolder:
    """One open run.  Made by :func:`create` or :func:`open_for_resume`; hold :func:`lock` around it."""

    def __init__(
        self,
        path: Path,
        plan: Mapping[str, Any],
        about: Mapping[str, Any],
        found: Found,
        clock: Callable[[], float],
        wall: Callable[[], datetime] = utc,
    ) -> None:
        self.path = path
        # Whether each item of the plan has its measurement: all from the beginning, so that a long run takes
        # no more memory at its end.
        self._has: dict[str, bool] = dict.fromkeys((item["id"] for item in plan["items"]), False)
        self._has.update(dict.fromkeys(found.done, True))
        self._about = dict(about)
        self._verdicts: Counter[str] = found.verdicts
        self._clock = clock
        self._wall = wall
        self._unsynced = 0
        self._synced_at = clock()
        self._fd = os.open(path / PLAIN, os.O_RDWR | os.O_APPEND | os.O_CREAT | ITSELF, 0o600)

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def about(self) -> Mapping[str, Any]:
        """What run.json holds."""
        return self._about

    @property
    def measured(self) -> int:
        """How many measurements it holds."""
        return self._verdicts.total()

    @property
    def plan(self) -> Mapping[str, Any]:
        """What plan.json holds; read anew, since a long list's would take 40 MB for the whole run."""
        plan: Mapping[str, Any] = read_json(self.path / PLAN)
        return plan

    def has(self, item_id: str) -> bool:
        """Whether it holds the measurement of an item."""
        return self._has.get(item_id, False)

    def append(self, item_id: str, line: bytes, *, flush: bool = True) -> None:
        """Write the measurement of an item: one line of JSON with its newline, which names the item.

        ``flush``: flush now and then; otherwise that is left to the caller (:meth:`sync`).
        Raises AlreadyMeasured, ValueError when the line is not the item's, and StoreFull when the disk is
        full: the file then ends with the last whole line, and :meth:`has` says whether that is this one.
        """
        if self.has(item_id):
            raise AlreadyMeasured(item_id)
        _check(item_id, line)
        # Before the write: should a signal's exception come between the two, the item is not written twice.
        self._has[item_id] = True
        start = os.fstat(self._fd).st_size
        try:
            with full_disk(self.path / PLAIN, broken=True):
                written = os.write(self._fd, line)
            if written < len(line):
                raise StoreFull(f"{self.path / PLAIN}: no room, {written} of {len(line)} bytes were written")
        except (OSError, StoreFull):
            os.ftruncate(self._fd, start)
            self._has[item_id] = False
            raise
        self._verdicts[label(line)] += 1
        self._unsynced += 1
        if not flush:
            return
        if self._unsynced >= _SYNC_LINES or self._clock() - self._synced_at >= _SYNC_SECONDS:
            self.sync()

    def sync(self) -> None:
        """Flush to the disk now; may be called in another thread.

        Raises StoreFull on the file systems (networked ones, quotas) that notice a full disk only here.
        """
        with full_disk(self.path / PLAIN, broken=True):
            os.fsync(self._fd)
        self._unsynced = 0
        self._synced_at = self._clock()

    def update(self, **about: Any) -> None:
        """Set keys of run.json, with the counts so far; raises StoreFull, and the old one stays whole."""
        self._about.update(about)
        self._about.update(measured=self.measured, verdicts=dict(self._verdicts.most_common()))
        write_json(self.path / RUN, self._about)

    def close(self, state: str) -> None:
        """End the run: flush, compress, and write state (done, interrupted, no_network, ...) and end.

        On a full disk the plain file stays, which is as good; StoreFull is raised when a flush failed or
        run.json could not be written.  Closing twice does nothing.
        """
        if self._fd < 0:
            return
        try:
            self.sync()
            with suppress(StoreFull), full_disk(self.path, broken=True):
                self._compress()
        finally:
            os.close(self._fd)
            self._fd = -1
        self.update(state=state, ended=_told(self._wall()))

    def _compress(self) -> None:
        plain = self.path / PLAIN
        with (
            replacing(self.path / PACKED) as out,
            # Without name and time: the same measurements give the same bytes.
            gzip.GzipFile("", "wb", _GZIP_LEVEL, out, mtime=0) as packed,
            plain.open("rb") as file,
        ):
            shutil.copyfileobj(file, packed, 2**20)
        plain.unlink()
        sync_folder(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close what the block left open, as interrupted."""
        if self._fd >= 0:
            self.close("interrupted")


def create(
    root: Path,
    plan: Mapping[str, Any],
    about: Mapping[str, Any],
    *,
    clock: Callable[[], float] = time.monotonic,
    wall: Callable[[], datetime] = utc,
) -> RunFolder:
    """Make the folder of a new run under ``root``: plan.json is on the disk before anything is measured.

    ``wall`` is the clock on the wall.  Raises StoreFull, and OSError when the folder cannot be made.
    """
    with full_disk(root):
        make_folder(root)
        while True:
            # The time sorts, the random part keeps two runs of one second apart and tells nothing.
            path = root / f"{wall():{STAMP}}-{secrets.token_hex(3)}"
            with suppress(FileExistsError):
                path.mkdir(mode=0o700)
                break
        write_json(path / PLAN, plan)
        sync_folder(root)
        began = {"started": _told(wall()), "ended": None}
        folder = RunFolder(path, plan, {**began, **about}, Found(), clock, wall)
        folder.update(state="running")
    return folder


def sweep(root: Path) -> None:
    """Delete what is left of runs that died before their plan was there; hold :func:`lock` around it."""
    with suppress(OSError):
        for path in root.iterdir():
            if _RUN.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
                names = {below.name for below in path.iterdir()}
                if all(name.startswith(f".{PLAN}.") and name.endswith(UNFINISHED) for name in names):
                    for name in names:
                        (path / name).unlink()
                    path.rmdir()


def open_for_resume(
    path: Path, *, clock: Callable[[], float] = time.monotonic, wall: Callable[[], datetime] = utc
) -> RunFolder:
    """Open a run that ended before its plan did, in whatever way, and make its files whole.

    Raises NotARun, and StoreFull when there is no room to unpack.
    """
    try:
        plan = read_json(path / PLAN)
    except (OSError, ValueError) as error:
        raise NotARun(f"{path}: {error}") from error
    try:
        about = read_json(path / RUN)
    except (OSError, ValueError):
        # Ended between the two files of a new run, or lost to a disk; the measurements are what counts.
        about = {"started": plan.get("created"), "ended": None}
    for name in (PLAIN, PACKED, DAMAGED):
        if (path / name).is_symlink():
            # Made whole, another file would lose what is no measurement: all of it.
            raise NotARun(f"{path}: {name} is a link")
    try:
        folder = RunFolder(path, plan, about, recover(path), clock, wall)
    except (KeyError, TypeError) as error:
        raise NotARun(f"{path}: its plan lacks {error}") from error
    folder.update(state="running", ended=None, resumed=[*about.get("resumed", ()), _told(wall())])
    return folder


def _check(item_id: str, line: bytes) -> None:
    if line.find(b"\n") != len(line) - 1 or len(line) < 2:
        raise ValueError("not one line")
    if len(line) > LONGEST:
        raise ValueError(f"a line of {len(line)} bytes could not be read back")
    # Resuming reads the id from the line, so a line without it would be measured again.
    named = json.dumps(item_id, ensure_ascii=False).encode()
    if b'"x_gatewatch_item":' + named not in line and b'"x_gatewatch_item": ' + named not in line:
        raise ValueError(f"the line does not name item {item_id}")


def _told(when: datetime) -> str:
    return when.strftime(_TIME)
