"""A file or folder for parsers that read from disk: one a process, in memory where the system has such."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

_MEMORY = Path("/dev/shm")
_made: list[Path] = []


def fresh() -> Path:
    """Make a folder that is gone when the process ends."""
    found = Path(tempfile.mkdtemp(prefix="gatewatch-fuzz-", dir=_MEMORY if _MEMORY.is_dir() else None))
    _made.append(found)
    return found


@cache
def folder() -> Path:
    """Give this process's folder."""
    return fresh()


def put(name: str, data: bytes) -> Path:
    """Write an input to a file of that name."""
    path = folder() / name
    path.write_bytes(data)
    return path


@atexit.register
def clean() -> None:
    """Remove what was made here."""
    while _made:
        shutil.rmtree(_made.pop(), ignore_errors=True)
