"""A control group with little memory, as a small computer has it; of version 1 or 2, whichever is mounted."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import Self

_MOUNTED = Path("/sys/fs/cgroup")
_V1 = _MOUNTED / "memory"
# What a group that is empty takes to be let go.
_PATIENCE = 5.0


def why_not() -> str:
    """Say why there can be no such group here, "" where there can."""
    try:
        Group(2**28).close()
    except OSError as error:
        return f"no control group for memory: {error}"
    return ""


class Group:
    """A group whose processes may use ``limit`` bytes together, their sockets' and files' pages with them."""

    def __init__(self, limit: int) -> None:
        self._first = (_V1 / "memory.limit_in_bytes").exists()
        base = _V1 if self._first else _MOUNTED
        if not self._first and "memory" not in (base / "cgroup.subtree_control").read_text().split():
            # Whoever owns the tree says what its groups may have (systemd, "Control Group APIs and
            # Delegation"); it would stay changed when we are gone.
            raise OSError(errno.EPERM, f"{base} gives its groups no memory controller")
        self._folder = base / f"gatewatch-{os.getpid()}-{time.monotonic_ns()}"
        self._folder.mkdir()
        try:
            # Memory first: with swap it may not be less.
            names = (
                ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
                if self._first
                else ("memory.max", "memory.swap.max")
            )
            for name, most in zip(names, (limit, limit if self._first else 0), strict=True):
                if (self._folder / name).exists():
                    (self._folder / name).write_text(str(most))
        except OSError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def join(self) -> None:
        """Put this process into it."""
        (self._folder / "cgroup.procs").write_text(str(os.getpid()))

    def peak_mb(self) -> float | None:
        """Give the most that it used, in MB, the kernel's pages of files too; None where nobody counts."""
        name = "memory.max_usage_in_bytes" if self._first else "memory.peak"
        try:
            return round(int((self._folder / name).read_text()) / 2**20, 1)
        except OSError:
            return None

    def killed(self) -> int:
        """Give how many of its processes were killed for want of memory."""
        name = "memory.oom_control" if self._first else "memory.events"
        words = (self._folder / name).read_text().split()
        return int(words[words.index("oom_kill") + 1]) if "oom_kill" in words else 0

    def close(self) -> None:
        """Let it go once its processes have ended."""
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                self._folder.rmdir()
                return
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
