"""Deleting runs, with a proof: which file, how long, which SHA-256, and a look whether anything is left.

The proof is given back, not kept: a list of what was deleted would be a trace of its own.  What is deleted is
unlinked; a laboratory may find it on the disk until something else is written there (docs/privacy.md).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from gatewatch.store.folder import PLAN
from gatewatch.store.locking import lock

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
    """Delete a run's folder, file by file; raises Locked while a run is going on there, OSError otherwise."""
    gone = []
    with lock(run.resolve().parent):
        for folder, folders, files in os.walk(run, topdown=False):
            for name in sorted(files):
                path = Path(folder) / name
                gone.append(_erased(path, root))
                path.unlink()
            for name in folders:
                below = Path(folder) / name
                if below.is_symlink():
                    below.unlink()
                else:
                    below.rmdir()
        run.rmdir()
    return gone


def _erased(path: Path, root: Path) -> Erased:
    # The list shows where a file was below the root; the root itself may lie in somebody's home.
    shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
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
                gone.append(_erased(path / name, root))
                (path / name).unlink()
        if path != root and {entry.name for entry in path.iterdir()} <= _LOCKS:
            with suppress(OSError):
                for name in _LOCKS:
                    (path / name).unlink(missing_ok=True)
                path.rmdir()
    return gone


def left(root: Path) -> list[str]:
    """What is still there below a root, but for its own lock; nothing, when all is gone."""
    found = []
    for folder, _, files in os.walk(root):
        found += [(Path(folder) / name).relative_to(root).as_posix() for name in files if name not in _LOCKS]
    return sorted(found)
