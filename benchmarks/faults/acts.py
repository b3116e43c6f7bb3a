"""What is interrupted: each is called in a process that may die at any moment of it, and called again."""

from __future__ import annotations

import contextlib
import os
import random
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.worlds.crontab import Table
from tests.worlds.updates import NOW

from gatewatch.cli import main, progress
from gatewatch.consent import GENERAL, ledger
from gatewatch.lab import memory, rehearse  # noqa: F401 # imported before the first child is born
from gatewatch.schedule.cron import Cron
from gatewatch.schedule.job import Job
from gatewatch.schedule.system import Answer, call
from gatewatch.schedule.systemd import Systemd
from gatewatch.unattended.retention import expire
from gatewatch.update import Shelf, datasets, refresh
from gatewatch.update.download import Session
from gatewatch.upload import config
from gatewatch.upload.collector import Collector
from gatewatch.upload.deliver import Clock, Singly, carrier, deliver
from gatewatch_analysis.dataset import build, commit, merge

#: In the lab, in memory: nothing leaves the process.
LAB = ("--lab", "small:clear", "--attach", "memory", "--traces", "0", "--quiet", "--json")


def command(folder: str, *words: str) -> None:
    """Give a command as its user does, in a home of its own; it ends with its exit code."""
    home = Path(folder, "home")
    for name, place in (
        ("HOME", home),
        ("XDG_STATE_HOME", Path(folder, "state")),
        ("XDG_DATA_HOME", home / "data"),
        ("XDG_CONFIG_HOME", home / "config"),
        ("PATH", f"{folder}/bin{os.pathsep}{os.environ['PATH']}"),
    ):
        os.environ[name] = str(place)
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        os.environ.pop(name, None)
    _small_steps()
    rehearse.in_memory = _durable
    sys.argv = ["gatewatch", *words]
    main(list(words))


def _small_steps() -> None:
    """Have datasets built a few sources at a time, with a manifest after each few."""
    commit._SECONDS = 0.0
    sys.modules["gatewatch_analysis.dataset.build"]._MOST_SOURCES = 2  # type: ignore[attr-defined]


def measure(folder: str, told: str) -> None:
    """Begin a run, or resume the one that is there; ``told`` gets a line for each measurement reported."""
    root = Path(folder, "runs")
    rehearse.in_memory = _durable
    begun = sorted(path.parent for path in root.glob("2*/plan.json"))
    more = ["--resume", str(begun[0])] if begun else ["--targets", f"{folder}/targets.txt", "--seed", "1"]
    _tells(told)
    main(["run", *LAB, "--root", str(root), *more], standalone_mode=False)


_in_memory = rehearse.in_memory


def _durable(*args: Any, **more: Any) -> Any:
    """Measure in the lab as outside: each measurement flushed before it is told."""
    surroundings, vantage = _in_memory(*args, **more)
    return replace(surroundings, durable=True), vantage


def unattended(folder: str) -> None:
    """Measure as cron would have it, with a log, a status file, and an old run that is to go."""
    root = Path(folder, "runs")
    more = ["--targets", f"{folder}/targets.txt", "--seed", "1", "--keep-days", "365", "--every", "6h"]
    main(["run", *LAB, "--unattended", "--root", str(root), *more], standalone_mode=False)


def _tells(told: str) -> None:
    """Have what the command line tells its user written down, too."""
    fd = os.open(told, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    made = progress.observer

    def observer(*args: Any, **more: Any) -> Any:
        watching = made(*args, **more)
        measured = watching.measured

        def tell(item: Any, verdict: Any) -> None:
            os.write(fd, f"{item.id}\n".encode())
            measured(item, verdict)

        watching.measured = tell  # type: ignore[method-assign]
        return watching

    progress.observer = observer


@contextlib.contextmanager
def _hasty(destination: config.Destination) -> Any:
    with Collector(destination, patience=(0.5, 0.5)) as sender:
        yield Singly(destination, sender)


def send(folder: str, url: str, protocol: str) -> None:
    """Upload what waits: to a collector by one of its protocols, or to a folder on this disk."""
    there = config.store(url) if protocol == "store" else config.collector(url, protocol)  # type: ignore[arg-type]
    clock = Clock(sleep=lambda seconds: None, chance=random.Random())
    opened = carrier if protocol == "store" else _hasty
    left = deliver(
        Path(folder, "runs"), [replace(there, lab=True)], within=86400.0, clock=clock, opened=opened
    )
    waits = left[0].waiting
    sys.exit(1 if waits.measurements or waits.refused else 0)


def fetch(folder: str, base: str) -> None:
    """Update a data set."""
    table = replace(datasets()["ip-to-as"], mirrors=({"data": f"{base}/a"},), least=10)
    with Session() as session:
        session.trust_env = False
        done = refresh(table, Shelf(Path(folder, "data")), session, now=lambda: NOW, sleep=lambda _: None)
    sys.exit(0 if done.state in ("updated", "current") else 1)


def derive(folder: str, sources: str) -> None:
    """Build a dataset, a few sources at a time, with a manifest after each few."""
    _small_steps()
    build(Path(folder, "made"), sorted(Path(sources).iterdir()), processes=1)


def join(folder: str, others: str) -> None:
    """Merge datasets."""
    _small_steps()
    merge(Path(folder, "made"), sorted(Path(others).iterdir()))


def export(folder: str) -> None:
    """Export all runs."""
    main(
        ["results", "export", "--ooni", "--all", "--root", f"{folder}/runs", "-o", f"{folder}/out.jsonl.gz"],
        standalone_mode=False,
    )


def delete(folder: str, name: str) -> None:
    """Delete one run, or all."""
    named = ["--all"] if name == "--all" else [name]
    main(["results", "delete", *named, "--yes", "--json", "--root", f"{folder}/runs"], standalone_mode=False)


def agree(folder: str, country: str) -> None:
    """Agree to the consent text, having read a country's law."""
    os.environ["XDG_STATE_HOME"] = f"{folder}/state"
    ledger.keep(GENERAL, country, "en")


def job(folder: str, minute: int) -> Job:
    """A job at so many minutes past."""
    return Job(
        "gatewatch",
        "gatewatch: measure",
        (sys.executable, "-m", "gatewatch", "run"),
        Path(folder),
        (Path(folder, "runs"),),
        "6h",
        2,
        minute,
    )


def install(folder: str, minute: int) -> None:
    """Install a schedule: systemd's units, and cron's lines."""
    systemd = Systemd(Path(folder, "units"), lambda words, stdin: Answer(0, "", ""))
    systemd.install([job(folder, minute)])
    table = str(Table(Path(folder, "bin")).path.parent / "crontab")
    Cron(lambda words, stdin: call([table, *words[1:]], stdin)).install([job(folder, minute)])


def tidy(folder: str) -> None:
    """Delete runs that are old, as far as nothing waits."""
    now = datetime(2026, 11, 24, tzinfo=UTC)
    expire(Path(folder, "runs"), now, days=1, most_bytes=None, clock_offset=0.0)
