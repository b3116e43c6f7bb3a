"""gatewatch locate: between which two routers a site is cut, said in a few lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatewatch.cli import speaking
from gatewatch.cli.options import Options, others, some
from gatewatch.words import mark, say, worded

if TYPE_CHECKING:
    from gatewatch.records import Box, Locus
    from gatewatch.store import RunInfo

_PLACES = {
    "access": mark("It is cut inside the network of your own provider."),
    "domestic-shared": mark("It is cut inside the country, beyond the network of your own provider."),
    "border": mark("It is cut at the border of the country."),
    "foreign": mark("It is cut abroad."),
    "endpoint": mark("It is cut at the site's own server, or right before it."),
    "unknown": mark("It is cut on the way; in whose network cannot be told."),
}


@click.command()
@click.argument("url", nargs=-1)
@click.option(
    "--from",
    "found_by",
    metavar="RUN",
    help="Locate what an earlier run found blocked, on its line: its id, the beginning of it, a path, or "
    '"latest".',
)
@some(
    *("--country", "--asn", "--isp", "--network-type", "--seed", "--root", "--plan", "--consent"),
    *("--locate-consent", "--most-triggers", "--most-targets", "--prefixes", "--deep", "--pcap"),
    "--reply-ttl",
    *("--lab", "--attach", "--plain", "--quiet", "--json"),
)
@speaking.option
def locate(url: tuple[str, ...], found_by: str | None, **given: Any) -> None:
    """Find the link on which each URL meets interference, or say why it cannot be told.

    The forbidden name is sent up to a dozen times for each, which needs a consent of its own.  To stop it,
    press Ctrl-C, or create the file `stop` in ~/.local/state/gatewatch: it is looked at before every trigger.
    """
    from gatewatch.cli.progress import observer
    from gatewatch.cli.results import find
    from gatewatch.cli.run import agreed, code, held
    from gatewatch.store import default_root
    from gatewatch.summary.reasons import reason

    context = click.get_current_context()
    urls = url
    if found_by:
        run = find(given["root"] or default_root(), found_by, judged=True)
        _same_lab(run, given["lab"])
        urls += _blocked(run.path)
        given |= _line(run, context)
        if not urls:
            _nothing(as_json=given["as_json"])
            return
    if not urls:
        raise click.UsageError("nothing to locate: name a URL, or a run that found some blocked (--from)")
    given = {**others(context.command), **given}
    # Whoever names a site here has chosen it, whatever its tier.
    given |= {"probe": ("locate",), "traces": 0, "risk": "high"}
    chosen = Options(urls=urls, **given)
    session = agreed(chosen)
    if session is None:
        return
    outcome = held(session, observer(session.plan, quiet=chosen.quiet, plain=chosen.plain))
    rows = list(_found(outcome.folder)) if outcome.folder else []
    skipped = _skipped(outcome.folder) if outcome.folder else []
    if chosen.as_json:
        about = {"state": outcome.state, "reason": outcome.reason, "skipped": skipped}
        folder = str(outcome.folder) if outcome.folder else None
        located = [{"input": where, "verdict": said, **_plain(locus)} for where, said, locus in rows]
        click.echo(json.dumps({**about, "folder": folder, "located": located}))
    else:
        for where, _, locus in rows:
            click.echo(describe(where, locus))
            click.echo(f"  {plainly(locus)}")
        for where, box in _boxes(outcome.folder) if outcome.folder else ():
            click.echo(_print_of(where, box))
        for why in skipped:
            click.echo(say("Not located: {why}", why=reason(why)))
    sys.exit(code(outcome))


def _same_lab(run: RunInfo, place: str | None) -> None:
    """See that what a rehearsal found blocked is looked for in its own lab, and never on the internet."""
    from gatewatch.cli import prepare
    from gatewatch.lab import rehearse
    from gatewatch.store.files import read_json
    from gatewatch.store.folder import RUN

    try:
        begun = read_json(run.path / RUN).get("lab")
    except (OSError, ValueError, AttributeError):
        # As where a run is resumed: lost with the disk.
        return
    if not begun:
        return
    found = None if place else rehearse.inside()
    prepare.same_lab(begun, prepare.place(place) if place else found[0].lab if found else None)


def _line(run: RunInfo, context: click.Context) -> dict[str, Any]:
    """What a run says of its line, where nothing else is said now: what it found belongs to that line."""
    from gatewatch_targets.text import COUNTRY

    if not COUNTRY.fullmatch(str(run.vantage.get("country"))):
        # Somebody's file that is none of ours.
        return {}
    default = click.core.ParameterSource.DEFAULT
    kinds = {"country": str, "asn": int, "isp": str, "network_type": str}
    return {
        name: value
        for name, kind in kinds.items()
        if isinstance(value := run.vantage.get(name), kind) and context.get_parameter_source(name) is default
    }


def _nothing(*, as_json: bool) -> None:
    if as_json:
        about = {"state": "done", "reason": "Nothing looked blocked.", "skipped": []}
        click.echo(json.dumps({**about, "folder": None, "located": []}))
    else:
        click.echo(say("Nothing looked blocked."))


def _blocked(run: Path) -> tuple[str, ...]:
    """The addresses that a run found blocked."""
    from gatewatch.store import read
    from gatewatch.store.lines import measured

    found = []
    for line in read(run):
        record = measured(line) or {}
        verdict = record.get("x_gatewatch_verdict")
        if (
            isinstance(verdict, dict)
            and verdict.get("status") == "blocked"
            and _is_address(record.get("input"))
        ):
            found.append(str(record["input"]))
    return tuple(dict.fromkeys(found))


def _is_address(text: object) -> bool:
    """Whether somebody's file gives a web address here, and not just anything."""
    from gatewatch_targets.url import UrlError, parse

    try:
        return isinstance(text, str) and bool(parse(text))
    except UrlError:
        return False


def _found(folder: Path) -> Iterator[tuple[str, str, Locus]]:
    from gatewatch.records import Locus, decode
    from gatewatch.store import read
    from gatewatch.store.lines import measured

    for line in read(folder):
        record = measured(line)
        if record is None or record.get("test_name") != "locate":
            continue
        label = (record.get("x_gatewatch_verdict") or {}).get("label", "")
        for row in record["test_keys"].get("x_gatewatch_locate", ()):
            yield str(record["input"]), label, decode(Locus, row)[0]


def _boxes(folder: Path) -> Iterator[tuple[str, Box]]:
    """What deep mode saw of the filters."""
    from gatewatch.records import Box, decode
    from gatewatch.store import read
    from gatewatch.store.lines import measured

    for line in read(folder):
        record = measured(line) or {}
        for row in (record.get("test_keys") or {}).get("x_gatewatch_box", ()):
            yield str(record["input"]), decode(Box, row)[0]


def _print_of(where: str, box: Box) -> str:
    from gatewatch.locus.box import said
    from gatewatch_targets import printable

    flags = "/".join(box.flags) or "datagrams"
    habits = f"{box.packets_most} x {flags}, initial TTL {box.initial_ttl}, IP ID {box.ip_id or '?'}"
    return printable(f"{where}: the filter is {said(box)} ({habits}, after {box.delay_least} ms)")


def _skipped(folder: Path) -> list[str]:
    from gatewatch.store.files import read_json
    from gatewatch.store.folder import RUN

    try:
        return [str(row.get("why", "")) for row in read_json(folder / RUN).get("skipped", ())]
    except (OSError, ValueError):
        return []


def _plain(locus: Locus) -> dict[str, Any]:
    """What of a locus answers the question; the whole record lies in the run's folder."""
    from gatewatch.records import encode

    left_out = ("hops", "shots", "residual")
    return {key: value for key, value in encode(locus).items() if key not in left_out}


def describe(where: str, locus: Locus) -> str:
    """Say what was found, in lines for people."""
    from gatewatch_targets import printable

    what = f"{locus.method} to {locus.address} port {locus.port}" + (
        f", as {locus.name}" if locus.name else ""
    )
    cost = f"{locus.triggers} triggers, {locus.controls} controls"
    lines = [f"{where}: {what}"]
    if locus.before is None or locus.after is None:
        why = "" if locus.reason == "no interference seen" else "cannot tell: "
        lines.append(f"  {why}{locus.reason} ({cost})")
        return "\n".join(map(printable, lines))
    near = _end(locus.before, locus.before_address, locus.before_asn, locus.before_country, locus.before_ixp)
    far = _end(locus.after, locus.after_address, locus.after_asn, locus.after_country, locus.after_ixp)
    sure = f"{locus.probability:.1%}" if locus.probability is not None else "?"
    lines.append(f"  {locus.signature} between {near} and {far}")
    lines.append(f"  place: {locus.place} ({locus.place_why}); probability {sure}; {cost}")
    if locus.reset_ttl_least is not None:
        came = f"TTL {locus.reset_ttl}"
        if locus.reset_ttl is None:
            came = f"a TTL from {locus.reset_ttl_least} to {locus.reset_ttl_most}"
        lines.append(
            f"  the resets came with {came}, the server's own packets with {locus.server_ttl or '?'}"
        )
    return "\n".join(map(printable, lines))


def plainly(locus: Locus) -> str:
    """Say where, for people who do not read hops."""
    if locus.before is None or locus.after is None:
        if locus.reason == "no interference seen":
            return say("Nobody interfered this time.")
        return say("The place could not be found.")
    return worded(_PLACES.get(locus.place or "unknown", _PLACES["unknown"]))


def _end(ttl: int, address: str | None, asn: int | None, country: str | None, ixp: str | None) -> str:
    if ttl == 0:
        return "this machine"
    known = [f"AS{asn}" if asn else "", country or "", ixp or ""]
    whose = " ".join(word for word in known if word)
    return f"hop {ttl} ({address or 'silent'}{', ' + whose if whose else ''})"
