"""One run at a time: two would measure the same targets at once and blur each other's results."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gatewatch.store.files import ITSELF, full_disk, make_folder

_NAME = ".lock"
# held() takes the lock for some microseconds; lock() waits out such a glance rather than refuse a run.
_PATIENCE = 0.2
_PAUSE = 0.01


class Locked(Exception):
    """Another run holds the lock."""


if sys.platform == "win32":
    import msvcrt

    def _take(fd: int) -> bool:
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _take(fd: int) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextmanager
def lock(root: Path) -> Iterator[None]:
    """Hold the lock of a results folder; raises Locked while another process holds it, StoreFull, OSError.

    The kernel holds it for the open file, so it ends with its process however that ends: there are no stale
    locks to clean up.  The file itself stays, because deleting it would let two processes lock two files of
    the same name.  A child that was forked without exec shares the lock until it ends.
    """
    with full_disk(root):
        make_folder(root)
        fd = os.open(root / _NAME, os.O_RDWR | os.O_CREAT | ITSELF, 0o600)
    try:
        give_up = time.monotonic() + _PATIENCE
        while not _take(fd):
            if time.monotonic() >= give_up:
                raise Locked(f"another run holds {root / _NAME}")
            time.sleep(_PAUSE)
        yield
    finally:
        # Closing releases.
        os.close(fd)


def held(root: Path) -> bool:
    """Tell whether a run is going on under ``root`` right now."""
    try:
        fd = os.open(root / _NAME, os.O_RDWR | ITSELF)
    except OSError:
        return False
    try:
        return not _take(fd)
    finally:
        os.close(fd)
