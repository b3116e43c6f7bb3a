"""Stages of what is made of runs: datasets built and merged, exports, reports."""

from __future__ import annotations

import gzip
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.worlds import spool

from benchmarks.faults import acts
from benchmarks.faults.stage import Found, Stage, scratch
from benchmarks.ooni_mix import lines
from gatewatch_analysis.dataset import DamagedDataset, build, merge, overview


class Derive(Stage):
    """A dataset built from sources, with copies among them."""

    name = "dataset build"
    share = 12
    call = "benchmarks.faults.acts:derive"

    @contextmanager
    def around(self) -> Iterator[None]:
        """Make sources, and build once in peace."""
        with scratch() as self._peace:
            self._sources()
            self._act(self._peace)
            self._tree = _tree(self._peace / "made")
            yield

    def _sources(self) -> None:
        (self._peace / "in").mkdir()
        text = list(lines(28, 7, days=2))
        for number in range(4):
            part = b"".join(text[number * 6 : number * 6 + 9])
            (self._peace / "in" / f"{number}.jsonl.gz").write_bytes(gzip.compress(part, 6, mtime=0))

    def _act(self, folder: Path) -> None:
        acts.derive(str(folder), str(folder / "in"))

    def begin(self, folder: Path) -> None:
        """Lay out nothing: the sources lie where they lay in peace, since their names are kept."""

    def args(self, folder: Path) -> list[Any]:
        """Give the sources."""
        return [str(folder), str(self._peace / "in")]

    def words(self, folder: Path) -> list[str]:
        """Build."""
        sources = map(str, sorted((self._peace / "in").iterdir()))
        return ["dataset", "build", f"{folder}/made", *sources, "--processes", "1"]

    def look(self, folder: Path, found: Found) -> None:
        """No file is missing that the manifest lists, and each that it lists is whole."""
        if not (folder / "made" / "manifest.json").exists():
            return
        try:
            seen = overview(str(folder / "made"))
        except DamagedDataset as error:
            found.note(damaged=str(error).rpartition("/")[2])
            return
        for name in seen.missing:
            found.note(lost=name.partition("/")[0])
        for name, digest in _tree(folder / "made").items():
            if name.endswith(".parquet") and self._tree.get(name, digest) != digest:
                found.note(damaged=name.partition("/")[0])

    def last(self, folder: Path, found: Found) -> None:
        """File by file the same as what was built in peace."""
        made = _tree(folder / "made")
        for name in {name for name, _ in made.items() ^ self._tree.items()}:
            what = "lost" if name not in made else "damaged" if name in self._tree else "left"
            found.note(**{what: name.partition("/")[0]})
        found.unfinished(folder / "made")


class Merge(Derive):
    """Datasets joined into one."""

    name = "dataset merge"
    share = 5
    call = "benchmarks.faults.acts:join"

    def _sources(self) -> None:
        with scratch() as folder:
            for number in range(3):
                text = b"".join(list(lines(20, 9, days=2))[number * 5 : number * 5 + 9])
                (folder / f"{number}.jsonl").write_bytes(text)
                build(self._peace / "in" / str(number), [folder / f"{number}.jsonl"], processes=1)

    def words(self, folder: Path) -> list[str]:
        """Merge."""
        return ["dataset", "merge", f"{folder}/made", *map(str, sorted((self._peace / "in").iterdir()))]

    def _act(self, folder: Path) -> None:
        merge(folder / "made", sorted((self._peace / "in").iterdir()))


class Export(Stage):
    """An export in place of an earlier one."""

    name = "results export"
    share = 6
    call = "benchmarks.faults.acts:export"

    @contextmanager
    def around(self) -> Iterator[None]:
        """Make runs, and export them once in peace."""
        with scratch() as self._peace:
            for number in range(2):
                spool.run(self._peace / "runs", 4, name=f"run{number}-", size=20_000)
            acts.export(str(self._peace))
            self._whole = (self._peace / "out.jsonl.gz").read_bytes()
            yield

    def begin(self, folder: Path) -> None:
        """Lay out the runs and the earlier export."""
        shutil.copytree(self._peace / "runs", folder / "runs")
        (folder / "out.jsonl.gz").write_bytes(b"earlier")

    def words(self, folder: Path) -> list[str]:
        """Export."""
        out = f"{folder}/out.jsonl.gz"
        return ["results", "export", "--ooni", "--all", "--root", f"{folder}/runs", "-o", out]

    def look(self, folder: Path, found: Found) -> None:
        """The earlier one is there, or the new one."""
        if (folder / "out.jsonl.gz").read_bytes() not in (b"earlier", self._whole):
            found.note(damaged="the export")

    def last(self, folder: Path, found: Found) -> None:
        """The new one is there."""
        if (folder / "out.jsonl.gz").read_bytes() != self._whole:
            found.note(damaged="the export")
        found.unfinished(folder)


class Report(Stage):
    """A report in place of an earlier one."""

    name = "report"

    @contextmanager
    def around(self) -> Iterator[None]:
        """Make a dataset."""
        with scratch() as self._made:
            (self._made / "in.jsonl").write_bytes(b"".join(lines(20, 7, days=2)))
            build(self._made / "made", [self._made / "in.jsonl"], processes=1)
            yield

    def begin(self, folder: Path) -> None:
        """Lay out the earlier one."""
        (folder / "report.html").write_text("earlier")

    def words(self, folder: Path) -> list[str]:
        """Write it."""
        return ["report", str(self._made / "made"), "-o", f"{folder}/report.html"]

    def look(self, folder: Path, found: Found) -> None:
        """The earlier one is there, or the new one."""
        text = (folder / "report.html").read_text(encoding="utf-8")
        if text != "earlier" and not text.rstrip().endswith("</html>"):
            found.note(damaged="the report")

    def last(self, folder: Path, found: Found) -> None:
        """The new one is there."""
        self.look(folder, found)
        if (folder / "report.html").read_text(encoding="utf-8") == "earlier":
            found.note(damaged="the report")
        found.unfinished(folder)


def _tree(place: Path) -> dict[str, str]:
    return {
        str(path.relative_to(place)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(place.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }
