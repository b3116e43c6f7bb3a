"""The way in: emulate the days, then the very commands a researcher types, then the score."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatewatch.cli.rehearsal.findings import Row, score
from gatewatch.cli.rehearsal.machine import Place, Tally
from gatewatch.cli.rehearsal.truth import Truth, truth
from gatewatch.cli.rehearsal.uploads import uploads

if TYPE_CHECKING:
    from gatewatch.lab.country.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """How it went: the seed, the score, what became of the starts, seconds by step, and where it all lies."""

    seed: int
    rows: tuple[Row, ...]
    tally: Tally
    seconds: dict[str, float]
    place: Place
    waiting: int

    @property
    def good(self) -> bool:
        """Whether everything was found that had to be."""
        return all(row.good for row in self.rows)

    @property
    def report(self) -> Path:
        """The report's page."""
        return self.place.folder / "report.html"

    def to_json(self) -> dict[str, Any]:
        """Give it for machines."""
        return {
            "good": self.good,
            "seed": self.seed,
            "score": [row.to_json() for row in self.rows],
            "starts": self.tally.starts,
            "away": self.tally.away,
            "ends": dict(sorted(self.tally.ends.items())),
            "waiting": self.waiting,
            "seconds": {step: round(took, 1) for step, took in self.seconds.items()},
            "report": str(self.report),
        }

    def to_text(self) -> str:
        """Write it for people."""
        head = ("", "looked for", "truth", "found")
        cells = [("yes" if row.good else "NO", row.what, row.truth, row.found) for row in self.rows]
        widths = [max(len(line[i]) for line in (head, *cells)) for i in range(3)]
        lines = [
            "  ".join((*(f"{cell:<{w}}" for cell, w in zip(line, widths, strict=False)), line[3]))
            for line in (head, *cells)
        ]
        ends = ", ".join(f"{count} {end}" for end, count in self.tally.ends.most_common())
        took = ", ".join(f"{step} {seconds:.0f} s" for step, seconds in self.seconds.items())
        found = sum(row.good for row in self.rows)
        return "\n".join(
            [
                *(line.rstrip() for line in lines),
                "",
                f"{found} of {len(self.rows)} found, with seed {self.seed}.",
                f"{self.tally.starts} starts, {self.tally.away} of them slept through; runs ended: {ends}.",
                f"{self.waiting} measurements wait on machines that were not switched on again.",
                f"Took: {took}.",
                f"Report: {self.report}",
            ]
        )


def rehearse(
    scenario: Scenario, lab: str, folder: Path, *, days: int | None = None, jobs: int | None = None
) -> Rehearsed:
    """Rehearse a scenario with a calendar; ``lab`` is what ``--lab`` calls it.

    Raises click.ClickException where a step fails that is not to fail.
    """
    from gatewatch.cli.rehearsal import country
    from gatewatch.cli.rehearsal.collector import Collector, NoLoopback

    rehearsal = scenario.rehearsal
    assert rehearsal is not None
    if not country.able():
        raise click.UsageError("a full rehearsal forks a process for each run, which this system cannot")
    place = Place(folder)
    if place.store.exists():
        raise click.UsageError(f"{folder} holds a rehearsal already")
    many = min(days or rehearsal.days, rehearsal.days)
    folder.mkdir(parents=True, exist_ok=True)
    country.furnish(scenario, place)
    seconds: dict[str, float] = {}
    click.echo(f"{len(rehearsal.volunteers)} machines, {many} days, in {folder}", err=True)
    began = time.monotonic()
    at_once = jobs or os.cpu_count() or 1
    try:
        with Collector(place.collected, scenario.seed) as collector:
            tally = country.live(scenario, lab, place, collector, days=many, jobs=at_once, told=_told)
    except (country.Failed, NoLoopback) as error:
        raise click.ClickException(str(error)) from None
    seconds["measuring"] = time.monotonic() - began
    dataset, prefixes = str(folder / "kh.dataset"), ("--prefixes", str(place.prefixes))
    there = [str(end) for end in (place.store, place.collected) if any(end.iterdir())]
    built = _command(seconds, "dataset", "build", dataset, *there, "--json")
    found = _command(seconds, "analyse", "all", dataset, *prefixes, "--json")
    timeline = ("--timeline", str(place.timeline))
    events = _command(seconds, "analyse", "events", dataset, *prefixes, *timeline, "--json")
    _command(seconds, "report", dataset, *prefixes, "-o", str(folder / "report.html"))
    (folder / "analysis.json").write_text(found, encoding="utf-8")
    known = truth(scenario, rehearsal, many)
    rows = score(known, json.loads(found), json.loads(events), _blocked_while_out(dataset, known))
    sent = uploads(place)
    rows.append(sent.row(json.loads(built)))
    return Rehearsed(scenario.seed, tuple(rows), tally, seconds, place, sent.waiting)


def _told(name: str, tally: Tally) -> None:
    ends = ", ".join(f"{count} {end}" for end, count in tally.ends.most_common())
    click.echo(f"{name}: {tally.starts} starts, {tally.away} slept through; {ends}", err=True)


def _command(seconds: dict[str, float], *words: str) -> str:
    """Run one of our commands as anybody would; gives what it prints."""
    click.echo(f"gatewatch {' '.join(words)}", err=True)
    began = time.monotonic()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "gatewatch", *words],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise click.ClickException(f"gatewatch {words[0]} ended with exit code {done.returncode}")
    name = " ".join(words[:2]) if words[0] == "analyse" else words[0]
    seconds[name] = time.monotonic() - began
    return done.stdout


def _blocked_while_out(dataset: str, known: Truth) -> tuple[int, int]:
    """Count the measurements of outages, and those that say blocked."""
    from gatewatch_analysis.loading import load

    rows: Sequence[Any] = list(
        load([dataset]).measurements[["isp", "asn", "start", "status"]].itertuples(index=False)
    )
    blocked = whole = 0
    for one in known.out:
        mine = [
            row
            for row in rows
            if f"{row.isp} (AS{row.asn})" == one.isp and one.first <= row.start.date() <= one.last
        ]
        whole += len(mine)
        blocked += sum(row.status == "blocked" for row in mine)
    return blocked, whole
