"""Old runs go when they are too old or too many; what still has to be uploaded does not.

How old a run is, two clocks say: the one that named its folder and today's.  A machine without a battery for
its clock has seen both wrong by years.  So age counts only while somebody else's clock bears out today's, and
what a run's own record says of its clock is believed only where it makes the run younger: whoever can forge
the date of a page must not be able to empty a folder.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gatewatch.store import Locked, lock
from gatewatch.store.erase import GOING, set_aside
from gatewatch.store.files import read_json, sync_folder
from gatewatch.store.folder import PLAN, RUN, STAMP

# By so many seconds today's clock may differ from the world's: less than any age that is worth asking for.
MOST_WRONG = 86_400.0
# Dates that put clocks right have no fractions: among runs so near to one another the one so named is newest.
_ROUGH = timedelta(seconds=2)


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
    clock_offset: float | None = None,
    newest: str | None = None,
) -> Kept:
    """Delete runs older than ``days``, and the oldest beyond ``most_bytes`` in all.

    ``clock_offset``: by how many seconds ``now`` is ahead of the world's clock; None where nobody can tell,
    and then, as when it is much, nothing goes by its age.  The newest run stays, whatever its size, and so
    does the one that is named as such.  While a run goes on nothing is deleted.  ``may_go`` is asked before a
    run is.
    """
    if clock_offset is None or abs(clock_offset) > MOST_WRONG:
        days = None
    if days is None and most_bytes is None:
        return Kept()
    try:
        with lock(root):
            return _expire(root, now, days, most_bytes, may_go, newest)
    except Locked:
        return Kept()


def _expire(
    root: Path,
    now: datetime,
    days: float | None,
    most_bytes: int | None,
    may_go: Callable[[Path], bool],
    newest: str | None,
) -> Kept:
    shutil.rmtree(root / GOING, ignore_errors=True)
    found = dict(_found(root))
    runs = sorted(found, key=lambda run: found[run].truly + (_ROUGH if run.name == newest else timedelta()))
    sizes = {run: size(run) for run in runs}
    total = sum(sizes.values())
    deleted, held_back = [], []
    for run in runs[:-1]:
        old = days is not None and now - found[run].latest > timedelta(days=days)
        much = most_bytes is not None and total > most_bytes
        if not (old or much):
            continue
        if run.name == newest or not may_go(run):
            held_back.append(run.name)
            continue
        _delete(run)
        total -= sizes[run]
        deleted.append(run.name)
    return Kept(tuple(deleted), tuple(held_back))


def _found(root: Path) -> Iterator[tuple[Path, _Start]]:
    """Give the runs and when they began; a folder that is not ours to look into is nobody's run.

    Such are lost+found, where the root is a disk of its own, and what somebody measured as root.
    """
    for path in root.iterdir():
        with suppress(OSError):
            if (path / PLAN).is_file():
                yield path, _started(path)


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


@dataclass(frozen=True, slots=True)
class _Start:
    """When a run began: by its own clock put right, and by the later of the two."""

    truly: datetime
    latest: datetime


def _started(run: Path) -> _Start:
    try:
        named = datetime.strptime(run.name.partition("-")[0], STAMP).replace(tzinfo=UTC)
    except ValueError:
        # Not one of ours by name: the time at which its plan was written, once and never again.
        named = datetime.fromtimestamp((run / PLAN).stat().st_mtime, UTC)
    try:
        truly = named - timedelta(seconds=float(read_json(run / RUN)["clock_offset_s"]))
    except (OSError, ValueError, LookupError, TypeError, OverflowError):
        truly = named
    return _Start(truly, max(named, truly))
