"""gatewatch analyse cables: what may carry the traffic out of a country, and how much of it is Chinese."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatewatch.cli import known
from gatewatch.cli.analyse import options

if TYPE_CHECKING:
    from gatewatch_analysis.cables import Knowledge
    from gatewatch_targets.cables import Cable


@click.command("cables")
@options.datasets
@options.prefixes
@click.option(
    "--file",
    "file",
    type=click.Path(exists=True, path_type=Path),
    help="A cable list that you have, whose terms you accepted, instead of the built-in table.",
)
@click.option(
    "--of",
    "of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day of which that list is whole; default: the file's own date.",
)
@click.option(
    "--fetched",
    is_flag=True,
    help="The list that `gatewatch update cables-live` fetched, instead of the table.",
)
@options.as_json
def cables(
    datasets: tuple[str, ...],
    prefixes: str | None,
    file: Path | None,
    of: datetime | None,
    fetched: bool,
    as_json: bool,
) -> None:
    """Say what may carry each border link, and the chance that it is Chinese, from its least to its most.

    Owner, builder, operator and carrier are four questions; per ISP and country, month by month.  Which cable
    it is can seldom be told, and is not guessed.
    """
    import json

    options.needs_pandas()
    from gatewatch_analysis.cables import whose_cables
    from gatewatch_analysis.report import whose
    from gatewatch_analysis.report.overview import whereabouts

    knowledge = _knowledge(file, of, fetched)
    dataset = options.load(datasets)
    with options.readable():
        addresses, _ = whereabouts(dataset, [Path(prefixes)] if prefixes else [], known.tables)
    options.tell_problems(dataset.problems)
    if dataset.hops.empty:
        click.echo("No traces found.", err=True)
        raise click.exceptions.Exit(1)
    found = whose_cables(dataset.hops, addresses, knowledge=knowledge)
    click.echo(json.dumps(whose.to_json(found)) if as_json else whose.to_text(found), nl=as_json)


def _knowledge(file: Path | None, of: datetime | None, fetched: bool) -> Knowledge | None:
    """Give the list of somebody else in place of our own, or None."""
    from gatewatch.update import installed
    from gatewatch_analysis.cables import Knowledge

    if file and fetched:
        raise click.UsageError("--file and --fetched are two different lists")
    if of and not file:
        raise click.UsageError("--of says of which day the list of --file is")
    if file:
        day = of.date() if of else datetime.fromtimestamp(file.stat().st_mtime, UTC).date()
        return Knowledge.listed(_cables(file), day)
    if fetched:
        if (found := installed("cables-live")) is None:
            raise click.UsageError("no list was fetched: gatewatch update cables-live (read its terms first)")
        about, path = found
        return Knowledge.listed(_cables(path), date.fromisoformat(about.date[:10]))
    return None


def _cables(path: Path) -> list[Cable]:
    from gatewatch_targets import DataError
    from gatewatch_targets.cables import read_foreign

    try:
        listed = read_foreign(path)
    except (DataError, OSError) as error:
        raise click.UsageError(str(error)) from None
    for problem in listed.rejected:
        click.echo(str(problem), err=True)
    return list(listed.cables)
