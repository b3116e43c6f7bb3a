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
    "gateway": (
        "gatewatch.cli.analyse.gateway:gateway",
        "One gate, one hand, or each ISP by itself? With the evidence, and what would tell.",
    ),
}


@click.group(cls=Door, commands_table=COMMANDS)
@click.option(
    "--cluster",
    metavar="ADDRESS",
    help="Compute on a Dask cluster, by its scheduler's address (tcp://host:8786).",
)
@click.pass_context
def analyse(context: click.Context, cluster: str | None) -> None:
    """Say what measurements mean, from runs, OONI files and traceroutes of others."""
    if cluster is None:
        return
    from gatewatch.cli.analyse import options

    options.needs_pandas()
    try:
        from gatewatch_analysis.scale import cluster as over

        context.with_resource(over(cluster))
    except ModuleNotFoundError as error:
        if error.name != "distributed":
            raise
        message = "A cluster needs Dask: install it with pip install 'gatewatch[analysis,scale]'."
        raise click.UsageError(message) from None
    except (OSError, ValueError) as error:
        raise click.UsageError(f"no cluster answers at {cluster}: {error}") from None
