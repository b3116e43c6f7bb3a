"""gatewatch doctor: this machine and its line, before measuring."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import click

from gatewatch import cli
from gatewatch.cli import colours, speaking, start
from gatewatch.words import count, layout, say

if TYPE_CHECKING:
    from gatewatch.cli.checks.check import Check


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@speaking.option
def doctor(as_json: bool) -> None:
    """Look at this machine and its line: what works, what does not, and what to do about it.

    Sends a few packets to public resolvers and connectivity pages, once you have agreed (gatewatch consent);
    asks for no site.
    """
    from gatewatch.cli.checks import data, line, machine
    from gatewatch.cli.run import ENVIRONMENT
    from gatewatch.consent import GENERAL, standing

    speaking.writable()
    # In the lab nothing leaves this machine.
    agreed = standing(GENERAL).good or ENVIRONMENT in os.environ
    # What this user may do is found out while it may be done; how a run would fare, as a run does it: without
    # any capability.
    able, others = machine.able(), [machine.consent_kept(), *data.checks()]
    start.to_the_network()
    rows = [*line.checks(agreed=agreed), *able, *machine.room(), *others]
    if as_json:
        click.echo(json.dumps({"checks": [row.to_json() for row in rows], "consent": agreed}))
    else:
        for row in rows:
            _print(row)
        _conclude([row for row in rows if not row.ok])
    if any(not row.ok and row.what.english in line.NEEDED for row in rows):
        sys.exit(cli.NO_NETWORK)
    if any(not row.ok and row.what.english in machine.NEEDED for row in rows):
        sys.exit(cli.PARTIAL)


def _print(row: Check) -> None:
    sign = colours.good("ok") if row.ok else colours.bad("!!")
    click.echo(f"{sign}  " + layout.filled(f"{row.what}: {row.finding}", rest="    "))
    if not row.ok and row.advice is not None:
        click.echo(layout.filled(str(row.advice), "    "))


def _conclude(wrong: list[Check]) -> None:
    click.echo()
    if wrong:
        click.echo(count("{n} thing to look at, above.", "{n} things to look at, above.", len(wrong)))
    else:
        click.echo(say("All is well."))
