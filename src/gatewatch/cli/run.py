"""gatewatch run: measure targets and keep the results."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from gatewatch import cli
from gatewatch.cli import prepare
from gatewatch.cli.options import Options, options

if TYPE_CHECKING:
    from gatewatch.runner.plan import Plan
    from gatewatch.runner.probes import Probe
    from gatewatch.runner.session import Outcome, Session


# Set by the lab's kernel attachment (gatewatch.lab.rehearse): the command runs inside it.
ENVIRONMENT = "GATEWATCH_LAB"


@click.command()
@options
def run(**given: Any) -> None:
    """Measure targets and keep the results.

    Without --targets, the global list and the list of --country are measured.
    """
    chosen = Options(**given)
    if chosen.lab:
        _into_lab(chosen)
    if not chosen.plan_only and not chosen.lab and ENVIRONMENT not in os.environ:
        _ready(chosen.consent)
    session = prepare.session(chosen)
    if chosen.plan_only:
        _show_plan(session.plan, session.probes, session.rate, chosen.as_json)
        return
    outcome = _conduct(session, chosen)
    code = {"done": cli.DONE, "no_network": cli.NO_NETWORK}.get(outcome.state, cli.PARTIAL)
    sys.exit(code)


def _ready(consent: str | None) -> None:
    """See that there is a way out (nothing is sent for that) and that there is consent."""
    from gatewatch.cli.consent import given
    from gatewatch.runner.line import Look, has_route

    if not has_route():
        click.echo(Look(route=False).reason, err=True)
        sys.exit(cli.NO_NETWORK)
    if not given(consent):
        sys.exit(cli.NO_CONSENT)


def _into_lab(chosen: Options) -> None:
    """Start this very command again inside the kernel's namespaces, when those are to be used."""
    from gatewatch.lab import kernel, rehearse

    try:
        attach, why = rehearse.choose(chosen.attach)  # type: ignore[arg-type] # click checked the choice
    except rehearse.NoLab as error:
        raise click.UsageError(str(error)) from None
    if not chosen.quiet:
        click.echo(why, err=True)
    if attach == "memory":
        return
    scenario, isp = prepare.lab_names(chosen)
    arguments = list(sys.argv[1:])
    for flag in ("--lab", "--attach"):
        arguments = _without(arguments, flag)
    gatewatch = [sys.executable, "-m", "gatewatch", *arguments]
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


def _show_plan(plan: Plan, probes: Mapping[str, Probe], rate: float, as_json: bool) -> None:
    from gatewatch_targets import printable

    hosts = {item.target.host for item in plan.items}
    size = sum(probes[item.probe].typical_bytes for item in plan.items)
    about = {"items": len(plan.items), "hosts": len(hosts), "bytes": size}
    about["seconds"] = round(len(plan.items) / rate)
    if as_json:
        click.echo(json.dumps({**about, "plan": plan.to_json()}))
        return
    click.echo(
        f"{len(plan.items)} measurements of {len(hosts)} hosts, about {size / 1e6:.1f} MB, "
        f"at least {about['seconds']} s. Nothing has been sent."
    )
    for item in plan.items:
        click.echo(printable(f"{item.probe:<8} {item.target.url}"))


def _conduct(session: Session, chosen: Options) -> Outcome:
    from gatewatch.cli.progress import observer
    from gatewatch.runner.session import conduct
    from gatewatch.store import Locked, StoreFull

    watching = observer(chosen.quiet)
    try:
        outcome = conduct(session, watching)
    except Locked as error:
        click.echo(str(error), err=True)
        sys.exit(cli.LOCKED)
    except StoreFull as error:
        click.echo(str(error), err=True)
        sys.exit(cli.PARTIAL)
    except OSError as error:
        if error.filename is None:
            raise
        raise click.UsageError(f"{error.filename}: {error.strerror}") from None
    finally:
        watching.close()
    if outcome.state != "done":
        click.echo(outcome.reason, err=True)
    about = {
        "state": outcome.state,
        "reason": outcome.reason,
        "folder": str(outcome.folder) if outcome.folder else None,
        "measured": outcome.measured,
        "attach": (session.surroundings.lab or {}).get("attach"),
        "verdicts": dict(watching.labels.most_common()),
    }
    if chosen.as_json:
        click.echo(json.dumps(about))
    elif outcome.folder:
        for label, count in watching.labels.most_common():
            click.echo(f"{count:>6}  {label}")
        click.echo(f"Results: {outcome.folder}", err=True)
    return outcome
