"""Stages of measuring: a run, a run that nobody watches, and uploading what they left."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.worlds import spool
from tests.worlds.collector import Collector, collector

from benchmarks.faults.acts import LAB
from benchmarks.faults.stage import Found, Stage, scratch
from gatewatch.lab.country.scenario import load
from gatewatch.store import list_runs, read
from gatewatch.store.lines import measured
from gatewatch.store.uid import uid
from gatewatch.unattended.log import LOG
from gatewatch.unattended.status import STATUS, Status
from gatewatch.upload.config import Protocol
from gatewatch.upload.ledger import measurements_file

_SITES = 12


def _targets(folder: Path, count: int) -> None:
    names = (f"site-{number}.faults-bench.net" for number in range(count))
    (folder / "targets.txt").write_text("\n".join(names), encoding="ascii")


class Run(Stage):
    """A run in the lab where nothing is blocked; resumed each time."""

    name = "run"
    share = 20
    call = "benchmarks.faults.acts:measure"

    def begin(self, folder: Path) -> None:
        """Lay out a target list."""
        _targets(folder, _SITES)
        self._seen: set[str] = set()
        self._told = folder.with_name(f"{folder.name}.told")
        self._told.write_bytes(b"")
        self._cut = False

    def args(self, folder: Path) -> list[Any]:
        """Give the folder, and where is written down what the user was told."""
        return [str(folder), str(self._told)]

    def words(self, folder: Path) -> list[str]:
        """Begin, or resume."""
        begun = sorted(path.parent for path in folder.glob("runs/2*/plan.json"))
        more = ["--resume", str(begun[0])] if begun else ["--targets", f"{folder}/targets.txt"]
        return ["run", *LAB, "--root", f"{folder}/runs", *more]

    def cut(self, folder: Path) -> None:
        """From now on only that counts which the user was told."""
        self._cut = True

    def _lines(self, folder: Path) -> list[bytes]:
        return [
            line for path in sorted(folder.glob("runs/2*")) if measurements_file(path) for line in read(path)
        ]

    def look(self, folder: Path, found: Found) -> None:
        """Every line that was there must be there, and each that was told; the last may be half written."""
        items = [record["x_gatewatch_item"] for line in self._lines(folder) if (record := measured(line))]
        told = set(self._told.read_text(encoding="ascii").splitlines())
        for item in (told if self._cut else told | self._seen) - set(items):
            found.note(lost=f"measurement {item}")
        if not self._cut:
            self._seen |= set(items)
        self._cut = False

    def last(self, folder: Path, found: Found) -> None:
        """All that was planned is there once, whole, and nothing in it is called blocked."""
        begun = [path.parent for path in folder.glob("runs/2*/plan.json")]
        if len(begun) != 1:
            found.note(twice=f"{len(begun)} runs")
        run = begun[0]
        self.look(folder, found)
        planned = {item["id"] for item in json.loads((run / "plan.json").read_bytes())["items"]}
        records = [measured(line) or {} for line in read(run, lambda why: found.note(damaged=why))]
        items = Counter(str(record.get("x_gatewatch_item")) for record in records)
        for item in planned - set(items):
            found.note(lost=f"{item} was not measured")
        for item, times in items.items():
            if times > 1:
                found.note(twice=f"{item} {times} times")
        for record in records:
            label = str((record.get("x_gatewatch_verdict") or {}).get("label"))
            if label != "ok":
                found.note(blocked=label)
        about = json.loads((run / "run.json").read_bytes())
        if about["state"] != "done" or about["measured"] != len(planned):
            found.note(damaged=f"run.json says {about['state']}, {about['measured']} measured")
        if (run / "prefixes.csv").read_bytes() != load("small").prefixes_csv().encode():
            found.note(damaged="prefixes.csv")
        found.unfinished(folder)


class Unattended(Stage):
    """Runs as cron starts them: after each death a new one, beside what the dead one left."""

    name = "unattended"
    share = 6
    call = "benchmarks.faults.acts:unattended"

    @contextmanager
    def around(self) -> Iterator[None]:
        """Make an old run."""
        with scratch() as self._made:
            old = spool.run(self._made, 2)
            old.rename(old.with_name("20200101T000000Z-aaaaaa"))
            yield

    def begin(self, folder: Path) -> None:
        """Lay out a target list, and an old run that is to go."""
        _targets(folder, 4)
        shutil.copytree(self._made, folder / "runs")
        self._had = self._cut = False

    def cut(self, folder: Path) -> None:
        """What was written to the log since its last flush may be torn."""
        self._cut = True

    def words(self, folder: Path) -> list[str]:
        """Measure, with nobody watching."""
        more = ["--targets", f"{folder}/targets.txt", "--keep-days", "365", "--every", "6h"]
        return ["run", *LAB, "--unattended", "--root", f"{folder}/runs", *more]

    def look(self, folder: Path, found: Found) -> None:
        """The status file, once there, can be read; the log has one broken line at most, the last."""
        root = folder / "runs"
        if Status.read(root) is not None:
            self._had = True
        elif self._had or (root / STATUS).exists():
            found.note(damaged="the status file")
        if (root / LOG).exists():
            *whole, _unfinished = (root / LOG).read_bytes().split(b"\n")
            for line in whole:
                if not self._cut and not _is_json(line):
                    found.note(damaged="a line of the log")

    def last(self, folder: Path, found: Found) -> None:
        """The last run is done, the old one gone, and no run is half there."""
        root = folder / "runs"
        *whole, _torn = (root / LOG).read_bytes().split(b"\n")
        # Where a full disk let half a line through, the next begins a new one.
        if not all(map(_is_json, whole[-3:])):
            found.note(damaged="the end of the log")
        status = Status.read(root)
        runs = list_runs(root)
        newest = next((info for info in runs if status and info.id == status.run), None)
        if newest is None or newest.state != "done" or newest.measured != 4:
            found.note(damaged=f"the last run is {newest and newest.state}")
            return
        if (root / "20200101T000000Z-aaaaaa").exists():
            found.note(damaged="the old run is still there")
        for info in runs:
            for label in info.verdicts:
                if label.startswith("blocked"):
                    found.note(blocked=label)
            if info.state not in ("done", "killed"):
                found.note(damaged=f"a run is listed as {info.state}")
        found.unfinished(newest.path)


class Upload(Stage):
    """Measurements on their way to a collector, or a folder."""

    call = "benchmarks.faults.acts:send"

    def __init__(self, protocol: Protocol | str, share: int) -> None:
        self.name = f"upload ({protocol})"
        self.share = share
        self._protocol = protocol

    @contextmanager
    def around(self) -> Iterator[None]:
        """Open a collector, and make closed runs."""
        with collector() as self._there, scratch() as self._made:
            for number in range(2):
                spool.run(self._made, 4, name=f"run{number}-")
            yield

    def begin(self, folder: Path) -> None:
        """Lay out the runs."""
        shutil.copytree(self._made, folder / "runs")
        self._runs = sorted((folder / "runs").glob("2*"))
        self._uids = spool.uids(*self._runs)
        self._there.arrived.clear()
        self._there.times.clear()

    def args(self, folder: Path) -> list[Any]:
        """Give where to send to."""
        url = (folder / "there").as_uri() if self._protocol == "store" else self._there.url
        return [str(folder), url, self._protocol]

    def words(self, folder: Path) -> list[str]:
        """Upload; the older of the collector's protocols is no option of the command."""
        _, url, protocol = self.args(folder)
        how = {"store": "--store", "submit": "--collector"}.get(protocol)
        return ["results", "upload", "--root", f"{folder}/runs", how, url] if how else []

    def look(self, folder: Path, found: Found) -> None:
        """What lies here stays here."""
        if spool.uids(*self._runs) != self._uids:
            found.note(lost="a measurement on this disk")

    def last(self, folder: Path, found: Found) -> None:
        """All is there, and whoever knows of uids has each once."""
        self.look(folder, found)
        if self._protocol == "store":
            lines = [line for file in folder.rglob("there/**/*.gz") for line in read(file)]
            there = Counter(uid(line) for line in lines)
            found.unfinished(folder / "there")
        else:
            there = Counter(dict.fromkeys(_kept(self._there), 1))
            found.again += sum(times - 1 for times in self._there.times.values())
        for name in set(self._uids) - set(there):
            found.note(lost=f"{name} did not arrive")
        for name, times in there.items():
            if times > 1:
                found.note(twice=f"{name} {times} times")
            if name not in self._uids:
                found.note(damaged=f"{name} was never measured")
        found.unfinished(folder / "runs")


def _kept(there: Collector) -> dict[str, Any]:
    # It asserts that nothing came under one uid with two contents.
    return there.kept


def _is_json(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
