"""gatewatch results delete: runs deleted, with a list of what was there and a look whether all is gone."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatewatch import cli
from gatewatch.cli import asking, colours, speaking
from gatewatch.words import count, layout, numbers, say

if TYPE_CHECKING:
    from gatewatch.store.erase import Erased


@click.command("delete")
@click.argument("run", nargs=-1, metavar="RUN...")
@click.option("--all", "everything", is_flag=True, help="Delete every run, those of the lab too.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="GATEWATCH_RESULTS",
    help="Where runs lie.  [env: GATEWATCH_RESULTS; default: ~/.local/share/gatewatch/runs]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@speaking.option
def delete(run: tuple[str, ...], everything: bool, yes: bool, root: Path | None, as_json: bool) -> None:
    """Delete each RUN, or all of them, with all that lies in their folders, evidence included.

    Prints length and SHA-256 of each deleted file, and what is left.  gatewatch keeps no list of its own.
    """
    from gatewatch.store import Locked, default_root, erase

    speaking.writable()
    if bool(run) == everything:
        raise click.UsageError("name runs, or say --all")
    root = root or default_root()
    found = erase.runs(root) if everything else _named(root, run)
    if not found and not as_json:
        click.echo(say("There are no results."), err=True)
    elif found and not yes and not _sure(found, root):
        click.echo(say("Nothing was deleted."), err=True)
        sys.exit(cli.PARTIAL)
    gone: list[Erased] = []
    try:
        for path in found:
            gone += erase.erase(path, root)
        if everything:
            gone += erase.tidy(root)
    except Locked:
        click.echo(say("A measurement is going on. Stop it first, then delete."), err=True)
        sys.exit(cli.LOCKED)
    left = erase.left(root) if everything else [str(path) for path in found if path.exists()]
    if as_json:
        files = [{"path": each.path, "bytes": each.bytes, "sha256": each.sha256} for each in gone]
        click.echo(json.dumps({"runs": len(found), "files": files, "left": left}))
    else:
        _prove(gone, len(found), left)
    sys.exit(cli.PARTIAL if left else cli.DONE)


def _named(root: Path, names: tuple[str, ...]) -> list[Path]:
    """Give the runs of these names, and what an earlier call has left half deleted when it died."""
    from gatewatch.cli.results import find
    from gatewatch.store import erase

    begun = erase.begun(root, names)
    wanted = [name for name in names if name not in {path.name for path in begun}]
    return list(dict.fromkeys([*begun, *(find(root, name).path for name in wanted)]))


def _sure(found: list[Path], root: Path) -> bool:
    from gatewatch_targets.text import printable

    for path in found:
        click.echo(
            f"  {printable(str(path.relative_to(root) if path.is_relative_to(root) else path))}", err=True
        )
    return asking.agrees(count("Delete {n} run?", "Delete {n} runs?", len(found)))


def _prove(gone: list[Erased], runs: int, left: list[str]) -> None:
    """Print what is gone, a line a file, then the sum, and what is left."""
    from gatewatch_targets.text import printable

    for each in gone:
        click.echo(f"{each.sha256}  {each.bytes:>12}  {printable(each.path)}")
    deleted = count("{n} run deleted", "{n} runs deleted", runs)
    files = count("{n} file", "{n} files", len(gone))
    click.echo(f"{deleted}: {files}, {numbers.size(sum(each.bytes for each in gone))}.")
    if left:
        click.echo(colours.bad(say("Still there:")))
        for name in left:
            click.echo(f"  {printable(name)}")
    else:
        click.echo(colours.good(say("Looked again: nothing of it is left.")))
    click.echo(layout.filled(say("Keep this list if you need a proof; gatewatch keeps none.")), err=True)
