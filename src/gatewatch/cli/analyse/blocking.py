"""gatewatch analyse blocking: rates by ISP, domain and day, and when blocking began and ended."""

from __future__ import annotations

import click

from gatewatch.cli import signs
from gatewatch.cli.analyse import options


@click.command("blocking")
@options.datasets
@signs.option
@click.option(
    "--helpers-only",
    is_flag=True,
    help="Where no test helper answered, leave it at that: no other vantage stands in.",
)
@options.as_json
def blocking(
    datasets: tuple[str, ...], fingerprints: tuple[str, ...], helpers_only: bool, as_json: bool
) -> None:
    """Say which domains each ISP blocks, on how many days, since when, and with whom.

    Every rate names what it counts, runs, days or ISPs, and its interval speaks of those.  A measurement that
    no test helper stood by is judged with what two other vantages or more saw of the target that day.
    """
    import json

    options.needs_pandas()
    from gatewatch_analysis.controls import judge_again
    from gatewatch_analysis.report import daily

    signs.join(fingerprints)
    dataset = options.load(datasets)
    options.tell_problems(dataset.problems)
    options.some(dataset.measurements)
    measurements = dataset.measurements if helpers_only else judge_again(dataset.measurements, datasets)
    found = daily.analyse(measurements)
    click.echo(json.dumps(daily.to_json(found)) if as_json else daily.to_text(found), nl=as_json)
