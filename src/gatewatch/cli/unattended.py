"""`gatewatch run --unattended`: options, consent, and what is left to say to whoever reads cron's mail."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatewatch import cli
from gatewatch.cli import start, upload
from gatewatch.cli.options import Options
from gatewatch.schedule.job import EVERY

if TYPE_CHECKING:
    from gatewatch.consent import Consent
    from gatewatch.runner.observer import Observer
    from gatewatch.runner.session import Outcome, Session
    from gatewatch.unattended.duty import Clock, Delivered
    from gatewatch.upload.config import Destination

# Budgets where none are given.  The two largest lists with bodies make some 200 MB and take an hour at the
# usual rate; a line that is down holds a run up for as long as it is.
_MOST_TIME = 4 * 3600.0
_MOST_BYTES = 1_000_000_000
# Long enough for two thousand measurements over a slow line, and over before an hourly schedule's next run.
_UPLOAD_TIME = 900.0


@dataclass(frozen=True, slots=True)
class Unattended:
    """The options that only an unattended run has; see the command's help."""

    unattended: bool
    jitter: float
    every: str | None
    ping: str
    keep_days: float | None
    keep_bytes: int | None
    upload_config: Path | None
    upload_time: float


def _pinged(_context: click.Context, _option: click.Parameter, url: str) -> str:
    from gatewatch.unattended.ping import checked

    try:
        return checked(url) if url else ""
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


_OPTIONS = (
    click.option(
        "--unattended", is_flag=True, help="Nobody watches: lock, log, status file; see docs/cron.md."
    ),
    click.option(
        "--jitter",
        type=click.FloatRange(0, 86_400),
        default=0.0,
        help="Unattended: wait up to so many seconds first.",
    ),
    click.option(
        "--every",
        type=click.Choice(list(EVERY)),
        help="Unattended: how often, for the status file's next_due.",
    ),
    click.option(
        "--ping",
        default="",
        metavar="URL",
        envvar="GATEWATCH_PING",
        callback=_pinged,
        help="Unattended: fetch URL when done, URL/start, URL/fail.  [env: GATEWATCH_PING]",
    ),
    click.option("--keep-days", type=click.FloatRange(0), help="Unattended: delete runs older than this."),
    click.option(
        "--keep-bytes",
        type=click.IntRange(0),
        help="Unattended: delete the oldest runs beyond so many bytes.",
    ),
    upload.config_option,
    click.option(
        "--upload-time",
        type=click.FloatRange(0),
        default=_UPLOAD_TIME,
        help="Unattended: upload for so many seconds at most.",
    ),
)


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of an unattended run."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def parted(given: Mapping[str, Any]) -> tuple[Options, Unattended]:
    """Part what `gatewatch run` was given."""
    own = {field.name for field in fields(Unattended)}
    alone = Unattended(**{key: value for key, value in given.items() if key in own})
    asked = (alone.jitter, alone.every, alone.keep_days, alone.keep_bytes, alone.upload_config)
    if not alone.unattended and any(value not in (None, 0.0) for value in asked):
        raise click.UsageError("--jitter, --every, --keep-... and --upload-config belong to --unattended")
    return Options(**{key: value for key, value in given.items() if key not in own}), alone


def session(chosen: Options) -> Session:
    """Prepare such a run; leaves where the version of a text that it needs is not among the options.

    What is on file is a person's own, and does not count here.
    """
    from gatewatch.cli import prepare, tiers
    from gatewatch.cli.run import ENVIRONMENT
    from gatewatch.consent import GENERAL, MEDIUM, locating
    from gatewatch.runner.probes import consents

    if not chosen.lab and ENVIRONMENT not in os.environ:
        _named(GENERAL, chosen.consent)
    prepared = prepare.session(chosen)
    if prepared.surroundings.lab is None:
        if tiers.above_low(prepared, chosen):
            _named(MEDIUM, chosen.medium_consent)
        if consents(prepared.probes.values()):
            _named(locating(chosen.most_triggers, chosen.most_targets), chosen.locate_consent)
    return prepared


def _named(consent: Consent, version: str | None) -> None:
    if version == consent.version:
        return
    if version:
        click.echo(f"The consent text is now version {consent.version}, not {version}.", err=True)
    else:
        click.echo(
            f"An unattended run needs the version of the consent text. To read it: gatewatch consent --show "
            f"--consent-version {consent.version}; then add {consent.option} {consent.version}",
            err=True,
        )
    sys.exit(cli.NO_CONSENT)


@dataclass(frozen=True, slots=True)
class Machine:
    """What an unattended run goes on: time, how a session is held, what delivers; a rehearsal has its own."""

    clock: Clock
    hold: Callable[[Session, Observer], Outcome]
    deliver: Callable[[Path, Sequence[Destination], float], Delivered]


def run(chosen: Options, alone: Unattended, machine: Machine | None = None) -> int:
    """Make one unattended run; gives the exit code.  Quiet unless something is wrong."""
    from gatewatch.cli.run import code_of, into_lab
    from gatewatch.runner.session import conduct
    from gatewatch.unattended.duty import Clock, Duty, Orders
    from gatewatch.upload.spool import may_go

    machine = machine or Machine(Clock(), conduct, upload.unattended)
    if "-" not in chosen.targets:
        # Whatever would ask somebody finds nobody, at a terminal too.
        sys.stdin = io.StringIO()
    chosen = replace(
        chosen,
        quiet=True,
        max_time=chosen.max_time or _MOST_TIME,
        max_bytes=chosen.max_bytes or _MOST_BYTES,
    )
    if chosen.lab:
        into_lab(chosen)
    prepared = session(chosen)
    wanted = upload.chosen(alone.upload_config)
    signal.signal(signal.SIGTERM, _stop)
    orders = Orders(
        root=prepared.root,
        codes={state: code_of(state) for state in ("done", "no_network", "locked")},
        otherwise=cli.PARTIAL,
        jitter=alone.jitter,
        every_hours=EVERY[alone.every] if alone.every else None,
        keep_days=alone.keep_days,
        keep_bytes=alone.keep_bytes,
        ping=alone.ping,
        deliver=(lambda: machine.deliver(prepared.root, wanted, alone.upload_time)) if wanted else None,
        may_go=lambda run: may_go(run, wanted),
        clock=machine.clock,
    )
    start.to_the_network(captures=prepared.deep or prepared.pcap)
    ended = Duty(orders).do(lambda watching: machine.hold(prepared, watching))
    if chosen.as_json:
        about = {"state": ended.outcome, "reason": ended.reason, "run": ended.run, "exit_code": ended.code}
        click.echo(json.dumps(about))
    if ended.code not in (cli.DONE, cli.LOCKED):
        click.echo(f"gatewatch: {ended.outcome}: {ended.reason}", err=True)
    return ended.code


def _stop(_signal: int, _frame: object) -> None:
    """Let SIGTERM end what Ctrl-C would, so that the status file tells of it."""
    raise KeyboardInterrupt
