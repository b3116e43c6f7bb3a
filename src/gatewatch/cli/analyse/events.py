"""gatewatch analyse events: what changed at the timeline's events, and what became of the predictions."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from gatewatch.cli import known, signs
from gatewatch.cli.analyse import options

if TYPE_CHECKING:
    from gatewatch_analysis.events.series import Division


@click.command("events")
@options.datasets
@options.prefixes
@signs.option
@click.option(
    "--by",
    type=click.Choice(["all", "layer", "category", "host"]),
    default="layer",
    show_default=True,
    help="Into what the blocked targets are divided.",
)
@click.option(
    "--operation",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day on which a national gateway went into operation, for the predictions about it.",
)
@click.option(
    "--timeline",
    "own_timeline",
    type=click.Path(exists=True, dir_okay=False),
    help="A timeline of your own in place of the built-in one; see docs/analyse-events.md.",
)
@options.as_json
def events(
    datasets: tuple[str, ...],
    prefixes: str | None,
    fingerprints: tuple[str, ...],
    by: Division,
    operation: datetime | None,
    own_timeline: str | None,
    as_json: bool,
) -> None:
    """Say what changed at known events, at dates without any, and on several ISPs at once.

    Every registered prediction is held against the data; those about a gateway that does not run yet print
    their baseline.
    """
    import json
    from pathlib import Path

    options.needs_pandas()
    from gatewatch_analysis.report import timeline
    from gatewatch_targets import DataError
    from gatewatch_targets.events import read_events

    signs.join(fingerprints)
    known_events = None
    if own_timeline is not None:
        try:
            with Path(own_timeline).open("rb") as stream:
                known_events = read_events(stream, own_timeline)
        except (DataError, OSError) as error:
            raise click.UsageError(str(error)) from None
    dataset = options.load(datasets)
    with options.readable():
        found = timeline.analyse(
            dataset,
            [Path(prefixes)] if prefixes else [],
            known.tables,
            by=by,
            operation=operation.date() if operation else None,
            events=known_events,
        )
    options.tell_problems(dataset.problems)
    click.echo(json.dumps(timeline.to_json(found)) if as_json else timeline.to_text(found), nl=as_json)
