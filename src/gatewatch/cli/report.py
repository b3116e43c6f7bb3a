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
    from gatewatch.store import StoreFull
    from gatewatch.store.files import replacing
    from gatewatch_analysis.page.report import report as write

    signs.join(fingerprints)
    dataset = options.load(datasets)
    with options.readable():
        page = write(dataset, [Path(prefixes)] if prefixes else [], known.tables)
        # Put in its place when it is whole, so that a full disk leaves no half of a page.
        try:
            with replacing(Path(output)) as file:
                file.write(page.encode())
        except StoreFull as error:
            raise click.ClickException(f"There is no room for the report: {error}") from None
    options.tell_problems(dataset.problems)
    click.echo(f"{output}: {len(page.encode()) / 1e6:.1f} MB", err=True)
    if dataset.measurements.empty and dataset.hops.empty:
        raise click.exceptions.Exit(1)
