"""What a stage of the campaign is, and what is counted of it."""

from __future__ import annotations

import os
import shutil
import tempfile
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.worlds.disk import leftovers

_MEMORY = "/dev/shm"


@dataclass(slots=True)
class Found:
    """What was found after deaths: things lost, there twice, damaged, taken for blocked; files left over.

    ``again`` counts what came twice where the protocol allows it and each can be told: a collector that does
    not answer is sent the same measurement again, under the same uid.
    """

    lost: int = 0
    twice: int = 0
    damaged: int = 0
    blocked: int = 0
    left: int = 0
    failed: int = 0
    again: int = 0
    said: Counter[str] = field(default_factory=Counter)

    def note(self, **found: str) -> None:
        """Count a thing, and say what it was."""
        for what, why in found.items():
            setattr(self, what, getattr(self, what) + 1)
            self.said[f"{what}: {why}"] += 1

    def unfinished(self, folder: Path) -> None:
        """Count the files below a folder that were left unfinished."""
        for name in leftovers(folder):
            self.note(left=name.rpartition("/")[2].split(".")[1] or name)


class Stage:
    """An act that is interrupted, and how to tell what became of what it works on."""

    name = ""
    #: the share of all kills
    share = 1
    #: ``module:function`` of the act.
    call = ""

    def around(self) -> AbstractContextManager[Any]:
        """Open what lasts for the whole stage, such as a server."""
        return nullcontext()

    @abstractmethod
    def begin(self, folder: Path) -> None:
        """Lay out what there is before the act."""

    def args(self, folder: Path) -> list[Any]:
        """Give what the act is called with."""
        return [str(folder)]

    def words(self, folder: Path) -> list[str]:
        """Give the command that does the same, for what its user is told; none where there is none."""
        return []

    def look(self, folder: Path, found: Found) -> None:
        """Look after a death: is everything whole that was?"""

    @abstractmethod
    def last(self, folder: Path, found: Found) -> None:
        """Look when the act has come to its end, after all."""

    def ended_well(self, folder: Path, code: int) -> bool:
        """Tell whether the act, called again, ended as it should."""
        return code == 0

    def cut(self, folder: Path) -> None:
        """Hear that the power was cut: what was not flushed may be gone."""


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder of our own, gone afterwards; in memory if that can be: flushes cost nothing there."""
    where = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="gatewatch-faults-", dir=where))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
