"""Deleting runs, with a proof: which file, how long, which SHA-256, and a look whether anything is left.

The proof is given back, not kept: a list of what was deleted would be a trace of its own.  What is deleted is
unlinked; a laboratory may find it on the disk until something else is written there (docs/privacy.md).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from gatewatch.store.files import StoreFull, make_folder, sync_folder
from gatewatch.store.folder import PLAN
from gatewatch.store.locking import lock

#: What is being deleted lies in this folder beside the runs: it is no run any more, and the next deletion or
#: retention ends it.
GOING = ".deleting"

# Runs lie in the root; those of the lab three folders further down (lab/TIME/ISP/RUN).
_DEEPEST = 4
# What gatewatch itself keeps beside runs: a status file and logs of unattended runs, how it stands with each
# place of uploading, runs that retention is about to delete; and locks, which hold nothing.
_BESIDE = ("status.json", "unattended.log*", ".upload/*", ".deleting/*")
_LOCKS = frozenset({".lock"})


@dataclass(frozen=True, slots=True)
class Erased:
    """A file that is gone: where it was below the root, its length in bytes, its SHA-256."""

    path: str
    bytes: int
    sha256: str


def runs(root: Path) -> list[Path]:
    """Every folder of a run under a root, of whatever age and state; links are not followed."""
    return sorted(_runs(root, 0))


def _runs(folder: Path, depth: int) -> Iterator[Path]:
    if depth > _DEEPEST:
        return
    with suppress(OSError):
        for entry in os.scandir(folder):
            if not entry.is_dir(follow_symlinks=False):
                continue
            path = Path(entry.path)
            # A run without its plan is one that was being made, or deleted, when something stopped it.
            if (path / PLAN).is_file() or _looks_like_a_run(path):
                yield path
            else:
                yield from _runs(path, depth + 1)


def _looks_like_a_run(path: Path) -> bool:
    from gatewatch.store.folder import RUN
    from gatewatch.store.lines import PACKED, PLAIN

    return any((path / name).is_file() for name in (RUN, PLAIN, PACKED))


def erase(run: Path, root: Path) -> list[Erased]:
    """Delete a run's folder, file by file; raises Locked while a run is going on there, OSError otherwise.

    Before the first file goes it is no run any more, so that nothing half deleted is taken for one; and what
    is gone is gone for good, also when the power fails.
    """
    above = run.resolve().parent
    with ExitStack() as held:
        # Without room for its file there is no lock, and so nobody who holds it.
        with suppress(StoreFull):
            # That of the folder of runs, also for what is being deleted already.
            held.enter_context(lock(above.parent if above.name == GOING else above))
        here = set_aside(run)
        gone = _emptied(here, run, root)
        here.rmdir()
        sync_folder(here.parent)
        with suppress(OSError):
            if here.parent.name == GOING:
                here.parent.rmdir()
    return gone


def set_aside(run: Path) -> Path:
    """Make a run's folder one of those that are being deleted; gives where it is then."""
    if run.parent.name == GOING or run.is_symlink():
        return run
    going = run.parent / GOING
    try:
        make_folder(going)
    except OSError:
        # A disk on which nothing more can be made is a reason to delete.  Without its plan it is no run.
        (run / PLAN).unlink(missing_ok=True)
        sync_folder(run)
        return run
    here = going / run.name
    run.rename(here)
    # On both sides, before anything in it is touched.
    sync_folder(going)
    sync_folder(run.parent)
    return here


def begun(root: Path, names: Collection[str] = ()) -> list[Path]:
    """Give what a death has left half deleted right below a root; beside the runs, only what is named."""
    found = []
    with suppress(OSError):
        found = [path for path in (root / GOING).iterdir() if path.is_dir() and not path.is_symlink()]
    for name in names:
        path = root / name
        if path.parent == root and not (path / PLAN).exists() and _looks_like_a_run(path):
            found.append(path)
    return sorted(found)


def _emptied(here: Path, run: Path, root: Path) -> list[Erased]:
    gone = []
    for folder, folders, files in os.walk(here, topdown=False):
        for name in sorted(files):
            path = Path(folder) / name
            gone.append(_erased(path, run / path.relative_to(here), root))
            path.unlink()
        for name in folders:
            below = Path(folder) / name
            if below.is_symlink():
                below.unlink()
            else:
                below.rmdir()
    return gone


def _erased(path: Path, was: Path, root: Path) -> Erased:
    # The list shows where a file was below the root; the root itself may lie in somebody's home.
    shown = was.relative_to(root).as_posix() if was.is_relative_to(root) else was.name
    if path.is_symlink():
        return Erased(shown, 0, hashlib.sha256(b"").hexdigest())
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    return Erased(shown, path.stat().st_size, digest.hexdigest())


def tidy(root: Path) -> list[Erased]:
    """Delete what gatewatch keeps beside runs (logs, a status file), and folders that are empty now."""
    gone = []
    for folder, _, files in os.walk(root, topdown=False):
        path = Path(folder)
        for name in files:
            below = (path / name).relative_to(root).as_posix()
            if name not in _LOCKS and any(fnmatch(below, pattern) for pattern in _BESIDE):
                gone.append(_erased(path / name, path / name, root))
                (path / name).unlink()
        if path != root and {entry.name for entry in path.iterdir()} <= _LOCKS:
            with suppress(OSError):
                for name in _LOCKS:
                    (path / name).unlink(missing_ok=True)
                path.rmdir()
    with suppress(OSError):
        sync_folder(root)
    return gone


def left(root: Path) -> list[str]:
    """What is still there below a root, but for its own lock; nothing, when all is gone."""
    found = []
    for folder, _, files in os.walk(root):
        found += [(Path(folder) / name).relative_to(root).as_posix() for name in files if name not in _LOCKS]
    return sorted(found)
