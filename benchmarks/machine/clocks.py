"""Clocks of one process that can be moved while it runs, and nobody else's: a library for LD_PRELOAD.

The machine's own clock belongs to everybody on it.  What a wall clock that jumps does to a run is found out
with three numbers in a file, which every ``clock_gettime`` of the process adds.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from functools import lru_cache
from pathlib import Path

_SOURCE = Path(__file__).with_name("clocks.c")


@lru_cache
def why_not() -> str:
    """Say why clocks cannot be moved here, "" where they can."""
    return "" if shutil.which("cc") else "no C compiler (cc) to build the clocks with"


class Clocks:
    """The clocks of the processes that are started with :meth:`environment`."""

    def __init__(self, folder: Path) -> None:
        self._library = folder / "clocks.so"
        self._file = folder / "clocks"
        self._moved = [0.0, 0.0, 0.0]
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-O1", "-o", str(self._library), str(_SOURCE), "-lm"], check=True
        )
        self._write()

    def _write(self) -> None:
        # In place: the processes have the file mapped.
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("3d", *self._moved))

    def move(self, *, wall: float = 0.0, monotonic: float = 0.0, boot: float = 0.0) -> None:
        """Add seconds to each clock."""
        self._moved = [a + b for a, b in zip(self._moved, (wall, monotonic, boot), strict=True)]
        self._write()

    def environment(self) -> dict[str, str]:
        """Give what a process needs in its environment."""
        return {"LD_PRELOAD": str(self._library), "GATEWATCH_CLOCKS": str(self._file)}
