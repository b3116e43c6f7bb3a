"""`gatewatch results upload`: send what was measured to whom it was meant for, where that was configured."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatewatch import cli
from gatewatch.cli import start

if TYPE_CHECKING:
    from gatewatch.unattended.duty import Delivered
    from gatewatch.upload.config import Destination
    from gatewatch.upload.deliver import Clock, Result

_WITHIN = 600.0
_CONFIG = "--upload-config"


def config_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option that names the configuration."""
    return click.option(
        _CONFIG,
        type=click.Path(path_type=Path, exists=True, dir_okay=False, resolve_path=True),
        help="Where to upload to.  [default: ~/.config/gatewatch/upload.toml, where there is one]",
    )(command)


@click.command()
@click.option("--to", "names", multiple=True, metavar="NAME", help="Only to this destination; repeatable.")
@config_option
@click.option("--collector", metavar="URL", help="To this OONI-compatible collector, without configuration.")
@click.option("--store", metavar="URL", help="To this folder: s3://, sftp://, webdav+https://, file://, ...")
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="GATEWATCH_RESULTS",
    help="Where runs lie.  [env: GATEWATCH_RESULTS; default: ~/.local/share/gatewatch/runs]",
)
@click.option(
    "--within", type=click.FloatRange(1), default=_WITHIN, show_default=True, help="Seconds to try for."
)
@click.option("--due", "only_due", is_flag=True, help="For cron: leave alone who failed a short while ago.")
@click.option("--again", is_flag=True, help="Send once more what a collector refused.")
@click.option("--list", "only_list", is_flag=True, help="Show what waits, and send nothing.")
@click.option("--quiet", "-q", is_flag=True, help="Say nothing but what is wrong.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def upload(
    names: tuple[str, ...],
    upload_config: Path | None,
    collector: str | None,
    store: str | None,
    root: Path | None,
    within: float,
    only_due: bool,
    again: bool,
    only_list: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Upload what waits, to where upload.toml says; without that, or an option, nothing is ever uploaded.

    What cannot be delivered now waits, for a month if need be: call this again, or let cron do so. Each
    measurement arrives under a uid of its own, so that nobody counts it twice.
    """
    from gatewatch.net.bounded import Unfinished
    from gatewatch.store import Locked, StoreFull, default_root

    root = root or default_root()
    wanted = chosen(upload_config, names, collector, store)
    if not wanted:
        if only_due:
            return
        raise click.UsageError("nothing is configured, so nothing is uploaded; see docs/upload.md")
    try:
        if only_list:
            results = standing(root, wanted)
        else:
            start.to_the_network()
            told = _silent if quiet or as_json else _say
            results = delivered(root, wanted, within=within, only_due=only_due, again=again, told=told)
    except Locked:
        click.echo("Another upload is going on.", err=True)
        sys.exit(cli.LOCKED)
    except (StoreFull, OSError, Unfinished) as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(json.dumps({"destinations": [row(result) for result in results]}))
    else:
        for result in results:
            if not quiet or result.waiting.refused:
                click.echo(_told(result), err=quiet)
    sys.exit(_code(results, only_due or only_list))


def chosen(
    config: Path | None, names: Sequence[str] = (), collector: str | None = None, store: str | None = None
) -> list[Destination]:
    """Give the destinations that were asked for; raises click.UsageError."""
    from gatewatch.upload import config as configured
    from gatewatch.upload.filesystem import missing
    from gatewatch_targets import DataError

    try:
        if collector or store:
            found = [configured.collector(collector)] if collector else []
            found += [configured.store(store)] if store else []
        else:
            found = configured.destinations(config)
    except (DataError, OSError) as error:
        raise click.UsageError(str(error)) from None
    if any(each.options for each in found) and configured.readable_by_others(config):
        click.echo("upload.toml holds options, and others may read it: chmod 600", err=True)
    if unknown := set(names) - {each.name for each in found}:
        raise click.UsageError(f"no destination {min(unknown)!r} in upload.toml")
    wanted = [each for each in found if not names or each.name in names]
    if why := next(filter(None, map(missing, wanted)), ""):
        raise click.UsageError(why)
    return wanted


def delivered(
    root: Path,
    wanted: Sequence[Destination],
    *,
    within: float,
    only_due: bool,
    again: bool = False,
    told: Callable[..., None] | None = None,
    clock: Clock | None = None,
) -> list[Result]:
    """Deliver, and come back in time."""
    from gatewatch.net.bounded import bounded
    from gatewatch.upload.deliver import deliver

    return bounded(
        lambda: deliver(
            root,
            wanted,
            within=within,
            only_due=only_due,
            again=again,
            told=told or _silent,
            clock=clock,
        ),
        within,
    )


def standing(root: Path, wanted: Iterable[Destination]) -> list[Result]:
    """Say how it stands, without sending anything."""
    from gatewatch.upload.backoff import Backoff
    from gatewatch.upload.deliver import FOLDER, Result
    from gatewatch.upload.spool import waiting

    return [
        Result(each, 0, 0, waiting(root, each), Backoff.read(root / FOLDER / f"{each.key}.json"))
        for each in wanted
    ]


def unattended(
    root: Path, wanted: Sequence[Destination], within: float, clock: Clock | None = None
) -> Delivered:
    """Deliver for an unattended run, and say for its status file how it stands."""
    from gatewatch.net.bounded import Unfinished
    from gatewatch.store import Locked
    from gatewatch.unattended.duty import Delivered

    try:
        results = delivered(root, wanted, within=within, only_due=True, clock=clock)
    except (Locked, Unfinished):
        results = standing(root, wanted)
    counts = [result.waiting for result in results]
    return Delivered(
        stored=sum(result.stored for result in results),
        # What waits for two waits twice; the bytes of its runs are there once.
        waiting=sum(count.measurements for count in counts),
        waiting_bytes=max((count.bytes for count in counts), default=0),
        oldest=min((count.oldest for count in counts if count.oldest), default=None),
        destinations=[row(result) for result in results],
    )


def row(result: Result) -> dict[str, Any]:
    """Give how it stands with a destination, for machines: without its address, which may be private."""
    count, health = result.waiting, result.health
    return {
        "name": result.destination.name,
        "stored": result.stored,
        "waiting": count.measurements,
        "waiting_bytes": count.bytes,
        "waiting_runs": count.runs,
        "oldest": count.oldest,
        "refused": count.refused,
        "doubtful": count.doubtful,
        "failures": health.failures,
        "trouble": health.trouble or None,
        "next_try": _time(health.not_before) if health.failures else None,
        "last_stored": _time(health.last_stored) if health.last_stored else None,
    }


def _time(seconds: float) -> str:
    from gatewatch.unattended.log import TIME

    return datetime.fromtimestamp(seconds, UTC).strftime(TIME)


def _code(results: Iterable[Result], waiting_is_fine: bool) -> int:
    for result in results:
        if result.waiting.refused or (result.waiting.measurements and not waiting_is_fine):
            return cli.PARTIAL
    return cli.DONE


def _silent(*_: Any) -> None:
    return


def _say(destination: Destination, answer: Any, count: int) -> None:
    if answer.kind != "stored":
        from gatewatch_targets import printable

        what = "refused" if count else "not now"
        click.echo(printable(f"{destination.name}: {what}: {answer.why}"), err=True)


def _told(result: Result) -> str:
    from gatewatch_targets import printable

    count = result.waiting
    text = f"{result.destination.name}: {result.stored} stored, {count.measurements} waiting"
    if count.oldest:
        text += f" since {count.oldest}"
    if count.refused:
        text += f", {count.refused} refused"
    if result.health.failures:
        text += f"; {result.health.trouble}; next try {_time(result.health.not_before)}"
    return printable(text)
