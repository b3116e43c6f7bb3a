"""Stages of what is kept: data sets fetched, datasets built, exports, deletions, consent, schedules."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from tests.worlds import spool, updates
from tests.worlds.crontab import Table
from tests.worlds.disk import leftovers
from tests.worlds.publisher import Answer, publisher

from benchmarks.faults import acts
from benchmarks.faults.stage import Found, Stage, scratch
from benchmarks.ooni_small import lines
from gatewatch.consent import GENERAL, ledger
from gatewatch.schedule import cron
from gatewatch.schedule.systemd import Systemd
from gatewatch.store import erase, list_runs, read
from gatewatch.store.locking import lock
from gatewatch.update import Shelf
from gatewatch_analysis.dataset import DamagedDataset, build, merge, overview


class Update(Stage):
    """A newer table in place of an older one."""

    name = "update"
    share = 12
    call = "benchmarks.faults.acts:fetch"

    @contextmanager
    def around(self) -> Iterator[None]:
        """Open a publisher, and fetch the older table once."""
        with publisher() as self._there, scratch() as self._old:
            updates.first(self._there, Shelf(self._old / "data"))
            text = "".join(
                f"36.{n}.{m}.0\t36.{n}.{m}.255\t{38000 + n}\tKH\tNewer {n} of {m}\n"
                for n in range(40)
                for m in range(100)
            )
            newer = Answer(updates.packed(text), modified=updates.NEWER, etag='"two"')
            self._there.answers["/a"] = newer
            yield

    def begin(self, folder: Path) -> None:
        """Lay out the older table."""
        shutil.copytree(self._old / "data", folder / "data")

    def args(self, folder: Path) -> list[Any]:
        """Give the publisher's address."""
        return [str(folder), self._there.base]

    def words(self, folder: Path) -> list[str]:
        """Update this table alone, from this publisher."""
        text = f'[ip-to-as]\nurls = ["{self._there.base}/a"]\nleast = 10\n'
        (folder / "update.toml").write_text(text, encoding="utf-8")
        return ["update", "ip-to-as", "--config", f"{folder}/update.toml", "--data", f"{folder}/data"]

    def look(self, folder: Path, found: Found) -> None:
        """One of the two is in use, and whole."""
        shelf = Shelf(folder / "data")
        here = shelf.installed("ip-to-as")
        if here is None:
            found.note(lost="no table is in use")
        elif not shelf.whole(here):
            found.note(damaged="the table in use")

    def last(self, folder: Path, found: Found) -> None:
        """The newer is in use, and the older gone."""
        self.look(folder, found)
        name = updates.in_use(Shelf(folder / "data"))
        if not name.startswith("Newer 1"):
            found.note(damaged=f"{name!r} is in use")
        others = [path for path in (folder / "data").iterdir() if path.name not in (".partial", ".lock")]
        if len(others) != 2 or any((folder / "data" / ".partial").iterdir()):
            found.note(left="files of a table")
        _left(folder, found)


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
        text = list(lines(28, 7))
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
        _left(folder / "made", found)


class Merge(Derive):
    """Datasets joined into one."""

    name = "dataset merge"
    share = 5
    call = "benchmarks.faults.acts:join"

    def _sources(self) -> None:
        with scratch() as folder:
            for number in range(3):
                text = b"".join(list(lines(20, 9))[number * 5 : number * 5 + 9])
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
        _left(folder, found)


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


class Agree(Stage):
    """Consent to a second country's law."""

    name = "consent"
    share = 5
    call = "benchmarks.faults.acts:agree"
    _first: bytes | None = None

    def begin(self, folder: Path) -> None:
        """Lay out consent to the first, as it is written now."""
        if self._first is None:
            with scratch() as place, mock.patch.dict(os.environ):
                acts.agree(str(place), "NP")
                self._first = (place / "state" / "gatewatch" / GENERAL.file).read_bytes()
        (folder / "state" / "gatewatch").mkdir(parents=True)
        (folder / "state" / "gatewatch" / GENERAL.file).write_bytes(self._first)

    def args(self, folder: Path) -> list[Any]:
        """Give the second country."""
        return [str(folder), "KH"]

    def words(self, folder: Path) -> list[str]:
        """Agree."""
        return ["consent", "--yes", "--consent-version", GENERAL.version, "--country", "KH"]

    def look(self, folder: Path, found: Found) -> None:
        """The first consent stands."""
        if not self._standing(folder, "NP"):
            found.note(lost="consent")

    def last(self, folder: Path, found: Found) -> None:
        """Both stand."""
        self.look(folder, found)
        if not self._standing(folder, "KH"):
            found.note(lost="the new consent")
        _left(folder, found)

    def _standing(self, folder: Path, country: str) -> bool:
        with mock.patch.dict(os.environ, XDG_STATE_HOME=f"{folder}/state"):
            return ledger.standing(GENERAL, country).good


class Schedule(Stage):
    """A schedule in place of an earlier one: systemd's units, and lines in a crontab with others'."""

    name = "schedule install"
    share = 6
    call = "benchmarks.faults.acts:install"
    _others = "MAILTO=me\n5 4 * * * backup\n"

    def begin(self, folder: Path) -> None:
        """Install the earlier one, beside others' lines."""
        (folder / "bin").mkdir()
        self._table = Table(folder / "bin")
        self._table.path.write_text(self._others)
        acts.install(str(folder), 5)

    def args(self, folder: Path) -> list[Any]:
        """Give the new minute."""
        return [str(folder), 17]

    def look(self, folder: Path, found: Found) -> None:
        """Units are the old ones or the new; others' lines are there."""
        # crontab(1) itself may still be writing: it is not ours.
        for unit in (folder / "units").glob("gatewatch*"):
            new, old = self._units(folder, 17)[unit.name], self._units(folder, 5)[unit.name]
            if unit.read_text() not in (new, old):
                found.note(damaged=unit.name)

    def last(self, folder: Path, found: Found) -> None:
        """The new one is installed, once, and others' lines are as they were."""
        units = {unit.name: unit.read_text() for unit in (folder / "units").iterdir()}
        if units != self._units(folder, 17):
            found.note(damaged="the units")
        if cron.without(self._table.text) != self._others:
            found.note(lost="others' lines in the crontab")
        if cron.between(self._table.text) != [cron.line(acts.job(str(folder), 17))]:
            found.note(damaged="our lines in the crontab")

    def _units(self, folder: Path, minute: int) -> dict[str, str]:
        written = Systemd(folder / "units").written([acts.job(str(folder), minute)])
        return {Path(place).name: text for place, text in written.items()}


class Timers(Stage):
    """The same by its command, which finds a systemctl that takes everything."""

    name = "schedule install"

    def begin(self, folder: Path) -> None:
        """Lay out programs that do nothing."""
        (folder / "bin").mkdir()
        for name in ("systemctl", "systemd-run", "loginctl"):
            (folder / "bin" / name).write_text("#!/bin/sh\n")
            (folder / "bin" / name).chmod(0o755)

    def words(self, folder: Path) -> list[str]:
        """Install."""
        chosen = ["--system", "systemd", "--at", "03:17", "--root", f"{folder}/runs"]
        return ["schedule", "install", *chosen, "--consent", GENERAL.version]

    def last(self, folder: Path, found: Found) -> None:
        """The units are there, and end as they should."""
        units = sorted((folder / "home" / "config" / "systemd" / "user").iterdir())
        if [unit.name for unit in units] != ["gatewatch.service", "gatewatch.timer"]:
            found.note(damaged="the units")
        if not units[-1].read_text().endswith("WantedBy=timers.target\n"):
            found.note(damaged="the timer")


class Report(Stage):
    """A report in place of an earlier one."""

    name = "report"

    @contextmanager
    def around(self) -> Iterator[None]:
        """Make a dataset."""
        with scratch() as self._made:
            (self._made / "in.jsonl").write_bytes(b"".join(lines(20, 7)))
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
        _left(folder, found)


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


def _tree(place: Path) -> dict[str, str]:
    return {
        str(path.relative_to(place)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(place.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def _left(folder: Path, found: Found) -> None:
    for name in leftovers(folder):
        found.note(left=name.rpartition("/")[2].split(".")[1] or name)
