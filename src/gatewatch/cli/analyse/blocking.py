"""gatewatch analyse blocking: rates by ISP, domain and day, and when blocking began and ended."""

from __future__ import annotations

import click

from gatewatch.cli import signs
from gatewatch.cli.analyse import options


@click.command("blocking")
@options.datasets
@signs.option
@options.as_json
def blocking(datasets: tuple[str, ...], fingerprints: tuple[str, ...], as_json: bool) -> None:
    """Say which domains each ISP blocks, on how many days, since when, and with whom.

    Every rate names what it counts, runs, days or ISPs, and its interval speaks of those.
    """
    import json

    options.needs_pandas()
    from gatewatch_analysis.report import daily

    signs.join(fingerprints)
    dataset = options.load(datasets)
    options.tell_problems(dataset.problems)
    options.some(dataset.measurements)
    found = daily.analyse(dataset.measurements)
    click.echo(json.dumps(daily.to_json(found)) if as_json else daily.to_text(found), nl=as_json)
