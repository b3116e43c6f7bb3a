"""gatewatch demo: an emulated Cambodia measured, traced and analysed, without a packet to the internet."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import click

from gatewatch import cli

SCENARIO = "kh-2024"
#: Three ISPs that block in three ways: a forged answer that leads to a block page's address, NXDOMAIN, and
#: a TLS reset by name (the matrix of iMAP 2024, see the scenario).
ISPS = ("metfone", "wicam", "smart")


@click.command()
@click.option(
    "--attach", type=click.Choice(["auto", "kernel", "memory"]), default="auto", help="How to attach."
)
@click.option("--root", type=click.Path(path_type=Path, file_okay=False), help="Where the runs are kept.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def demo(attach: str, root: Path | None, as_json: bool) -> None:
    """Measure an emulated Cambodia: three ISPs, the list for Cambodia, traces, and what it all says.

    Needs no privilege and no internet, and sends nothing outside this machine.
    """
    try:
        import gatewatch.lab.world  # noqa: F401 # is the extra there?
        from gatewatch_analysis import report
        from gatewatch_analysis.loading import load
    except ModuleNotFoundError as error:
        click.echo(f"{error.name} is missing. Install with: pip install 'gatewatch[analysis,lab]'", err=True)
        sys.exit(cli.USAGE)
    from gatewatch.cli.lab import measure

    began = time.monotonic()
    click.echo(f"Measuring from {len(ISPS)} providers of {SCENARIO}, an emulated Cambodia.", err=True)
    runs = measure(SCENARIO, ISPS, ("--targets", "kh", "--seed", "1"), attach=attach, root=root)
    folders = [Path(row["folder"]) for row in runs if row["folder"]]
    if not folders:
        click.echo("No run could be made: " + "; ".join(row["reason"] for row in runs), err=True)
        sys.exit(cli.PARTIAL)
    analysis = report.analyse(load(folders))
    seconds = round(time.monotonic() - began, 1)
    if as_json:
        click.echo(json.dumps({**report.to_json(analysis), "runs": runs, "seconds": seconds}))
    else:
        click.echo(report.to_text(analysis), nl=False)
        click.echo(f"\nThe results lie in {folders[0].parent.parent}; it took {seconds} s.")
    sys.exit(cli.DONE if all(row["state"] == "done" for row in runs) else cli.PARTIAL)
