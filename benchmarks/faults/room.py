"""No room on the disk from some step on: what a command says then, what it leaves, and whether it goes on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.worlds.mortal import End, Mortals, Order

from benchmarks.faults.stage import Stage
from benchmarks.faults.trial import Trial
from gatewatch import cli

# What must be among the words that a person reads.
_CLEAR = ("no room", "no space", "is full")
_CALL = "benchmarks.faults.acts:command"


class Filled(Trial):
    """A stage on a disk that fills up, and what became of it."""

    def __init__(self, stage: Stage, mortals: Mortals, seed: int) -> None:
        super().__init__(stage, mortals, f"{seed} {stage.name} full")

    def go(self, number: int) -> None:
        """Fill the disk so often, at other steps each time."""
        with self._opened() as place:
            whole = self._new(place / "peace", 0)
            places = list(range(1, whole.steps + 1))
            self._chance.shuffle(places)
            for at in places:
                if self.deaths >= number:
                    break
                self._new(place / f"{at}", at)

    def _new(self, folder: Path, at: int) -> End:
        """Begin anew, with room for so many steps; then make room, and go on."""
        folder.mkdir()
        self._stage.begin(folder)
        end, said = self._command(folder, at)
        with self._looking():
            if not at:
                self._ended(folder, end, said)
            elif end.steps:
                self.deaths += 1
                self.where[end.first] += 1
                self._told(folder, end, said)
                self._stage.look(folder, self.found)
                again, said = self._command(folder, 0)
                self._ended(folder, again, said)
        shutil.rmtree(folder, ignore_errors=True)
        return end

    def _command(self, folder: Path, at: int) -> tuple[End, str]:
        says = folder.with_name("says")
        how = self._chance.choice(("full", "no room after half")) if at else "die before"
        order = Order(_CALL, [str(folder), *self._stage.words(folder)], str(folder), at=at, how=how)
        order.says = str(says)
        end = self._mortals.live(order)
        return end, says.read_text(encoding="utf-8", errors="replace")

    def _told(self, folder: Path, end: End, said: str) -> None:
        code = os.waitstatus_to_exitcode(end.code)
        if end.said or "Traceback" in said:
            trace = (end.said or said).strip().splitlines()
            self.found.note(failed=f"a traceback at {end.first}: {trace[-1].strip()[:90]}")
        elif code == cli.DONE:
            # It did without; then all must be there.
            self._stage.last(folder, self.found)
        elif code != cli.PARTIAL:
            self.found.note(failed=f"exit code {code} at {end.first}: {said.strip()[-90:]}")
        elif not any(word in said.lower() for word in _CLEAR):
            self.found.note(failed=f"not told what is wrong at {end.first}: {said.strip()[-90:]!r}")

    def _ended(self, folder: Path, end: End, said: str) -> None:
        if self._stage.ended_well(folder, end.code):
            self._stage.last(folder, self.found)
        else:
            self.found.note(failed=f"with room again: {(end.said or said).strip()[-120:]}")
