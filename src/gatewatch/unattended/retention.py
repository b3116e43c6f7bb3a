"""Old runs go when they are too old or too many; what still has to be uploaded does not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gatewatch.store import Locked, lock
from gatewatch.store.erase import GOING, set_aside
from gatewatch.store.files import sync_folder
from gatewatch.store.folder import PLAN

# A run's folder is named after its start (gatewatch.store.folder).
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of old runs: names deleted, and names that should go but still wait for an upload."""

    deleted: tuple[str, ...] = ()
    held_back: tuple[str, ...] = ()


def expire(
    root: Path,
    now: datetime,
    *,
    days: float | None,
    most_bytes: int | None,
    may_go: Callable[[Path], bool] = lambda _run: True,
) -> Kept:
    """Delete runs older than ``days``, and the oldest beyond ``most_bytes`` in all.

    The newest run stays, whatever its size: a clock that was set wrong must not empty the folder.  While a
    run goes on nothing is deleted.  ``may_go`` is asked before a run is deleted.
    """
    if days is None and most_bytes is None:
        return Kept()
    try:
        with lock(root):
            return _expire(root, now, days, most_bytes, may_go)
    except Locked:
        return Kept()


def _expire(
    root: Path,
    now: datetime,
    days: float | None,
    most_bytes: int | None,
    may_go: Callable[[Path], bool],
) -> Kept:
    shutil.rmtree(root / GOING, ignore_errors=True)
    runs = sorted((path for path in root.iterdir() if (path / PLAN).is_file()), key=_started)
    sizes = {run: size(run) for run in runs}
    total = sum(sizes.values())
    deleted, held_back = [], []
    for run in runs[:-1]:
        old = days is not None and now - _started(run) > timedelta(days=days)
        much = most_bytes is not None and total > most_bytes
        if not (old or much):
            continue
        if not may_go(run):
            held_back.append(run.name)
            continue
        _delete(run)
        total -= sizes[run]
        deleted.append(run.name)
    return Kept(tuple(deleted), tuple(held_back))


def _delete(run: Path) -> None:
    """Delete a run so that at no moment half of it can be taken for a run."""
    here = set_aside(run)
    shutil.rmtree(here, ignore_errors=True)
    if here.parent.name == GOING:
        with suppress(OSError):
            here.parent.rmdir()
    sync_folder(run.parent)


def size(run: Path) -> int:
    """Give the bytes of all files in a run's folder."""
    total = 0
    for path in run.rglob("*"):
        with suppress(OSError):
            total += path.lstat().st_size
    return total


def _started(run: Path) -> datetime:
    try:
        return datetime.strptime(run.name.partition("-")[0], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        # Not one of ours by name: the time at which its plan was written, once and never again.
        return datetime.fromtimestamp((run / PLAN).stat().st_mtime, UTC)
