"""Stages of what comes before measuring: data sets fetched, consent, schedules."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from tests.worlds import updates
from tests.worlds.crontab import Table
from tests.worlds.publisher import Answer, publisher

from benchmarks.faults import acts
from benchmarks.faults.stage import Found, Stage, scratch
from gatewatch.consent import GENERAL, ledger
from gatewatch.schedule import cron
from gatewatch.schedule.systemd import Systemd
from gatewatch.update import Shelf


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
        found.unfinished(folder)


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
        found.unfinished(folder)

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
