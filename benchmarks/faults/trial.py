"""A stage that is tried again and again, by deaths or on a full disk, and what became of it."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.worlds.mortal import Mortals

from benchmarks.faults.stage import Found, Stage, scratch


class Trial:
    """What each of them keeps: the chance by which it is tried, and what is counted."""

    def __init__(self, stage: Stage, mortals: Mortals, seed: str) -> None:
        self._stage = stage
        self.name = stage.name
        self._mortals = mortals
        self._chance = random.Random(seed)
        self.found = Found()
        self.deaths = 0
        self.where: Counter[str] = Counter()
        self.seconds = 0.0

    @contextmanager
    def _opened(self) -> Iterator[Path]:
        """Open the stage, and give a folder to try it in; how long that takes is kept."""
        began = time.monotonic()
        with self._stage.around(), scratch() as place:
            yield place
        self.seconds = time.monotonic() - began

    @contextmanager
    def _looking(self) -> Iterator[None]:
        """Take for damaged what cannot even be looked at."""
        try:
            yield
        except (OSError, LookupError, ValueError, AssertionError) as error:
            self.found.note(damaged=f"{type(error).__name__} {Path(str(error).strip(chr(39))).name}")
