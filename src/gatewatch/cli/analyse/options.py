"""What the commands of ``gatewatch analyse`` share: datasets, prefixes, and the lines not read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gatewatch_analysis.dataset import Seen
    from gatewatch_analysis.loading import DataFrame, Dataset

# Patterns and URLs are no paths that click could look for.
datasets = click.argument("datasets", metavar="DATASET...", nargs=-1, required=True)
prefixes = click.option(
    "--prefixes",
    type=click.Path(exists=True, dir_okay=False),
    help="A CSV file prefix,asn,country,name, in place of those of the runs and of `gatewatch update`.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object with all tables' rows.")


def needs_pandas() -> None:
    """End with clear words where the extra is not installed."""
    try:
        import gatewatch_analysis.loading.reader  # noqa: F401 - to see whether all that it needs is there
    except ModuleNotFoundError as error:
        if error.name != "pandas":
            raise
        click.echo("Analysing needs pandas: install it with pip install 'gatewatch[analysis]'.", err=True)
        raise click.exceptions.Exit(2) from None


@contextmanager
def readable() -> Iterator[None]:
    """Turn a file that cannot be read into a usage error."""
    from gatewatch.store.files import FULL
    from gatewatch_analysis.loading import NoDataset

    try:
        yield
    except NoDataset as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        if error.errno in FULL:
            # That is no fault of what was asked; the front door says it.
            raise
        raise click.UsageError(f"{error.filename}: {error.strerror}") from None


def load(paths: Iterable[str]) -> Dataset:
    """Load datasets; a path that is none is a usage error."""
    from gatewatch_analysis.loading import load

    with readable():
        return load(paths)


def observed(paths: Iterable[str], kinds: Sequence[str], columns: Sequence[str]) -> Seen:
    """Load observations; a path that is no dataset is a usage error."""
    from gatewatch_analysis.dataset import observed

    with readable():
        return observed(paths, kinds=kinds, columns=columns)


def hosts(file: str) -> frozenset[str]:
    """Give the hosts of a target list; a list that cannot be read is a usage error."""
    from gatewatch_targets import DataError, resolve_names

    try:
        return frozenset(target.host for target in resolve_names([file]).targets)
    except DataError as error:
        raise click.UsageError(str(error)) from None


def some(measurements: DataFrame) -> None:
    """End with code 1 where there is not one measurement."""
    if measurements.empty:
        click.echo("No measurements found.", err=True)
        raise click.exceptions.Exit(1)


def tell_problems(problems: DataFrame) -> None:
    """Say on stderr how many lines could not be read as they should, and the first of them."""
    from gatewatch_targets.text import printable

    if problems.empty:
        return
    first = problems.iloc[0]
    aside = int((~problems["kept"]).sum())
    click.echo(
        f"Lines that could not be read as they should: {len(problems)}, of which set aside: {aside}; "
        f"the first: {printable(first['file'])}, line {first['line']}: {printable(first['reason'])}",
        err=True,
    )
