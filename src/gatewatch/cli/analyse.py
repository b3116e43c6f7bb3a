"""gatewatch analyse: what is blocked, how, on which ISP, and where its paths leave the country."""

from __future__ import annotations

import click

from gatewatch.cli import known, signs


@click.command()
@click.argument("datasets", metavar="DATASET...", nargs=-1, required=True, type=click.Path(exists=True))
@click.option(
    "--prefixes",
    type=click.Path(exists=True, dir_okay=False),
    help="A CSV file prefix,asn,country,name, in place of those of the runs and of `gatewatch update`.",
)
@signs.option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with verdicts and findings.")
def analyse(
    datasets: tuple[str, ...], prefixes: str | None, fingerprints: tuple[str, ...], as_json: bool
) -> None:
    """Say what is blocked, how and where paths leave the country, from runs and OONI files.

    DATASET is a run folder, a folder of run folders, a .jsonl or .jsonl.gz file, or an OONI .json file.
    """
    import json
    from pathlib import Path

    try:
        from gatewatch_analysis import report
        from gatewatch_analysis.load import NoDataset, load
        from gatewatch_targets.text import printable
    except ModuleNotFoundError as error:
        if error.name != "pandas":
            raise
        click.echo("Analysing needs pandas: install it with pip install 'gatewatch[analysis]'.", err=True)
        raise click.exceptions.Exit(2) from None

    signs.join(fingerprints)
    try:
        dataset = load(datasets)
        analysis = report.analyse(dataset, [Path(prefixes)] if prefixes else [], known.tables)
    except NoDataset as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"{error.filename}: {error.strerror}") from None

    problems = analysis.problems
    if len(problems):
        first = problems.iloc[0]
        aside = int((~problems["kept"]).sum())
        click.echo(
            f"Lines that could not be read as they should: {len(problems)}, of which set aside: {aside}; "
            f"the first: {printable(first['file'])}, line {first['line']}: {first['reason']}",
            err=True,
        )
    if as_json:
        click.echo(json.dumps(report.to_json(analysis)))
    elif dataset.measurements.empty:
        click.echo("No measurements found.", err=True)
    else:
        click.echo(report.to_text(analysis), nl=False)
    if dataset.measurements.empty:
        raise click.exceptions.Exit(1)
