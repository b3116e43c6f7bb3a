"""Stages of deleting runs: those that are named, all, and those that retention finds old."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.worlds import spool

from benchmarks.faults.stage import Found, Stage, scratch
from gatewatch.store import erase, list_runs, read
from gatewatch.store.locking import lock


class Delete(Stage):
    """Runs deleted: one, or all."""

    call = "benchmarks.faults.acts:delete"

    def __init__(self, everything: bool, share: int) -> None:
        self.name = "results delete --all" if everything else "results delete RUN"
        self.share = share
        self._everything = everything

    @contextmanager
    def around(self) -> Iterator[None]:
        """Make three runs."""
        with scratch() as self._made:
            self._names = [spool.run(self._made, 3, name=f"run{number}-").name for number in range(3)]
            yield

    def begin(self, folder: Path) -> None:
        """Lay out three runs."""
        shutil.copytree(self._made, folder / "runs")
        self._runs = [folder / "runs" / name for name in self._names]

    def ended_well(self, folder: Path, code: int) -> bool:
        """What is gone to the last cannot be named again."""
        return code == 0 or not (self._everything or self._runs[1].exists())

    def args(self, folder: Path) -> list[Any]:
        """Give what to delete."""
        return [str(folder), "--all" if self._everything else self._runs[1].name]

    def words(self, folder: Path) -> list[str]:
        """Delete."""
        what = "--all" if self._everything else self._runs[1].name
        return ["results", "delete", what, "--yes", "--root", f"{folder}/runs"]

    def look(self, folder: Path, found: Found) -> None:
        """Each run is whole, or no run any more; one that was not named is whole."""
        _whole(folder / "runs", 3, found)
        kept = [] if self._everything else [self._runs[0], self._runs[2]]
        for path in kept:
            if len(list(read(path))) != 3:
                found.note(lost="a run that was not named")

    def last(self, folder: Path, found: Found) -> None:
        """Nothing is left of what was to go."""
        self.look(folder, found)
        kept = () if self._everything else ("plan.json", "run.json", "measurements.jsonl.gz")
        for name in erase.left(folder / "runs"):
            if name.rpartition("/")[2] not in kept or name.startswith(self._runs[1].name):
                found.note(left=name.rpartition("/")[2])


class Tidy(Stage):
    """Retention: of four runs the old ones go."""

    name = "retention"
    share = 5
    call = "benchmarks.faults.acts:tidy"

    @contextmanager
    def around(self) -> Iterator[None]:
        """Make three old runs and a young one."""
        with scratch() as self._made:
            for number, day in enumerate(("20260101", "20260102", "20260103", "20261123")):
                path = spool.run(self._made, 3, name=f"run{number}-")
                path.rename(path.with_name(f"{day}T120000Z-{number:06}"))
            yield

    def begin(self, folder: Path) -> None:
        """Lay out the runs."""
        shutil.copytree(self._made, folder / "runs")

    def look(self, folder: Path, found: Found) -> None:
        """Each run is whole, or no run any more."""
        _whole(folder / "runs", 3, found)

    def last(self, folder: Path, found: Found) -> None:
        """The young one is there, and nothing else."""
        self.look(folder, found)
        names = {path.name for path in (folder / "runs").iterdir()}
        if "20261123T120000Z-000003" not in names:
            found.note(lost="the young run")
        for name in names - {"20261123T120000Z-000003", ".lock", ".deleting"}:
            found.note(left=name)
        if any((folder / "runs").glob(".deleting/*")):
            found.note(left="a run half deleted")


def _whole(root: Path, count: int, found: Found) -> None:
    with lock(root):
        pass
    for info in list_runs(root):
        if info.state != "done" or info.measured != count or len(list(read(info.path))) != count:
            found.note(damaged="a run is half there")
