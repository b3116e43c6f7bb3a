"""`gatewatch targets`: look at the built-in target lists, and check lists of one's own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from gatewatch.cli.cables import cables
from gatewatch.cli.pull import pull

if TYPE_CHECKING:
    from gatewatch_targets import Problem, ReadResult, Target

# Wide enough for nearly all addresses of the lists; a longer one pushes its own line out and no other.
_URL_WIDTH = 48


@click.group()
def targets() -> None:
    """Target lists: what is in them, and whether one's own can be read; cables and who owns them."""


targets.add_command(cables)


@targets.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_(as_json: bool) -> None:
    """Show the built-in lists with counts by risk tier and category."""
    import gatewatch_targets as data

    rows = [_counts(name, data.load(name)) for name in data.BUILTIN]
    if as_json:
        click.echo(json.dumps({"lists": rows}))
        return
    for row in rows:
        risks = ", ".join(f"{count} {risk}" for risk, count in row["risk"].items())
        click.echo(f"{row['name']}: {row['targets']} targets ({risks}), {row['controls']} of them controls")
        click.echo("  " + "  ".join(f"{code} {count}" for code, count in row["category"].items()))


def _counts(name: str, entries: tuple[Target, ...]) -> dict[str, Any]:
    from gatewatch_targets.model import RISKS

    risks = Counter(entry.risk for entry in entries)
    return {
        "name": name,
        "targets": len(entries),
        "controls": sum(entry.control for entry in entries),
        "risk": {risk: risks[risk] for risk in RISKS},
        "category": dict(Counter(entry.category for entry in entries).most_common()),
    }


def _category_codes(context: click.Context, option: click.Parameter, codes: tuple[str, ...]) -> set[str]:
    """Check the codes given, reading the table only when there are any."""
    from gatewatch_targets import categories

    known = categories()
    if unknown := [code for code in codes if code.upper() not in known]:
        raise click.BadParameter(f"{unknown[0]!r} is not one of {', '.join(known)}")
    return {code.upper() for code in codes}


@targets.command("show")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--category", multiple=True, callback=_category_codes, help="Only this category; repeatable.")
@click.option(
    "--risk", multiple=True, type=click.Choice(["low", "medium", "high"]), help="Only this tier; repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(names: tuple[str, ...], category: set[str], risk: tuple[str, ...], as_json: bool) -> None:
    """Show the targets of lists joined: built-in names, files, or - for standard input."""
    from gatewatch.cli import known
    from gatewatch_targets import DataError, printable, resolve_names

    try:
        result = resolve_names(known.lists(names))
    except DataError as error:
        raise _Unusable(str(error)) from None
    shown = [
        target
        for target in result.targets
        if (not category or target.category in category) and (not risk or target.risk in risk)
    ]
    _tell(result.problems)
    if as_json:
        # JSON escapes what is not ASCII, so nothing in it can reach a terminal as a command.
        click.echo(json.dumps({"targets": [asdict(target) for target in shown]}))
    else:
        for target in shown:
            mark = "control" if target.control else target.expectation
            line = f"{target.url:<{_URL_WIDTH}} {target.category:<5} {target.risk:<6} {mark:<12} {target.why}"
            click.echo(printable(line.rstrip()))
    raise SystemExit(_exit_code(result))


@targets.command("check")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--live", is_flag=True, help="Ask test helpers whether the sites are alive or parked.")
@click.option("--helper", multiple=True, metavar="URL", help="Ask this helper instead; repeatable.")
@click.option("--lab", metavar="SCENARIO:ISP", help="With --live: ask in the lab, not on the internet.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(
    files: tuple[str, ...], live: bool, helper: tuple[str, ...], lab: str | None, as_json: bool
) -> None:
    """Check lists, and name each bad line with file, line and field.

    With --live, files may be built-in or fetched lists, too, and test helpers are asked about every site; the
    report suggests and deletes nothing.

    Exit code 0: every line is good (with --live: something is known of every site); 1: some are bad (or not
    known); 2: a file has no usable line; 4: no network, or no helper answered.
    """
    if live:
        raise SystemExit(_live(files, helper, lab, as_json))
    from gatewatch_targets import DataError, ReadResult, printable, read

    report = []
    worst = 0
    for file in files:
        try:
            result = read(file)
        except DataError as error:
            result = ReadResult((), (error.problem,))
        worst = max(worst, _exit_code(result))
        report.append(
            {
                "file": file,
                "targets": len(result.targets),
                "problems": [asdict(problem) for problem in result.problems],
            }
        )
        _tell(result.problems)
        if not as_json:
            bad, notes = len(result.errors), len(result.problems) - len(result.errors)
            click.echo(printable(f"{file}: {len(result.targets)} targets, {bad} errors, {notes} notes"))
    if as_json:
        click.echo(json.dumps({"files": report}))
    raise SystemExit(worst)


def _live(names: tuple[str, ...], helpers: tuple[str, ...], lab: str | None, as_json: bool) -> int:
    from gatewatch.cli import known, liveness, options
    from gatewatch_targets import DataError, resolve_names

    try:
        result = resolve_names(known.lists(names))
    except DataError as error:
        raise _Unusable(str(error)) from None
    _tell(result.problems)
    if not result.targets:
        return 2
    return liveness.check(result.targets, options.checked_helpers(helpers), lab, as_json)


def _exit_code(result: ReadResult) -> int:
    if not result.targets:
        return 2
    return 1 if result.errors else 0


def _tell(problems: Iterable[Problem]) -> None:
    for problem in problems:
        click.echo(f"{problem} (note)" if problem.severity == "note" else str(problem), err=True)


targets.add_command(pull)


class _Unusable(click.ClickException):
    """A list cannot be read at all."""

    exit_code = 2
