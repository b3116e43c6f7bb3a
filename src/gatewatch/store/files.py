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

if sys.platform != "win32":
    import fcntl

#: What unfinished files are called; whatever bears this ending may be deleted when a run is opened again.
UNFINISHED = ".part"

#: The ways a system says that a file may not grow: disk full, quota used up, size limit (RLIMIT_FSIZE).
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
#: Flags with which our own files are opened by their names: whoever may write to a folder could put a link
#: there, and have another file of ours written to, or made.
ITSELF = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
# A disk that fails while it is written to: the kernel then often makes its file system read-only.
_BROKEN = frozenset({errno.EIO, errno.EROFS})
# What file systems say that cannot flush folders (some over a network, some in user space), and a system
# that does not let us read one in which we may write.
_CANNOT_FLUSH = frozenset({errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EACCES, errno.EPERM})


class StoreFull(Exception):
    """The disk takes no more: it is full, or fails.  What was written before is whole."""


@contextmanager
def full_disk(path: Path, *, broken: bool = False) -> Iterator[None]:
    """Turn the errors of a full disk, and of a ``broken`` one, into StoreFull; other errors pass."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL or (broken and error.errno in _BROKEN):
            raise StoreFull(f"{path}: {error.strerror}") from error
        raise


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries: a rename is only safe against a power cut after that (POSIX fsync)."""
    if sys.platform == "win32":
        # Windows cannot open folders for that; NTFS journals its entries itself.
        return
    try:
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        if error.errno not in _CANNOT_FLUSH:
            raise


def make_folder(folder: Path, mode: int = 0o700) -> None:
    """Make a folder that survives a power cut, and those above it; one that is there stays as it is.

    A new folder's name is an entry of the one above, and is lost with all that lies in it when that was not
    flushed.
    """
    new = []
    for above in (folder, *folder.parents):
        if above.is_dir():
            break
        new.append(above)
    for above in reversed(new):
        above.mkdir(mode, exist_ok=True)
        sync_folder(above.parent)
    # Says so where something else has the name.
    folder.mkdir(mode, exist_ok=True)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a new file for writing that takes the place of ``path`` when the block ends well.

    At every moment ``path`` is whole, the old one or the new one.  What others left unfinished who died while
    they wrote it is deleted.  Raises StoreFull on a full disk, and on one that fails.
    """
    _clear_up(path)
    with full_disk(path, broken=True):
        temporary, fd = _beside(path)
        try:
            with os.fdopen(fd, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
                if sys.platform != "win32":
                    # While it is still locked, so that nobody takes it for left over.
                    temporary.replace(path)
            if sys.platform == "win32":
                temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(path.parent)


def _beside(path: Path) -> tuple[Path, int]:
    """Make the file that is to take the place of another; gives it, and its descriptor."""
    while True:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{UNFINISHED}")
        # Readable by the owner alone: what a person measured is nobody else's business.
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | ITSELF, 0o600)
        if _hold(fd) and os.fstat(fd).st_nlink:
            return temporary, fd
        # Somebody who cleared up was faster than the lock.
        os.close(fd)


def _hold(fd: int) -> bool:
    """Lock a file as one that somebody is writing; the lock ends with its process, however that ends."""
    if sys.platform != "win32":
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            # A file system without locks: there everything that is unfinished stays.
            return True
    return True


def _clear_up(path: Path) -> None:
    """Delete what was to take the place of a file, and was left by a process that is dead."""
    before, after = f".{path.name}.", UNFINISHED
    try:
        names = [entry.name for entry in os.scandir(path.parent) if entry.name.startswith(before)]
    except OSError:
        return
    for name in names:
        if len(name) != len(before) + 8 + len(after) or not name.endswith(after):
            continue
        with suppress(OSError):
            left = path.with_name(name)
            if sys.platform == "win32":
                # An open file cannot be deleted there.
                left.unlink()
            else:
                fd = os.open(left, os.O_WRONLY | os.O_NOFOLLOW)
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    left.unlink()
                finally:
                    os.close(fd)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file atomically; raises TypeError and leaves the old one when it is not JSON.

    Piece by piece: as one text, the plan of 50,000 sites would take 80 MB for a moment.
    """
    with replacing(path) as file:
        for piece in json.JSONEncoder(ensure_ascii=False, indent=1).iterencode(value):
            file.write(piece.encode("utf-8", "surrogatepass"))
        file.write(b"\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; raises OSError when there is none, ValueError when it is no such thing."""
    try:
        value = json.loads(path.read_bytes().decode("utf-8", "surrogatepass"))
    except RecursionError:
        raise ValueError(f"{path}: nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError(f"{path}: not an object")
    return value
