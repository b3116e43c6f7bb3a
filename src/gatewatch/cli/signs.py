"""Lists of block page signs that others collect, joined before anything is judged."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatewatch.cli import known

if TYPE_CHECKING:
    from gatewatch_targets import Fingerprint

ENVIRONMENT = "GATEWATCH_FINGERPRINTS"

#: The option of every command that judges.
option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--fingerprints",
    multiple=True,
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="OONI's or Censored Planet's block page signs; besides those of the data folder and of `update`.  "
    f"[env: {ENVIRONMENT}, files separated as in PATH]",
)


def folder() -> Path:
    """Where lists lie that every run and analysis takes along."""
    from gatewatch.store import default_root

    return default_root().parent / "fingerprints"


def _files(given: Iterable[str]) -> list[Path]:
    named = [*given, *(os.environ.get(ENVIRONMENT) or "").split(os.pathsep)]
    kept = folder()
    lying = sorted(p for p in kept.iterdir() if p.suffix in (".csv", ".jsonl")) if kept.is_dir() else []
    return list(dict.fromkeys([*(Path(name) for name in named if name), *lying, *known.signs()]))


def join(given: Iterable[str], *, quiet: bool = False) -> list[dict[str, Any]]:
    """Read the lists and let them join the package's own signs; gives what a plan says of them.

    A row that cannot be used is counted and the rest goes on; a file that is no list is a usage error.
    """
    from gatewatch.verdict.likeness import signs
    from gatewatch_targets import DataError, read_signs

    found: list[Fingerprint] = []
    about: list[dict[str, Any]] = []
    for path in _files(given):
        try:
            file = read_signs(path)
        except DataError as error:
            raise click.UsageError(str(error)) from None
        found += file.signs
        about.append({"file": path.name, "kind": file.kind, "signs": len(file.signs)})
        if not quiet and file.problems:
            click.echo(
                f"{path.name}: {len(file.signs)} signs; rows that could not be used: {len(file.problems)}, "
                f"the first: {file.problems[0]}",
                err=True,
            )
    signs.use(found)
    return about
