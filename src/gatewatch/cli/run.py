"""gatewatch run: measure targets and keep the results."""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from gatewatch import cli
from gatewatch.cli.options import RATE, Options, options

if TYPE_CHECKING:
    from pathlib import Path

    from gatewatch.runner.about import Vantage
    from gatewatch.runner.plan import Plan
    from gatewatch.runner.probes import Probe
    from gatewatch.runner.session import Outcome, Session
    from gatewatch_targets import Target


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
    session = _session(chosen)
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
    scenario, isp = _lab_names(chosen)
    arguments = list(sys.argv[1:])
    for flag in ("--lab", "--attach"):
        arguments = _without(arguments, flag)
    command = kernel.argv(scenario, isp, [sys.executable, "-m", "gatewatch", *arguments])
    # In place of this process, so that signals and the exit code are the run's own.
    os.execve(command[0], command, kernel.environment())


def _lab_names(chosen: Options) -> tuple[str, str]:
    scenario, colon, isp = (chosen.lab or "").rpartition(":")
    if not colon:
        raise click.UsageError("--lab takes SCENARIO:ISP, such as kh-2024:metfone")
    return scenario, isp


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


def _session(chosen: Options) -> Session:
    from gatewatch.cli.consent import VERSION
    from gatewatch.lab import rehearse
    from gatewatch.lab.decode import ScenarioError
    from gatewatch.runner.about import Vantage
    from gatewatch.runner.campaign import Budget
    from gatewatch.runner.session import Session, Surroundings
    from gatewatch.store import default_root
    from gatewatch_targets import helpers
    from gatewatch_targets.text import COUNTRY

    surroundings, vantage = Surroundings(), None
    if chosen.lab:
        try:
            surroundings, vantage = rehearse.in_memory(*_lab_names(chosen))
        except (ScenarioError, LookupError) as error:
            raise click.UsageError(str(error.args[0])) from None
    elif (found := rehearse.inside()) is not None:
        surroundings, vantage = found
    in_lab = surroundings.lab is not None
    if chosen.resume:
        vantage = _resumed(chosen.resume, surroundings.lab) or vantage
    if vantage is None:
        if not COUNTRY.fullmatch(chosen.country.upper()):
            raise click.UsageError(f"--country takes a two-letter code, such as KH, not {chosen.country!r}")
        vantage = Vantage(chosen.country.upper(), chosen.asn, chosen.isp, chosen.network_type)
    risk = chosen.risk or ("high" if in_lab else "low")
    plan, probes = _plan(chosen, vantage.country, risk)
    rate = chosen.rate or float(plan.settings.get("rate", rehearse.RATE if in_lab else RATE))
    return Session(
        root=chosen.resume.parent if chosen.resume else chosen.root or default_root(),
        plan=plan,
        probes=probes,
        vantage=vantage,
        rate=rate,
        helpers=() if chosen.no_helper else chosen.helper or tuple(h.url for h in helpers()),
        budget=Budget(run=chosen.max_time, total_bytes=chosen.max_bytes),
        consent_version=None if in_lab else VERSION,
        resume=chosen.resume,
        surroundings=surroundings,
    )


def _resumed(folder: Path, lab: Mapping[str, Any] | None) -> Vantage | None:
    """Give the vantage of a run that goes on; it must go on where it was begun, in the lab or outside."""
    from gatewatch.runner.about import Vantage
    from gatewatch.store.files import read_json
    from gatewatch.store.folder import RUN

    try:
        about = read_json(folder / RUN)
        begun, vantage = about.get("lab"), Vantage(**about["vantage"])
    except (OSError, ValueError, LookupError, TypeError):
        # Lost with the disk; the measurements are what counts.
        return None
    if begun and not (lab and all(begun.get(key) == lab[key] for key in ("scenario", "isp"))):
        raise click.UsageError(f"this run was begun with --lab {begun.get('scenario')}:{begun.get('isp')}")
    if lab and not begun:
        raise click.UsageError("this run was begun outside the lab: resume it without --lab")
    return vantage


def _plan(chosen: Options, country: str, risk: str) -> tuple[Plan, dict[str, Probe]]:
    from gatewatch.runner.plan import Plan, make
    from gatewatch.runner.probes import NoSuchProbe, load
    from gatewatch_targets.model import RISKS

    try:
        if chosen.resume:
            plan = Plan.from_json(json.loads((chosen.resume / "plan.json").read_text(encoding="utf-8")))
        else:
            settings = {"rate": chosen.rate} if chosen.rate else {}
            seed = random.SystemRandom().getrandbits(32) if chosen.seed is None else chosen.seed
            targets = _targets(chosen, country, risk, seed)
            plan = make(targets, chosen.probe, seed=seed, settings=settings, traces=chosen.traces)
        probes = {name: load(name) for name in plan.probes}
    except (NoSuchProbe, ValueError, OSError) as error:
        raise click.UsageError(str(error)) from None
    for probe in probes.values():
        # What is resumed was chosen before.
        if not chosen.resume and probe.risk not in RISKS[: RISKS.index(risk) + 1]:
            raise click.UsageError(f"{probe.name} is of risk tier {probe.risk}: choose it with --risk")
    return plan, probes


def _targets(chosen: Options, country: str, risk: str, seed: int) -> list[Target]:
    from gatewatch_targets import BUILTIN, resolve_names, risk_in
    from gatewatch_targets.model import RISKS

    names = chosen.targets or tuple(n for n in ("global", country.lower()) if n in BUILTIN)
    try:
        found = resolve_names(names)
    except (OSError, KeyError) as error:
        raise click.UsageError(str(error)) from None
    for problem in found.errors:
        click.echo(str(problem), err=True)
    allowed = RISKS[: RISKS.index(risk) + 1]
    kept = [t for t in found.targets if risk_in(t, country) in allowed]
    left_out = len(found.targets) - len(kept)
    if left_out and not chosen.quiet:
        click.echo(f"{left_out} targets of a higher risk tier than {risk} are left out.", err=True)
    if not kept:
        raise click.UsageError("no targets to measure")
    if chosen.limit is None or chosen.limit >= len(kept):
        return kept
    # A sample, not the head: lists are sorted by country and category.
    return random.Random(seed).sample(kept, chosen.limit)


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
