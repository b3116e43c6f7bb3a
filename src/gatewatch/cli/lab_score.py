"""gatewatch lab score: the acceptance scenarios, with what OONI says and what gatewatch must say."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

import click

from gatewatch import cli

if TYPE_CHECKING:
    from gatewatch.lab.scoring.examine import Report


@click.command()
@click.argument("scenario", nargs=-1, metavar="[SCENARIO]...")
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, help="Try so many seeds.")
@click.option("--loss", type=click.FloatRange(0, 0.5), help="Share of packets lost, each way.")
@click.option("--jitter", type=click.FloatRange(0, 1000), help="Milliseconds that a packet may come later.")
@click.option(
    "--attach",
    type=click.Choice(["memory", "kernel"]),
    default="memory",
    show_default=True,
    help="How to attach; the kernel takes real time.",
)
@click.option(
    "--combinations", is_flag=True, help="Both schemes, both IP families, each alone and with a confounder."
)
@click.option("--jobs", type=click.IntRange(1), help="Processes at once.  [default: number of cores]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def score(
    scenario: tuple[str, ...],
    seeds: int,
    loss: float | None,
    jitter: float | None,
    attach: str,
    combinations: bool,
    jobs: int | None,
    as_json: bool,
) -> None:
    """Measure the acceptance SCENARIOs (all, unless some are named) and compare with their truth.

    Exit code 0 only if every verdict is the truth.
    """
    from gatewatch.lab.country.scenario import ScenarioError
    from gatewatch.lab.scoring import combine, examine

    try:
        chosen = scenario or examine.every()
        if combinations:
            cases = combine.combinations(chosen, seeds=range(seeds))
        else:
            cases = examine.plain(chosen, seeds=range(seeds), loss=loss, jitter=jitter)
    except (ScenarioError, OSError) as error:
        raise click.UsageError(str(error)) from None
    began = time.monotonic()
    if attach == "kernel":
        cases = [case._replace(trial=case.trial._replace(attach="kernel")) for case in cases]
    report = examine.examine(cases, jobs)
    took = time.monotonic() - began
    if as_json:
        click.echo(json.dumps({**report.to_json(), "seconds": round(took, 1)}))
    else:
        _print(report, len(cases), took, every_line=not combinations)
    sys.exit(cli.DONE if report.score.perfect else cli.PARTIAL)


def _print(report: Report, sessions: int, took: float, *, every_line: bool) -> None:
    from gatewatch.lab.scoring import examine

    if every_line:
        click.echo(examine.table(report))
        click.echo()
    click.echo(report.score.format_table(mistakes=0))
    for wrong in report.wrong[:40]:
        click.echo(f"x {wrong.name} {wrong.isp} {wrong.probe} {wrong.variant} seed {wrong.seed}: {wrong.url}")
        click.echo(f"    {wrong.verdict} by {wrong.rule or 'nobody'}, but {wrong.truth}: {wrong.why}")
        if wrong.evidence:
            click.echo(f"    {wrong.evidence}")
    if len(report.wrong) > 40:
        click.echo(f"  ... and {len(report.wrong) - 40} more")
    click.echo(f"{sessions} sessions in {took:.1f} s")
