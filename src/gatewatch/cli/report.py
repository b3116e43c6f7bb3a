"""gatewatch report: what a dataset says, as one page that fetches nothing."""

from __future__ import annotations

import click

from gatewatch.cli import known, signs, speaking
from gatewatch.cli.analyse import options


@click.command()
@options.datasets
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, writable=True),
    required=True,
    help="Where to write the page, such as report.html.",
)
@speaking.option
@options.prefixes
@signs.option
def report(
    datasets: tuple[str, ...],
    output: str,
    prefixes: str | None,
    fingerprints: tuple[str, ...],
) -> None:
    """Write the report of DATASET as one page for a browser.

    The page holds everything it shows and its tables as files; it runs no script and loads nothing, so that
    opening it tells nobody.
    """
    from pathlib import Path

    options.needs_pandas()
    from gatewatch_analysis.page.report import report as write

    signs.join(fingerprints)
    dataset = options.load(datasets)
    with options.readable():
        page = write(dataset, [Path(prefixes)] if prefixes else [], known.tables)
        # Written beside and put in its place, so that a full disk leaves no half of a page.
        beside = Path(f"{output}.part")
        beside.write_text(page, encoding="utf-8")
        beside.replace(output)
    options.tell_problems(dataset.problems)
    click.echo(f"{output}: {len(page.encode()) / 1e6:.1f} MB", err=True)
    if dataset.measurements.empty and dataset.hops.empty:
        raise click.exceptions.Exit(1)
