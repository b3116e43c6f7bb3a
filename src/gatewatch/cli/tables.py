"""Which table of prefixes a run asks: the one named, the lab's, or whatever lies in the data folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatewatch.cli import known

if TYPE_CHECKING:
    from gatewatch.whereabouts import PrefixTable, Whereabouts


def whereabouts(named: Path | None, lab: bytes | None) -> Whereabouts | None:
    """Give the table, None without any; raises click.UsageError when the one named cannot be read.

    ``lab`` is the scenario's own address plan.  Of the data folder's tables one's own, ``prefixes.csv``, is
    believed first, then those that `gatewatch update` has fetched.
    """
    from gatewatch.store import default_root
    from gatewatch.whereabouts import Joined

    if named is not None:
        return _written(named)
    if lab is not None:
        return _of(lab.decode().splitlines(), "prefixes.csv")
    own = default_root().with_name("prefixes.csv")
    fetched = known.tables()
    if not own.is_file():
        return fetched
    return Joined((_written(own), *(fetched.tables if fetched else ())))


def _written(path: Path) -> PrefixTable:
    try:
        return _of(path.read_text(encoding="utf-8", errors="replace").splitlines(), str(path))
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror}") from None


def _of(lines: list[str], name: str) -> PrefixTable:
    from gatewatch.whereabouts import PrefixTable, parse_prefixes
    from gatewatch_targets.text import printable

    def report(line: int, why: str) -> None:
        click.echo(printable(f"{name}:{line}: {why}"), err=True)

    return PrefixTable(parse_prefixes(lines, report))
