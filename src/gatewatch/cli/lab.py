"""gatewatch lab: run in an emulated country, and score against its truth."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from gatewatch import cli
from gatewatch.cli.lab_score import score as score_command

if TYPE_CHECKING:
    from gatewatch.lab.country.scenario import Scenario
    from gatewatch.lab.scoring.score import Score


@click.group()
def lab() -> None:
    """Run in an emulated country, and score against its truth."""


lab.add_command(score_command)


@lab.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_(as_json: bool) -> None:
    """Show the scenarios and their ISPs."""
    from gatewatch.lab.country.scenario import load, names

    scenarios = [load(name) for name in names()]
    if as_json:
        rows = [{"name": s.name, "title": s.title, "isps": [i.id for i in s.isps]} for s in scenarios]
        click.echo(json.dumps({"scenarios": rows}))
        return
    for s in scenarios:
        click.echo(f"{s.name}: {s.title}")
        click.echo(f"    {' '.join(i.id for i in s.isps)}")


@lab.command(context_settings={"ignore_unknown_options": True})
@click.argument("scenario")
@click.option("--isp", multiple=True, help="One of its ISPs; repeatable.  [default: all]")
@click.option(
    "--attach", type=click.Choice(["auto", "kernel", "memory"]), default="auto", help="How to attach."
)
@click.option("--root", type=click.Path(path_type=Path, file_okay=False), help="Where the runs are kept.")
@click.option("--jobs", type=click.IntRange(1), help="ISPs measured at once.  [default: number of cores]")
@click.option("--score", "scored", is_flag=True, help="Compare every verdict with the scenario's truth.")
@click.option("--days", type=click.IntRange(2), help="Of a scenario with a calendar: so many days.")
@click.option("--seed", type=int, help="Draw all that is left to chance anew.  [default: the scenario's]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.argument("run_options", nargs=-1, type=click.UNPROCESSED, metavar="[OPTIONS OF gatewatch run]")
def run(
    scenario: str,
    isp: tuple[str, ...],
    attach: str,
    root: Path | None,
    jobs: int | None,
    scored: bool,
    days: int | None,
    seed: int | None,
    as_json: bool,
    run_options: tuple[str, ...],
) -> None:
    """Measure from each ISP of SCENARIO, by `gatewatch run`, which takes all further options.

    A scenario with a calendar, such as nig-switchover, is rehearsed as a whole unless ISPs or options of
    `gatewatch run` are given: volunteers' machines for weeks, uploads, dataset, analysis, report, and a score
    of what was found. The exit code says whether all was.
    """
    from gatewatch.lab.country.scenario import ScenarioError, load

    try:
        known = load(scenario)
        wanted = [known.isp(name).id for name in isp] or [i.id for i in known.isps]
    except (ScenarioError, KeyError, OSError) as error:
        raise click.UsageError(str(error.args[0]) if error.args else str(error)) from None
    if known.rehearsal is not None and not (isp or run_options or scored):
        rehearsed(known.seeded(seed), scenario, root, days, jobs, as_json=as_json)
    if days is not None:
        raise click.UsageError("--days is for a whole rehearsal of a scenario with a calendar")
    if seed is not None:
        run_options = (*run_options, "--seed", str(seed))
    runs = measure(scenario, wanted, run_options, attach=attach, root=root, jobs=jobs)
    result: dict[str, Any] = {"scenario": known.name, "runs": runs}
    perfect = True
    if scored:
        table = score_runs(scenario, runs)
        perfect = table.perfect
        result["score"] = table.to_json()
    if as_json:
        click.echo(json.dumps(result))
    else:
        for row in runs:
            click.echo(f"{row['isp']:<16} {row['state']:<12} {row['measured']:>6} measured  {row['folder']}")
        if scored:
            click.echo(table.format_table(), nl=False)
    sys.exit(cli.DONE if perfect and all(row["state"] == "done" for row in runs) else cli.PARTIAL)


def rehearsed(
    scenario: Scenario, lab_name: str, root: Path | None, days: int | None, jobs: int | None, *, as_json: bool
) -> NoReturn:
    """Rehearse a scenario with a calendar, and leave with the exit code that says whether all was found."""
    from gatewatch.cli.analyse import options

    if sys.platform == "win32":
        raise click.UsageError("a rehearsal forks processes, which Windows cannot")
    from gatewatch.cli.rehearsal.command import rehearse
    from gatewatch.lab.rehearse import NoLab, choose

    options.needs_pandas()
    try:
        choose("memory")
    except NoLab as error:
        raise click.UsageError(str(error)) from None
    found = rehearse(scenario, lab_name, root or _new_folder(), days=days, jobs=jobs)
    click.echo(json.dumps(found.to_json()) if as_json else found.to_text())
    sys.exit(cli.DONE if found.good else cli.PARTIAL)


def _new_folder() -> Path:
    from gatewatch.store import default_root

    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return default_root() / "lab" / f"{now}-{os.getpid()}"


def measure(
    scenario: str,
    isps: Sequence[str],
    run_options: Sequence[str],
    *,
    attach: str = "auto",
    root: Path | None = None,
    jobs: int | None = None,
) -> list[dict[str, Any]]:
    """Run ``gatewatch run`` once for each ISP, several at a time; gives what each printed, with its ISP."""
    base = root or _new_folder()

    def one(isp: str) -> dict[str, Any]:
        command = [sys.executable, "-P", "-m", "gatewatch", "run", *run_options]
        # Each ISP has a root of its own, since one root has one lock.
        command += ["--lab", f"{scenario}:{isp}", "--attach", attach, "--root", str(base / isp), "--json"]
        return {"isp": isp, **_tell(command, isp)}

    with ThreadPoolExecutor(jobs or os.cpu_count() or 1) as pool:
        return list(pool.map(one, isps))


def _tell(command: list[str], isp: str) -> dict[str, Any]:
    """Run one command, pass on what it says to people under the ISP's name, and read its object."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        for line in process.stderr:
            click.echo(f"{isp}: {line.rstrip()}", err=True)
        text = process.stdout.read()
    try:
        about: dict[str, Any] = json.loads(text)
    except ValueError:
        about = {
            "state": "failed",
            "folder": None,
            "measured": 0,
            "reason": f"exit code {process.returncode}",
        }
    return about


def score_runs(scenario: str, runs: Sequence[dict[str, Any]]) -> Score:
    """Compare the web verdicts of lab runs with the scenario's truth."""
    from gatewatch.lab.country.scenario import load
    from gatewatch.lab.scoring.score import score
    from gatewatch.store import read

    rows = []
    for run_ in runs:
        for line in read(Path(run_["folder"])) if run_["folder"] else ():
            measurement = json.loads(line)
            if measurement["test_name"] == "web_connectivity":
                rows.append((run_["isp"], measurement["input"], measurement["x_gatewatch_verdict"]["label"]))
    return score(load(scenario), rows)
