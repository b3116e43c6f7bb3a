"""A disk on which every step can be the last: the process dies at it, or it fails for want of room.

A step is a call that changes files below a folder: to make, write, flush, cut, rename or delete one.  Calls
are caught where Python makes them (os and io); what C++ writes by itself (pyarrow) is not, so those files
have only the steps that Python takes with them.  Where a step has two halves (a write), it can die between.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal


def missing() -> str:
    """Say why this cannot be done here; empty where it can."""
    return "" if Path("/proc/self/fd").is_dir() else "needs /proc, to tell what a file descriptor is"


What = Literal["make", "write", "flush", "cut", "rename", "delete"]
#: What becomes of a step: done, or the process dies before it, half way, or after it.
Fate = Literal["done", "die before", "die half way", "die after", "full", "no room after half"]
GROWING = frozenset({"make", "write"})


@dataclass(frozen=True, slots=True)
class Step:
    """One change, and where; ``other`` is where something is renamed to."""

    what: What
    path: str
    other: str = ""
    fd: int = -1
    #: whether it is a folder that is made, flushed or deleted
    folder: bool = False


#: Decides over a step, given its number from 1; and hears of each that was done.
Decide = Callable[[int, Step], Fate]
Hear = Callable[[Step], None]


def always(_number: int, _step: Step) -> Fate:
    """Let everything be."""
    return "done"


def dies_at(number: int, how: Fate) -> Decide:
    """Die at a step."""
    return lambda at, _step: how if at == number else "done"


@dataclass(slots=True)
class Full:
    """No room from a step on, until ``room`` is made: what grows fails, as on a real disk."""

    at: int
    half: bool = False
    room: bool = False
    hit: list[Step] = field(default_factory=list)

    def __call__(self, number: int, step: Step) -> Fate:
        if self.room or number < self.at or step.what not in GROWING:
            return "done"
        self.hit.append(step)
        return "no room after half" if self.half and len(self.hit) == 1 and step.what == "write" else "full"


def die() -> None:
    """End this process as a power cut would: nothing is flushed, nobody is told."""
    os.kill(os.getpid(), signal.SIGKILL)


class _Disk:
    def __init__(self, below: Path, decide: Decide, hear: Hear) -> None:
        self._below = str(below.resolve())
        self._decide = decide
        self._hear = hear
        self.steps = 0
        self._lock = threading.RLock()

    def within(self, path: str) -> bool:
        return path == self._below or path.startswith(self._below + os.sep)

    def step(self, step: Step, act: Callable[[], Any], half: Callable[[], Any] | None = None) -> Any:
        """Take a step, or what was decided instead of it."""
        with self._lock:
            self.steps += 1
            fate = self._decide(self.steps, step)
            if fate == "done":
                result = act()
                self._hear(step)
                return result
            if fate == "full":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), step.path)
            if fate == "no room after half":
                return half() if half else act()
            if fate == "die half way" and half:
                half()
                self._hear(step)
            elif fate == "die after":
                act()
                self._hear(step)
            die()
            return None


def _real(path: Any, dir_fd: int | None = None) -> str:
    """Give the absolute path, its last part as it is (a link stays one)."""
    text = os.fsdecode(path)
    if dir_fd is not None:
        text = str(Path(named(dir_fd), text))
    folder, name = os.path.split(os.path.abspath(text))  # noqa: PTH100 (a link must stay one)
    return str(Path(os.path.realpath(folder), name))


def named(fd: int) -> str:
    """Tell what file a descriptor is; empty for what is none."""
    try:
        return os.readlink(f"/proc/self/fd/{fd}")  # noqa: PTH115
    except OSError:
        return ""


_MAKES = os.O_CREAT


@contextmanager
def steps(below: Path, decide: Decide = always, hear: Hear = lambda _step: None) -> Iterator[_Disk]:
    """Catch every change below a folder until the block ends."""
    disk = _Disk(below, decide, hear)
    was = {name: getattr(os, name) for name in _CAUGHT}
    io_open = io.open

    def os_open(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        real = _real(path, dir_fd)
        made = flags & _MAKES and disk.within(real) and not os.path.lexists(real)

        def act() -> int:
            fd: int = was["open"](path, flags, mode, dir_fd=dir_fd)
            return fd

        if made:
            fd: int = disk.step(Step("make", real), act)
            return fd
        if flags & os.O_TRUNC and disk.within(real):
            cut: int = disk.step(Step("cut", real), act)
            return cut
        return act()

    def os_write(fd: int, data: Any) -> int:
        path = named(fd)
        if not disk.within(path):
            return int(was["write"](fd, data))
        part = memoryview(data)[: len(data) // 2]
        return int(
            disk.step(
                Step("write", path, fd=fd), lambda: was["write"](fd, data), lambda: was["write"](fd, part)
            )
        )

    def os_fsync(fd: int) -> None:
        path = named(fd)
        if disk.within(path):
            folder = Path(path).is_dir()
            disk.step(Step("flush", path, fd=fd, folder=folder), lambda: was["fsync"](fd))
        else:
            was["fsync"](fd)

    def cutting(name: str) -> Callable[..., None]:
        def cut(file: Any, length: int) -> None:
            path = named(file) if isinstance(file, int) else _real(file)
            if disk.within(path):
                disk.step(Step("cut", path), lambda: was[name](file, length))
            else:
                was[name](file, length)

        return cut

    def moving(name: str) -> Callable[..., None]:
        def move(src: Any, dst: Any, **more: Any) -> None:
            one, other = _real(src), _real(dst)
            if disk.within(other):
                disk.step(Step("rename", one, other), lambda: was[name](src, dst, **more))
            else:
                was[name](src, dst, **more)

        return move

    def deleting(name: str, folder: bool) -> Callable[..., None]:
        def delete(path: Any, *, dir_fd: int | None = None) -> None:
            real = _real(path, dir_fd)
            if disk.within(real) and os.path.lexists(real):
                disk.step(Step("delete", real, folder=folder), lambda: was[name](path, dir_fd=dir_fd))
            else:
                was[name](path, dir_fd=dir_fd)

        return delete

    def os_mkdir(path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        real = _real(path, dir_fd)
        if disk.within(real) and not os.path.lexists(real):
            disk.step(Step("make", real, folder=True), lambda: was["mkdir"](path, mode, dir_fd=dir_fd))
        else:
            was["mkdir"](path, mode, dir_fd=dir_fd)

    class Raw(io.FileIO):
        """A file whose writes and cuts are steps."""

        def write(self, data: Any) -> int:
            path = named(self.fileno())
            data = memoryview(data).cast("B")
            whole, half = super().write, data[: len(data) // 2]
            step = Step("write", path, fd=self.fileno())
            return int(disk.step(step, lambda: whole(data), lambda: whole(half)))

        def truncate(self, size: int | None = None) -> int:
            cut = super().truncate
            return int(disk.step(Step("cut", named(self.fileno())), lambda: cut(size)))

    def opened(
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        path = named(file) if isinstance(file, int) else _real(file)
        if not disk.within(path) or not set(mode) & set("wax+"):
            return io_open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        kind = mode.replace("b", "").replace("t", "")

        def raw() -> Raw:
            return Raw(file, kind, closefd, opener)

        there = isinstance(file, int) or os.path.lexists(path)
        if not there:
            stream = disk.step(Step("make", path), raw)
        elif "w" in mode and not isinstance(file, int):
            stream = disk.step(Step("cut", path), raw)
        else:
            stream = raw()
        if buffering == 0:
            return stream
        buffer = io.BufferedRandom(stream) if "+" in mode else io.BufferedWriter(stream)
        return buffer if "b" in mode else io.TextIOWrapper(buffer, encoding, errors, newline)

    instead: dict[str, Callable[..., Any]] = {
        "open": os_open,
        "write": os_write,
        "fsync": os_fsync,
        "mkdir": os_mkdir,
        **{name: cutting(name) for name in ("ftruncate", "truncate")},
        **{name: moving(name) for name in ("rename", "replace")},
        "unlink": deleting("unlink", False),
        "remove": deleting("remove", False),
        "rmdir": deleting("rmdir", True),
    }
    # shutil asks which of these take a folder's descriptor.
    taking = {was[name] for name in _CAUGHT} & os.supports_dir_fd
    added = {instead[name] for name in _CAUGHT if was[name] in taking}
    os.supports_dir_fd |= added
    try:
        for name, function in instead.items():
            setattr(os, name, function)
        io.open = builtins.open = opened
        yield disk
    finally:
        for name, function in was.items():
            setattr(os, name, function)
        io.open = builtins.open = io_open
        os.supports_dir_fd -= added


_CAUGHT = (
    "open",
    "write",
    "fsync",
    "mkdir",
    "ftruncate",
    "truncate",
    "rename",
    "replace",
    "unlink",
    "remove",
    "rmdir",
)


def leftovers(root: Path) -> list[str]:
    """Give the unfinished files below a folder, those that a build or a download goes on from excepted."""
    found = [*root.rglob(".*.part"), *root.rglob("*.part"), *root.rglob("_unfinished")]
    with suppress(OSError):
        return sorted({path.relative_to(root).as_posix() for path in found})
    return []
