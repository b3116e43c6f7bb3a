"""`gatewatch update`: fetch what others publish, and say how old what we have is."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatewatch import cli
from gatewatch.cli import start

if TYPE_CHECKING:
    from gatewatch.update import Dataset, Outcome, Shelf

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)
# What was asked for is here.
_GOOD = frozenset({"updated", "waiting", "current"})


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option(
    "--list", "list_", is_flag=True, help="Show the data sets, their licences and ages; send nothing."
)
@click.option("--accept-terms", "terms", multiple=True, metavar="NAME", help="I have read this one's terms.")
@click.option("--force", is_flag=True, help="Take older and much smaller versions, too.")
@click.option(
    "--config", type=_FILE, help="Addresses of mirrors.  [default: ~/.config/gatewatch/update.toml]"
)
@click.option(
    "--data", type=_FOLDER, help="Where data sets are kept.  [default: ~/.local/share/gatewatch/data]"
)
@click.option("--quiet", "-q", is_flag=True, help="Say nothing but what is wrong.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def update(
    names: tuple[str, ...],
    list_: bool,
    terms: tuple[str, ...],
    force: bool,
    config: Path | None,
    data: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Fetch data sets of others: all that need no consent, or those of these names (citizenlab: all of them).

    Whatever goes wrong, the old data stay in use.  New target lists wait until `gatewatch targets pull` has
    shown what changed in them.
    """
    from gatewatch.store import Locked, lock
    from gatewatch.update import Shelf, datasets
    from gatewatch_targets import DataError

    try:
        known = datasets(config)
    except (DataError, OSError) as error:
        raise click.UsageError(str(error)) from None
    shelf = Shelf(data)
    chosen = choose(known, (*names, *terms), shelf)
    if list_:
        _show(chosen if names or terms else known.values(), shelf, as_json)
        return
    if unasked := [name for name in terms if name not in known or not known[name].terms]:
        raise click.UsageError(f"{unasked[0]} has no terms to accept")
    try:
        with lock(shelf.folder):
            for name in terms:
                shelf.accept_terms(name, known[name].terms)
            outcomes = fetch(chosen, shelf, force=force, quiet=quiet)
    except OSError as error:
        raise click.ClickException(f"the data folder cannot be written: {error}") from None
    except Locked:
        click.echo("Another update is going on.", err=True)
        sys.exit(cli.LOCKED)
    if as_json:
        click.echo(json.dumps({"datasets": [_row(outcome) for outcome in outcomes]}))
    sys.exit(conclude(outcomes))


def choose(known: dict[str, Dataset], names: Iterable[str], shelf: Shelf) -> list[Dataset]:
    """Give the data sets of these names, or groups of them; without names all that need no consent."""
    chosen: dict[str, Dataset] = {}
    for name in names:
        found = {n: d for n, d in known.items() if n == name or n.startswith(f"{name}-")}
        if not found:
            raise click.UsageError(f"no data set {name!r}; there are {', '.join(known)}")
        chosen |= found
    if chosen:
        return list(chosen.values())
    accepted = shelf.accepted()
    return [d for d in known.values() if not d.terms or accepted.get(d.name) == d.terms]


def fetch(chosen: Iterable[Dataset], shelf: Shelf, *, force: bool, quiet: bool) -> list[Outcome]:
    """Refresh data sets one after another, and say of each what became of it."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    from gatewatch.runner.line import has_route, has_route6
    from gatewatch.update import refresh
    from gatewatch.update.download import Session

    start.to_the_network()
    outcomes = []
    # Without a route nothing comes of waiting; a mirror on this machine answers at once or not at all.
    sleep = time.sleep if has_route() or has_route6() else _no_pause
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
    with (
        Session() as session,
        Progress(
            *columns, console=console, transient=True, disable=quiet or not console.is_terminal
        ) as progress,
    ):
        for dataset in chosen:
            task = progress.add_task(dataset.name, total=None)

            def told(_name: str, done: int, total: int | None, task: Any = task) -> None:
                progress.update(task, completed=done, total=total)

            outcome = refresh(
                dataset,
                shelf,
                session,
                force=force,
                review=dataset.kind == "targets",
                told=told,
                sleep=sleep,
            )
            progress.remove_task(task)
            outcomes.append(outcome)
            if not quiet or outcome.state not in _GOOD:
                _say(outcome)
    return outcomes


def _no_pause(_seconds: float) -> None:
    return


def _say(outcome: Outcome) -> None:
    from gatewatch_targets import printable

    click.echo(printable(f"{outcome.name}: {outcome.state}: {outcome.text}"), err=True)
    if outcome.state == "waiting":
        click.echo(f"    look at what changed: gatewatch targets pull {outcome.name}", err=True)


def conclude(outcomes: Iterable[Outcome]) -> int:
    """Give the exit code, and say it plainly when there is no network."""
    from gatewatch.runner.line import has_route, has_route6

    states = [outcome.state for outcome in outcomes]
    if states and all(state == "unreachable" for state in states):
        if has_route() or has_route6():
            click.echo("None of the servers can be reached.  The old data stay in use.", err=True)
        else:
            text = "There is no network: this machine has no route to the outside.  The old data stay in use."
            click.echo(text, err=True)
        return cli.NO_NETWORK
    return cli.DONE if all(state in _GOOD for state in states) else cli.PARTIAL


def _row(outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.name,
        "state": outcome.state,
        "text": outcome.text,
        "installed": asdict(outcome.installed) if outcome.installed else None,
    }


def _show(chosen: Iterable[Dataset], shelf: Shelf, as_json: bool) -> None:
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    rows = [(dataset, shelf.installed(dataset.name)) for dataset in chosen]
    if as_json:
        listed = [
            {
                "name": d.name,
                "title": d.title,
                "licence": d.licence,
                "attribution": d.attribution,
                "terms": d.terms or None,
                "installed": asdict(found) if found else None,
            }
            for d, found in rows
        ]
        click.echo(json.dumps({"folder": str(shelf.folder), "datasets": listed}))
        return
    for dataset, found in rows:
        have = (
            f"{found.entries:,} entries of {found.date}, checked {found.age(now):.0f} days ago"
            if found
            else "not here" + (f"; terms: {dataset.terms}" if dataset.terms else "")
        )
        click.echo(f"{dataset.name}: {dataset.title} ({dataset.licence})\n    {have}")
