"""gatewatch results summary: what a run found, in plain words, and what can be done."""

from __future__ import annotations

import json
from pathlib import Path

import click

from gatewatch.cli import speaking


@click.command("summary")
@click.argument("run", metavar="[RUN]", default="latest")
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="GATEWATCH_RESULTS",
    help="Where runs lie.  [env: GATEWATCH_RESULTS; default: ~/.local/share/gatewatch/runs]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@speaking.option
def summary(run: str, root: Path | None, as_json: bool) -> None:
    """Say in plain words what RUN found: its id, the beginning of it, a path, or the newest one.

    The newest one is the newest that asked for sites; what gatewatch locate finds it says itself.
    """
    from gatewatch.cli.results import find
    from gatewatch.store import default_root
    from gatewatch.summary.facts import gather

    speaking.writable()
    folder = find(root or default_root(), run, judged=True).path
    if as_json:
        click.echo(json.dumps(gather(folder).to_json()))
    else:
        show(folder)


def show(folder: Path) -> None:
    """Print the summary of a run."""
    from gatewatch.summary import wording
    from gatewatch.summary.facts import gather

    for line in wording.lines(gather(folder)):
        click.echo(line)
