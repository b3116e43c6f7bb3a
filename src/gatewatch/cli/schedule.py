"""gatewatch schedule: have this machine measure by itself, again and again."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from gatewatch import cli
from gatewatch.cli import upload
from gatewatch.schedule.choose import NAMES
from gatewatch.schedule.job import EVERY, Job, read_time, some_time

if TYPE_CHECKING:
    from gatewatch.cli.unattended import Unattended
    from gatewatch.schedule.system import System

_SYSTEM = click.option("--system", type=click.Choice(NAMES), help="In place of the one found here.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
_ROOT = click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="GATEWATCH_RESULTS",
    help="Where runs are kept.  [env: GATEWATCH_RESULTS; default: ~/.local/share/gatewatch/runs]",
)
# How often what is waiting is tried again, besides after every run.
_UPLOAD_EVERY = "1h"


@click.group()
def schedule() -> None:
    """Have this machine measure by itself, again and again; needs no root."""


@schedule.command(context_settings={"ignore_unknown_options": True})
@click.option("--every", type=click.Choice(list(EVERY)), default="6h", show_default=True, help="How often.")
@click.option("--at", metavar="HH:MM", help="Time of the first start of a day.  [default: by chance]")
@_SYSTEM
@_ROOT
@click.option("--print", "only_print", is_flag=True, help="Show what would be written, and write nothing.")
@_JSON
@click.argument("run_options", nargs=-1, type=click.UNPROCESSED, metavar="[OPTIONS OF gatewatch run]")
def install(
    every: str,
    at: str | None,
    system: str | None,
    root: Path | None,
    only_print: bool,
    as_json: bool,
    run_options: tuple[str, ...],
) -> None:
    """Have `gatewatch run --unattended` called again and again; it takes all further options.

    A systemd timer in your own session, or a line in your crontab where there is no systemd. On macOS and
    Windows a file is written, and the command shown that loads it. What was installed before is replaced.
    """
    from gatewatch.schedule import choose
    from gatewatch.schedule.system import Failed
    from gatewatch.store import default_root

    root = (root or default_root()).absolute()
    try:
        chosen = choose.named(system) if system else choose.best()
        jobs = planned(every, at, root, run_options, own_delay=chosen.name in ("cron", "launchd"))
        written = chosen.written(jobs)
        left = [] if only_print else _install(chosen, jobs, root)
    except (Failed, OSError) as error:
        # A full disk is told by the front door.
        raise _Unusable(str(error)) from None
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        click.echo(json.dumps({"system": chosen.name, "written": dict(written), "left_to_do": left}))
    elif only_print:
        for place, text in written.items():
            click.echo(f"# {place}\n{text}")
    else:
        for place in written:
            click.echo(f"Written: {place}", err=True)
        click.echo(f"Measuring every {every}, by {chosen.name}. gatewatch schedule status shows how it goes.")
        for text in left:
            click.echo(text)


@schedule.command()
@_ROOT
@_JSON
def status(root: Path | None, as_json: bool) -> None:
    """Show what is installed, how the last run went, and whether the next is overdue.

    Exits with 1 where something is wrong: no schedule, a run that failed, or none when one was due.
    """
    from datetime import UTC, datetime

    from gatewatch.schedule import choose
    from gatewatch.store import default_root, held
    from gatewatch.unattended.status import Status, faults
    from gatewatch_targets.text import printable

    root = root or default_root()
    installed = {system.name: places for system, places in choose.everything()}
    last = Status.read(root)
    wrong = faults(last, datetime.now(UTC), going_on=held(root))
    if not installed:
        wrong.insert(0, "nothing is installed")
    if as_json:
        about = last.to_json() if last else None
        click.echo(json.dumps({"installed": installed, "last": about, "wrong": wrong}))
    else:
        for name, places in installed.items():
            click.echo(f"{name}: {', '.join(places)}")
        for text in last.told() if last else ():
            click.echo(printable(text))
        for text in wrong:
            click.echo(printable(f"!!  {text}"))
    sys.exit(cli.PARTIAL if wrong else cli.DONE)


@schedule.command()
@_SYSTEM
@_JSON
def remove(system: str | None, as_json: bool) -> None:
    """Take away what was installed; runs, and what waits to be uploaded, stay."""
    from gatewatch.schedule import choose
    from gatewatch.schedule.system import Failed

    removed: dict[str, list[str]] = {}
    try:
        wanted = [choose.named(system)] if system else [found for found, _ in choose.everything()]
        for one in wanted:
            if gone := one.remove():
                removed[one.name] = gone
    except (Failed, OSError) as error:
        raise _Unusable(str(error)) from None
    if as_json:
        click.echo(json.dumps({"removed": removed}))
        return
    for name, places in removed.items():
        for place in places:
            click.echo(f"Removed from {name}: {place}")
    if not removed:
        click.echo("Nothing was installed.", err=True)


class _Unusable(click.ClickException):
    """The system refused."""

    exit_code = cli.PARTIAL


def planned(
    every: str, at: str | None, root: Path, run_options: Sequence[str], *, own_delay: bool
) -> list[Job]:
    """Give the jobs; raises click.UsageError for options that `gatewatch run` would refuse.

    ``own_delay``: the system puts no start off by chance, so the command itself has to.  Where an upload is
    configured, a second job tries again what waits.
    """
    from gatewatch.upload.config import config_file

    hour, minute, weekday = some_time(every, random.SystemRandom())
    if at:
        hour, minute = read_time(at)
    measure = Job(
        name="gatewatch",
        title="gatewatch: measure",
        argv=("",),
        folder=_folder(run_options),
        writable=(root,),
        every=every,
        hour=hour,
        minute=minute,
        weekday=weekday,
    )
    words = ["--unattended", "--every", every, "--root", str(root), *run_options]
    if own_delay:
        words[3:3] = ["--jitter", str(measure.spread)]
    alone = _checked(words)
    file = alone.upload_config or (config_file() if config_file().is_file() else None)
    wanted = upload.chosen(file)
    if file is None or not wanted:
        return [_with(measure, "run", *words)]
    # Files that are written to on this machine, too.
    local = [Path(urlsplit(each.url).path) for each in wanted if each.url.startswith(("file:", "local:"))]
    writable = (root, *local)
    again = Job(
        name="gatewatch-upload",
        title="gatewatch: upload what waits",
        argv=("",),
        folder=measure.folder,
        writable=writable,
        every=_UPLOAD_EVERY,
        hour=0,
        minute=(minute + 30) % 60,
    )
    named = ("--upload-config", str(file.absolute()))
    if alone.upload_config is None:
        words += named
    return [
        _with(replace(measure, writable=writable), "run", *words),
        _with(again, "results", "upload", "--due", "--quiet", "--root", str(root), *named),
    ]


def _folder(run_options: Sequence[str]) -> Path:
    """Give where to run: here, when a file is named as seen from here."""
    named = [Path(part) for word in run_options for part in (word, word.partition("=")[2]) if part]
    return Path.cwd() if any(not path.is_absolute() and path.exists() for path in named) else Path.home()


def _with(job: Job, *words: str) -> Job:
    # This very interpreter: cron's PATH holds no virtual environment.  -P: what lies in the folder where it
    # runs is no part of it.
    return replace(job, argv=(sys.executable, "-P", "-m", "gatewatch", *words))


def _checked(words: Sequence[str]) -> Unattended:
    """See that `gatewatch run` will take these words, now rather than in the night."""
    from gatewatch.cli.run import run
    from gatewatch.cli.unattended import parted, session

    with run.make_context("gatewatch run", list(words)) as context:
        chosen, alone = parted(context.params)
    if "-" in chosen.targets:
        raise click.UsageError("nobody types a list in the night: name a file in place of --targets -")
    # Lists, probes and all texts; for a plan nobody is asked, and nothing large is read.
    session(replace(chosen, quiet=True, plan_only=True))
    return alone


def _install(system: System, jobs: Sequence[Job], root: Path) -> list[str]:
    # The service may write there, so it has to be there.
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    return system.install(jobs)
