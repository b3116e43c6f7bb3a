"""gatewatch analyse shutdown: when networks did not answer, of how many, and where measurements stopped."""

from __future__ import annotations

import click

from gatewatch.cli import known
from gatewatch.cli.analyse import options


@click.command("shutdown")
@options.datasets
@options.prefixes
@click.option(
    "--hours",
    type=click.FloatRange(0.1, 24),
    default=1.0,
    show_default=True,
    help="Attempts of a run within this time are one visit, and count once.",
)
@options.as_json
def shutdown(datasets: tuple[str, ...], prefixes: str | None, hours: float, as_json: bool) -> None:
    """Say when whole networks were silent: some lines, one ISP, or every ISP that was heard of.

    One site that is cut, or a hundred, is no shutdown: see gatewatch analyse blocking.  Where measurements
    merely stopped, it is said that they did, and that this proves nothing.
    """
    import json
    from pathlib import Path

    options.needs_pandas()
    from gatewatch_analysis.report import silence
    from gatewatch_analysis.report.overview import whereabouts
    from gatewatch_analysis.shutdown import COLUMNS, KINDS, attempts_on_the_wire

    seen = options.observed(datasets, KINDS, COLUMNS)
    with options.readable():
        addresses, _ = whereabouts(seen, [Path(prefixes)] if prefixes else [], known.tables)
    options.tell_problems(seen.problems)
    options.some(seen.observations)
    found = silence.analyse(attempts_on_the_wire(seen.observations, addresses), hours=hours)
    click.echo(json.dumps(silence.to_json(found)) if as_json else silence.to_text(found), nl=as_json)
