"""Files that survive a crash: written beside, flushed to the disk, then renamed into place."""

from __future__ import annotations

import errno
import json
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

#: What unfinished files are called; whatever bears this ending may be deleted when a run is opened again.
UNFINISHED = ".part"

# The ways a system says that a file may not grow: disk full, quota used up, size limit (RLIMIT_FSIZE).
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class StoreFull(Exception):
    """The disk has no room for more.  What was written before is whole; nothing was half written."""


@contextmanager
def full_disk(path: Path) -> Iterator[None]:
    """Turn the errors of a full disk into StoreFull; other errors pass."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFull(f"{path}: {error.strerror}") from error
        raise


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries: a rename is only safe against a power cut after that (POSIX fsync)."""
    if sys.platform == "win32":
        # Windows cannot open folders for that; NTFS journals its entries itself.
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a new file for writing that takes the place of ``path`` when the block ends well.

    At every moment ``path`` is whole, the old one or the new one.  Raises StoreFull on a full disk.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{UNFINISHED}")
    with full_disk(path):
        try:
            # Readable by the owner alone: what a person measured is nobody else's business.
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
            with os.fdopen(fd, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(path.parent)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file atomically; raises TypeError before touching the disk when it is not JSON."""
    data = json.dumps(value, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass") + b"\n"
    with replacing(path) as file:
        file.write(data)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; raises OSError when there is none, ValueError when it is no such thing."""
    value = json.loads(path.read_bytes().decode("utf-8", "surrogatepass"))
    if not isinstance(value, dict):
        raise ValueError(f"{path}: not an object")
    return value
