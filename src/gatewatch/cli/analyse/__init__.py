"""gatewatch analyse: one command a question, each a thin door to ``gatewatch_analysis``."""

from __future__ import annotations

import click

from gatewatch.cli.door import Door

#: Command, where it is defined, and its line in the overview (so that --help loads none of them).
COMMANDS = {
    "all": (
        "gatewatch.cli.analyse.everything:everything",
        "What is blocked, how, on which ISP, and where its paths leave.",
    ),
    "blocking": (
        "gatewatch.cli.analyse.blocking:blocking",
        "Which domains each ISP blocks, on how many days, since when, and with whom.",
    ),
    "cables": (
        "gatewatch.cli.analyse.cables:cables",
        "What may carry the traffic out of the country, and the chance that it is Chinese.",
    ),
    "events": (
        "gatewatch.cli.analyse.events:events",
        "What changed at known events, and what became of the predictions.",
    ),
    "hosting": (
        "gatewatch.cli.analyse.hosting:hosting",
        "Where a country's services answer from: inside, abroad, or a content network.",
    ),
    "shutdown": (
        "gatewatch.cli.analyse.shutdown:shutdown",
        "When whole networks were silent: some lines, one ISP, or every ISP heard of.",
    ),
}


@click.group(cls=Door, commands_table=COMMANDS)
def analyse() -> None:
    """Say what measurements mean, from runs, OONI files and traceroutes of others."""
