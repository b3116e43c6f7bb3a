"""gatewatch analyse hosting: where a country's services answer from, period by period."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gatewatch.cli import known
from gatewatch.cli.analyse import options

if TYPE_CHECKING:
    from gatewatch_analysis.hosting.placed import Period


@click.command("hosting")
@options.datasets
@options.prefixes
@click.option(
    "--by",
    type=click.Choice(["day", "week", "month"]),
    default="month",
    show_default=True,
    help="How long a period is.",
)
@click.option(
    "--services",
    type=click.Path(exists=True, dir_okay=False),
    help="A target list of services, in place of all under the country's top-level domain.",
)
@options.as_json
def hosting(
    datasets: tuple[str, ...], prefixes: str | None, by: Period, services: str | None, as_json: bool
) -> None:
    """Say where a country's services are hosted: inside, abroad, or on a content network.

    Government services are told apart by their names.  It needs to know where addresses are: the run folder's
    table, --prefixes, or gatewatch update.
    """
    import json
    from pathlib import Path

    options.needs_pandas()
    from gatewatch_analysis.hosting import COLUMNS, KINDS
    from gatewatch_analysis.report import hosts
    from gatewatch_analysis.report.overview import whereabouts

    names = options.hosts(services) if services else None
    seen = options.observed(datasets, KINDS, COLUMNS)
    with options.readable():
        addresses, _ = whereabouts(seen, [Path(prefixes)] if prefixes else [], known.tables)
    options.tell_problems(seen.problems)
    options.some(seen.observations)
    found = hosts.analyse(seen.observations, addresses, by=by, services=names)
    click.echo(json.dumps(hosts.to_json(found)) if as_json else hosts.to_text(found), nl=as_json)
