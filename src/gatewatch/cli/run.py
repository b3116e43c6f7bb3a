"""gatewatch run: measure targets and keep the results."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from gatewatch import cli
from gatewatch.cli import heard, planned, prepare, speaking, start, summary, tiers, unattended
from gatewatch.cli.options import Options, options
from gatewatch.words import say, worded

if TYPE_CHECKING:
    from gatewatch.cli.progress import Quiet
    from gatewatch.runner.session import Outcome, Session


# Set by the lab's kernel attachment (gatewatch.lab.rehearse): the command runs inside it.
ENVIRONMENT = "GATEWATCH_LAB"


@click.command()
@options
@unattended.options
def run(**given: Any) -> None:
    """Measure targets and keep the results.

    Without --targets, the global list and the list of --country are measured.
    """
    chosen, alone = unattended.parted(given)
    if alone.unattended and not chosen.plan_only:
        sys.exit(unattended.run(chosen, alone))
    session = agreed(chosen)
    if session is not None:
        sys.exit(code(_conduct(session, chosen)))


def agreed(chosen: Options) -> Session | None:
    """Prepare a session, with all the consent that it needs; None where only its plan was to be shown."""
    from gatewatch.runner.probes import consents

    speaking.writable()
    if chosen.lab:
        into_lab(chosen)
    if not chosen.plan_only and not chosen.lab and ENVIRONMENT not in os.environ:
        _ready(chosen)
    session = prepare.session(chosen)
    if chosen.plan_only:
        planned.show(session, chosen.as_json)
        return None
    if session.surroundings.lab is None:
        tiers.agree_to_medium(session, chosen)
        if consents(session.probes.values()):
            agree_to_locate(chosen)
    return session


def code(outcome: Outcome) -> int:
    """The exit code that says how a session ended."""
    return code_of(outcome.state)


def code_of(state: str) -> int:
    """The exit code of a state; locked is one, too."""
    return {"done": cli.DONE, "no_network": cli.NO_NETWORK, "locked": cli.LOCKED}.get(state, cli.PARTIAL)


def agree_to_locate(chosen: Options) -> None:
    """See that there is consent to locate, or leave."""
    from gatewatch.cli.consent import given, locating

    if not given(chosen.locate_consent, locating(chosen.most_triggers, chosen.most_targets)):
        sys.exit(cli.NO_CONSENT)


def _ready(chosen: Options) -> None:
    """See that there is a way out (nothing is sent for that) and that there is consent."""
    from gatewatch.cli.consent import given
    from gatewatch.runner.line import Look, has_route, has_route6

    if not (has_route() or has_route6()):
        click.echo(worded(Look(route=False).reason), err=True)
        sys.exit(cli.NO_NETWORK)
    if not given(chosen.consent, country=chosen.country.upper()):
        sys.exit(cli.NO_CONSENT)


def into_lab(chosen: Options) -> None:
    """Start this very command again inside the kernel's namespaces, when those are to be used."""
    from gatewatch.lab import kernel, rehearse

    scenario, isp = prepare.lab_names(chosen.lab or "")
    try:
        attach, why = rehearse.choose(chosen.attach)  # type: ignore[arg-type] # click checked the choice
    except rehearse.NoLab as error:
        raise click.UsageError(str(error)) from None
    if not chosen.quiet:
        with heard.perhaps():
            click.echo(str(why), err=True)
    if attach == "memory":
        return
    arguments = list(sys.argv[1:])
    for flag in ("--lab", "--attach"):
        arguments = _without(arguments, flag)
    gatewatch = [sys.executable, "-P", "-m", "gatewatch", *arguments]
    command = kernel.argv(scenario, isp, gatewatch, seed=chosen.seed)
    # In place of this process, so that signals and the exit code are the run's own.
    os.execve(command[0], command, kernel.environment())


def _without(arguments: list[str], flag: str) -> list[str]:
    """Leave an option with its value out of a command line."""
    out: list[str] = []
    skip = False
    for argument in arguments:
        if skip:
            skip = False
        elif argument == flag:
            skip = True
        elif not argument.startswith(f"{flag}="):
            out.append(argument)
    return out


def held(session: Session, watching: Quiet) -> Outcome:
    """Hold a session; what prevents it is said, and ends the process with its exit code."""
    from gatewatch.runner.session import conduct
    from gatewatch.store import Locked, StoreFull

    start.to_the_network(captures=session.deep or session.pcap)
    try:
        outcome = conduct(session, watching)
    except Locked:
        lock = str(session.root / ".lock")
        click.echo(say("Another measurement is going on; it holds {file}", file=lock), err=True)
        sys.exit(cli.LOCKED)
    except StoreFull as error:
        click.echo(say("There is no room for results: {why}", why=str(error)), err=True)
        sys.exit(cli.PARTIAL)
    except OSError as error:
        if error.filename is None:
            raise
        raise click.UsageError(f"{error.filename}: {error.strerror}") from None
    finally:
        watching.close()
    if outcome.state != "done":
        with heard.perhaps():
            click.echo(worded(outcome.reason), err=True)
    return outcome


def _conduct(session: Session, chosen: Options) -> Outcome:
    from gatewatch.cli.progress import observer

    watching = heard.Perhaps(lambda: observer(session.plan, quiet=chosen.quiet, plain=chosen.plain))
    outcome = held(session, watching)
    about = {
        "state": outcome.state,
        "reason": outcome.reason,
        "folder": str(outcome.folder) if outcome.folder else None,
        "measured": outcome.measured,
        "attach": (session.surroundings.lab or {}).get("attach"),
        "verdicts": dict(watching.labels.most_common()),
    }
    with heard.perhaps():
        if chosen.as_json:
            click.echo(json.dumps(about))
        elif outcome.folder and not chosen.quiet:
            summary.show(outcome.folder)
    return outcome
