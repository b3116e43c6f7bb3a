"""The options of gatewatch run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click

from gatewatch.cli import signs, speaking
from gatewatch.net.restraint import MOST_TARGETS, MOST_TRIGGERS, TARGETS, TRIGGERS

# Gentle by default: five new targets a second is what a browser does when it opens a page.
RATE = 5.0
TRACES = 5
_RISK = click.Choice(["low", "medium", "high"])
_NETWORK = click.Choice(["fixed", "mobile", "wifi", "unknown"])
_ATTACH = click.Choice(["auto", "kernel", "memory"])
_FOLDER = click.Path(path_type=Path, file_okay=False)
_ROOT = "Where runs are kept.  [env: GATEWATCH_RESULTS; default: ~/.local/share/gatewatch/runs]"
_RUN = click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True)


@dataclass(frozen=True)
class Options:
    """The command's options; see its help."""

    targets: tuple[str, ...]
    probe: tuple[str, ...]
    risk: str | None
    high: tuple[str, ...]
    limit: int | None
    traces: int
    rate: float | None
    seed: int | None
    max_time: float | None
    max_bytes: int | None
    country: str
    asn: int
    isp: str
    network_type: str
    helper: tuple[str, ...]
    domestic_helper: tuple[str, ...]
    no_helper: bool
    fingerprints: tuple[str, ...]
    root: Path | None
    resume: Path | None
    plan_only: bool
    consent: str | None
    medium_consent: str | None
    locate_consent: str | None
    most_triggers: int
    most_targets: int
    prefixes: Path | None
    deep: bool
    pcap: bool
    reply_ttl: bool
    lab: str | None
    attach: str
    plain: bool
    quiet: bool
    as_json: bool
    #: Addresses named one by one, in place of lists.
    urls: tuple[str, ...] = ()


class _Option:
    """A decorator that gives a command one option, and knows the option's name."""

    def __init__(self, *names: str, **more: Any) -> None:
        self.name = names[0]
        self._give = click.option(*names, **more)

    def __call__(self, command: Callable[..., Any]) -> Callable[..., Any]:
        return self._give(command)


def _flag(*names: str, text: str) -> _Option:
    return _Option(*names, is_flag=True, help=text)


def _value(*names: str, text: str, **more: Any) -> _Option:
    return _Option(*names, help=text, **more)


def checked_helpers(given: tuple[str, ...]) -> tuple[str, ...]:
    """Check the URLs of helpers: over plain HTTP anybody on the way could write the control."""
    from gatewatch.net.url import parse

    found = []
    for text in given:
        try:
            url = parse(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
        if url.scheme != "https" and url.host not in ("127.0.0.1", "::1"):
            raise click.BadParameter(f"{text}: a helper must be asked over https")
        found.append(str(url))
    return tuple(found)


_LOCATING = (
    _value(
        "--locate-consent",
        text="For cron: the version of the text on locating agreed to.",
        metavar="VERSION",
    ),
    _value(
        "--most-triggers",
        text="Send a forbidden name at most so often, for each target located.",
        type=click.IntRange(1, MOST_TRIGGERS),
        default=TRIGGERS,
        show_default=True,
    ),
    _value(
        "--most-targets",
        text="Locate at most so many targets.",
        type=click.IntRange(1, MOST_TARGETS),
        default=TARGETS,
        show_default=True,
    ),
    _value(
        "--prefixes",
        text="A CSV file prefix,asn,country,name[,ixp] that says whose hops are.  [default: prefixes.csv in "
        "the data folder]",
        type=click.Path(path_type=Path, exists=True, dir_okay=False, resolve_path=True),
    ),
    _flag("--deep", text="Capture the packets of what is located (CAP_NET_RAW): who injects, and how."),
    _flag("--pcap", text="Keep them, scrubbed, as evidence in the run's folder; implies --deep."),
    _flag(
        "--reply-ttl", text="Spend what is left of the triggers on the TTL of resets (no privilege needed)."
    ),
)
_OPTIONS = (
    _value("--targets", "-t", text="A built-in list, a file, or - (stdin).", multiple=True, metavar="LIST"),
    _value("--probe", "-p", text="A probe, or a .py file with one.", multiple=True, default=("web",)),
    _value("--risk", text="The highest risk tier.  [default: low; in the lab high]", type=_RISK),
    _value(
        "--high",
        text="Measure this site of high risk, too; repeatable. Others of that tier are asked for one by one.",
        multiple=True,
        metavar="URL",
    ),
    _value("--limit", text="Measure a sample of so many targets.", type=click.IntRange(1)),
    _value(
        "--traces",
        text=f"Trace the way to so many.  [default: {TRACES}]",
        type=click.IntRange(0),
        default=TRACES,
    ),
    _value("--rate", text=f"Starts a second.  [default: {RATE:g}]", type=click.FloatRange(0.01, 1000)),
    _value(
        "--seed",
        text="Shuffle by this seed, to repeat an order; chance in the lab follows it, too.",
        type=int,
    ),
    _value("--max-time", text="End after so many seconds.", type=click.FloatRange(1)),
    _value("--max-bytes", text="End after so many bytes, both ways.", type=click.IntRange(1)),
    _value("--country", text="Country of this line.  [default: ZZ, not known]", default="ZZ", metavar="CC"),
    _value("--asn", text="AS number of this line.", type=click.IntRange(0, 2**32 - 1), default=0),
    _value("--isp", text="Name of the provider.", default=""),
    _value("--network-type", text="Kind of line.", type=_NETWORK, default="unknown"),
    _value(
        "--helper",
        text="URL of a test helper to use instead of OONI's; repeatable.",
        multiple=True,
        callback=lambda _context, _option, given: checked_helpers(given),
    ),
    _value(
        "--domestic-helper",
        text="URL of a test helper inside the country, asked beside the others; repeatable.",
        multiple=True,
        callback=lambda _context, _option, given: checked_helpers(given),
    ),
    _flag("--no-helper", text="Ask no helper; verdicts may then say that there is no control."),
    signs.option,
    _value("--root", text=_ROOT, type=_FOLDER, envvar="GATEWATCH_RESULTS"),
    _value("--resume", text="Go on with a run that was not finished.", type=_RUN, metavar="RUN"),
    _flag("--plan", "plan_only", text="Show what would be sent, and send nothing."),
    _value("--consent", text="For cron: the version of the text agreed to.", metavar="VERSION"),
    _value(
        "--medium-consent",
        text="For cron: the version of the text on sites of medium risk agreed to.",
        metavar="VERSION",
    ),
    *_LOCATING,
    _value("--lab", text="Measure in the lab, not on the internet.", metavar="SCENARIO:ISP"),
    _value("--attach", text="How to attach to the lab.", type=_ATTACH, default="auto"),
    _flag("--plain", text="Show progress in plain lines, also on a terminal."),
    speaking.option,
    _flag("--quiet", "-q", text="Say nothing but what is wrong."),
    _flag("--json", "as_json", text="Print one JSON object."),
)


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command all options of a run."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def some(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command some of the options of a run, by their first names."""

    def give(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(_OPTIONS):
            if isinstance(option, _Option) and option.name in names:
                command = option(command)
        return command

    return give


def others(command: click.Command) -> dict[str, Any]:
    """The values at rest of the options of a run that a command does not have."""
    from gatewatch.cli.run import run

    own = {option.name for option in command.params}
    wanted = {field.name for field in fields(Options)} - own
    return {name: value for name, value in run.make_context("run", []).params.items() if name in wanted}
