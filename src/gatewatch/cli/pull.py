"""`gatewatch targets pull`: Citizen Lab's lists, looked at before they are used."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatewatch import cli

if TYPE_CHECKING:
    from gatewatch.update import Shelf
    from gatewatch_targets.difference import Difference

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)
# Enough to see what kind of change it is; --json gives all.
_SHOWN = 40


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--accept", is_flag=True, help="Use the new versions; what changed is printed all the same.")
@click.option("--drop", is_flag=True, help="Throw away the new versions.")
@click.option(
    "--config", type=_FILE, help="Addresses of mirrors.  [default: ~/.config/gatewatch/update.toml]"
)
@click.option(
    "--data", type=_FOLDER, help="Where data sets are kept.  [default: ~/.local/share/gatewatch/data]"
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def pull(
    names: tuple[str, ...], accept: bool, drop: bool, config: Path | None, data: Path | None, as_json: bool
) -> None:
    """Fetch Citizen Lab's lists, and show what changed before they are used.

    NAME is a country code, global, or a data set's name; without any, all.  Nothing is used before it was
    accepted, here or by --accept; then `gatewatch run --targets citizenlab-kh` measures it.
    """
    from gatewatch.cli.update import choose, conclude, fetch
    from gatewatch.store import Locked, lock
    from gatewatch.update import Shelf, datasets
    from gatewatch_targets import DataError

    if accept and drop:
        raise click.UsageError("--accept and --drop exclude one another")
    try:
        known = {name: d for name, d in datasets(config).items() if d.kind == "targets"}
    except (DataError, OSError) as error:
        raise click.UsageError(str(error)) from None
    shelf = Shelf(data)
    wanted = [name if name in known else f"citizenlab-{name.lower()}" for name in names]
    chosen = choose(known, wanted, shelf)
    rows = []
    try:
        with lock(shelf.folder):
            # What waits already is looked at as it is: it was fetched, and may be thrown away.
            ask = [d for d in chosen if shelf.installed(d.name, waiting=True) is None]
            outcomes = [] if drop else fetch(ask, shelf, force=False, quiet=False)
            for dataset in chosen:
                if shelf.installed(dataset.name, waiting=True) is not None:
                    rows.append(_look(dataset.name, shelf, accept, drop, as_json))
    except Locked:
        click.echo("Another update is going on.", err=True)
        sys.exit(cli.LOCKED)
    if as_json:
        click.echo(json.dumps({"lists": rows}))
    sys.exit(conclude(outcomes) if outcomes else cli.DONE)


def _look(name: str, shelf: Shelf, accept: bool, drop: bool, as_json: bool) -> dict[str, Any]:
    """Show what a waiting list changes, and do with it what was asked."""
    from dataclasses import asdict

    from gatewatch_targets import read
    from gatewatch_targets.difference import difference

    waits, used = shelf.installed(name, waiting=True), shelf.installed(name)
    assert waits is not None
    before = read(shelf.path(used)).targets if used is not None else ()
    found = difference(before, read(shelf.path(waits)).targets)
    if not as_json:
        _show(name, found, f"of {waits.date}", f"in use: of {used.date}" if used else "none is in use")
    if not (accept or drop or as_json) and sys.stdin.isatty():
        accept = click.confirm(f"Use the new version of {name}?", err=True)
    state = "waiting"
    if accept:
        shelf.accept(name)
        state = "accepted"
    elif drop:
        shelf.drop(name)
        state = "dropped"
    if not as_json:
        advice = f"; gatewatch targets pull {name} --accept uses it" if state == "waiting" else ""
        click.echo(f"{name}: {state}{advice}", err=True)
    return {
        "name": name,
        "state": state,
        "date": waits.date,
        "added": [asdict(target) for target in found.added],
        "removed": [asdict(target) for target in found.removed],
        "changed": [{"url": c.target.url, "fields": [list(f) for f in c.fields]} for c in found.changed],
    }


def _show(name: str, found: Difference, new: str, old: str) -> None:
    from gatewatch_targets import printable

    risks = Counter(target.risk for target in found.added)
    tiers = ", ".join(f"{risks[risk]} {risk}" for risk in ("high", "medium", "low") if risks[risk])
    click.echo(
        f"{name}, {new} ({old}): {len(found.added)} added{f' ({tiers})' if tiers else ''}, "
        f"{len(found.removed)} removed, {len(found.changed)} changed"
    )
    # The riskiest first: they are what must be looked at.
    order = {"high": 0, "medium": 1, "low": 2}
    lines = [
        *(
            f"  + {t.url} {t.category} {t.risk} {t.why}".rstrip()
            for t in sorted(found.added, key=lambda t: order[t.risk])
        ),
        *(f"  - {t.url} {t.category}" for t in found.removed),
        *(
            f"  ~ {c.target.url} " + ", ".join(f"{w}: {a or '-'} -> {b or '-'}" for w, a, b in c.fields)
            for c in found.changed
        ),
    ]
    for line in lines[:_SHOWN]:
        click.echo(printable(line))
    if len(lines) > _SHOWN:
        click.echo(f"  and {len(lines) - _SHOWN} more: --json gives all")
