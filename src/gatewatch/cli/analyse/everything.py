"""gatewatch analyse all: what is blocked, how, on which ISP, and where its paths leave the country."""

from __future__ import annotations

import click

from gatewatch.cli import known, signs
from gatewatch.cli.analyse import options


@click.command("all")
@options.datasets
@options.prefixes
@signs.option
@options.as_json
def everything(
    datasets: tuple[str, ...], prefixes: str | None, fingerprints: tuple[str, ...], as_json: bool
) -> None:
    """Say what is blocked, how and where paths leave the country, from runs and OONI files.

    DATASET is a run folder, a folder of run folders, a .jsonl or .jsonl.gz file, or an OONI .json file.
    """
    import json
    from pathlib import Path

    options.needs_pandas()
    from gatewatch_analysis import report

    signs.join(fingerprints)
    dataset = options.load(datasets)
    with options.readable():
        analysis = report.analyse(dataset, [Path(prefixes)] if prefixes else [], known.tables)
    options.tell_problems(analysis.problems)
    if as_json:
        click.echo(json.dumps(report.to_json(analysis)))
    elif dataset.measurements.empty:
        click.echo("No measurements found.", err=True)
    else:
        click.echo(report.to_text(analysis), nl=False)
    if dataset.measurements.empty:
        raise click.exceptions.Exit(1)
