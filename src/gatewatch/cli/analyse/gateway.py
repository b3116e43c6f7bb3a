"""gatewatch analyse gateway: one gate, one hand, or each ISP by itself?"""

from __future__ import annotations

import click

from gatewatch.cli import known, signs
from gatewatch.cli.analyse import options


@click.command("gateway")
@options.datasets
@options.prefixes
@signs.option
@options.as_json
def gateway(
    datasets: tuple[str, ...], prefixes: str | None, fingerprints: tuple[str, ...], as_json: bool
) -> None:
    """Say whether a country filters at one gate, by one hand, or each ISP by itself.

    Prints the probability of each, the evidence that it rests on, and which measurement would tell most.
    What is said is "undetermined" unless the evidence allows more.
    """
    import json
    from pathlib import Path

    options.needs_pandas()
    from gatewatch_analysis.report import gate

    signs.join(fingerprints)
    dataset = options.load(datasets)
    with options.readable():
        found, bad = gate.analyse(dataset, [Path(prefixes)] if prefixes else [], known.tables)
    options.tell_problems(dataset.problems)
    options.tell_problems(bad)
    click.echo(json.dumps(gate.to_json(found)) if as_json else gate.to_text(found), nl=as_json)
    options.some(dataset.measurements)
