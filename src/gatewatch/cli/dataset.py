"""gatewatch dataset: Parquet datasets by country and day; a thin door to ``gatewatch_analysis.dataset``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatewatch.cli.analyse import options
from gatewatch.cli.door import Door

if TYPE_CHECKING:
    from gatewatch_analysis.dataset import Built, Overview

_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
_PATH = click.argument("dataset", metavar="DATASET")


#: Command, where it is defined, and its line in the overview.
COMMANDS = {
    "build": ("gatewatch.cli.dataset:build", "Build a dataset from measurements, or add them to it."),
    "info": ("gatewatch.cli.dataset:info", "Show what is in a dataset."),
    "merge": ("gatewatch.cli.dataset:merge", "Put datasets into another one."),
}


@click.group(cls=Door, commands_table=COMMANDS)
def dataset() -> None:
    """Datasets of Parquet files by country and day, derived from measurements.

    A DATASET is a folder, or a URL such as s3://bucket/name.
    """


@click.command()
@_PATH
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@click.option("--processes", type=click.IntRange(1), help="Processes to work with.  [default: one a core]")
@_JSON
def build(dataset: str, sources: tuple[str, ...], processes: int | None, as_json: bool) -> None:
    """Build a dataset from measurements, or add them to it.

    A SOURCE is what `gatewatch analyse` takes: run folders, OONI files, archives, traceroutes.  What is in
    the dataset already is not added again.  Interrupted, it leaves the dataset whole; called again, it goes
    on.
    """
    options.needs_pandas()
    from gatewatch_analysis.dataset import build as derive

    with _told(dataset):
        built = derive(dataset, sources, processes=processes, progress=_Told(), report=_passed_over)
    _say(dataset, built, as_json)


@click.command()
@_PATH
@click.argument("others", metavar="OTHER...", nargs=-1, required=True)
@_JSON
def merge(dataset: str, others: tuple[str, ...], as_json: bool) -> None:
    """Put OTHER datasets into DATASET, which may be new.

    Copies of measurements are left out and counted.  The other datasets stay as they are.
    """
    options.needs_pandas()
    from gatewatch_analysis.dataset import merge as join

    with _told(dataset):
        built = join(dataset, others, progress=_Told())
    _say(dataset, built, as_json)


@click.command()
@_PATH
@_JSON
def info(dataset: str, as_json: bool) -> None:
    """Show what is in a dataset, by table and by country, and whether all its files are there."""
    options.needs_pandas()
    from gatewatch_analysis.dataset import overview
    from gatewatch_targets.text import printable

    with _told(dataset):
        seen = overview(dataset)
    if as_json:
        click.echo(json.dumps(asdict(seen)))
    else:
        _show(seen)
    for name in seen.missing[:1]:
        click.echo(printable(f"Files that are missing: {len(seen.missing)}, such as {name}"), err=True)
    if seen.missing:
        raise click.exceptions.Exit(1)


def _show(seen: Overview) -> None:
    from gatewatch_analysis.report.text import table
    from gatewatch_targets.text import printable

    click.echo(
        f"{printable(seen.path)}: {seen.measurements:,} measurements from {seen.sources:,} sources; "
        f"left out: {seen.copies:,} copies, {seen.aside:,} lines that could not be read"
    )
    rows = [(name, count, seen.bytes[name] / 1e6) for name, count in seen.rows.items()]
    click.echo("\n" + table(("table", "rows", "MB"), rows))
    found = seen.countries.items()
    lines = [(code, c.measurements, c.observations, c.days, c.first, c.last) for code, c in found]
    click.echo("\n" + table(("country", "measurements", "observations", "days", "from", "to"), lines))


class _Told:
    """Says on a terminal how far it is."""

    def __init__(self) -> None:
        self._done = 0

    def __call__(self, name: str, of: int) -> None:
        self._done += 1
        if sys.stderr.isatty():
            end = "\n" if self._done == of else ""
            click.echo(f"\r{self._done} of {of} sources{end}", nl=False, err=True)


def _passed_over(file: str, line: int, reason: str) -> None:
    from gatewatch_targets.text import printable

    click.echo(f"{printable(file)} {printable(reason)}", err=True)


def _say(path: str, built: Built, as_json: bool) -> None:
    from gatewatch_targets.text import printable

    counts: dict[str, Any] = {
        "dataset": path,
        "sources": len(built.added),
        "known": len(built.known),
        **{what: getattr(built, what) for what in ("measurements", "copies", "aside", "passed")},
        "failed": built.failed,
    }
    if as_json:
        click.echo(json.dumps(counts))
    else:
        click.echo(
            f"{counts['measurements']:,} measurements from {counts['sources']:,} new sources; "
            f"{counts['known']:,} sources were there already. Left out: {counts['copies']:,} copies, "
            f"{counts['aside']:,} lines that could not be read."
        )
    for name, reason in built.failed.items():
        click.echo(f"Not read: {printable(name)}: {printable(reason)}", err=True)
    if built.failed:
        raise click.exceptions.Exit(1)


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn what can go wrong into an exit code."""
    from gatewatch.cli import LOCKED
    from gatewatch.store import Locked, StoreFull
    from gatewatch.store.files import full_disk
    from gatewatch_analysis.dataset import DamagedDataset
    from gatewatch_targets.text import printable

    try:
        # Also what libraries say that write by themselves.
        with options.readable(), full_disk(Path(name)):
            yield
    except DamagedDataset as error:
        raise click.UsageError(printable(str(error))) from None
    except Locked:
        click.echo("Another process writes to this dataset.", err=True)
        raise click.exceptions.Exit(LOCKED) from None
    except StoreFull as error:
        click.echo(f"No room: {printable(str(error))}", err=True)
        raise click.exceptions.Exit(1) from None
