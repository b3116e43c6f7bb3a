"""`gatewatch targets cables`: which cables land where, whose they are, who built them, and who says so."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from gatewatch_targets.cables import Cable, Foreign, Known, Role

_LONGEST = 1000
_WIDTH = 96


def _day(context: click.Context, option: click.Parameter, value: str | None) -> date:
    if value is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a day such as 2025-06-13") from None


def _pairs(
    context: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    found = []
    for value in values:
        first, dash, second = value.upper().partition("-")
        if not (dash and len(first) == len(second) == 2 and first.isalpha() and second.isalpha()):
            raise click.BadParameter(f"{value!r} is not a pair of countries such as KH-HK")
        found.append((first, second))
    return tuple(found)


@click.command("cables")
@click.option("--country", multiple=True, metavar="CC", help="Only what lands or crosses there; repeatable.")
@click.option("--on", "on", callback=_day, metavar="DATE", help="Ownership and service as of this day.")
@click.option(
    "--pair",
    "pairs",
    multiple=True,
    callback=_pairs,
    metavar="CC-CC",
    help="Count the systems that join two countries; repeatable.",
)
@click.option(
    "--file",
    "file",
    type=click.Path(exists=True, path_type=Path),
    help="A cable list that you have, whose terms you accepted, instead of the built-in table.",
)
@click.option(
    "--fetched",
    is_flag=True,
    help="The list that `gatewatch update cables-live` fetched, instead of the table.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def cables(
    country: tuple[str, ...],
    on: date,
    pairs: tuple[tuple[str, str], ...],
    file: Path | None,
    fetched: bool,
    as_json: bool,
) -> None:
    """Show cables and land links: dates, landings, owners, builders, operators, sources.

    Unknown is an answer: what no source tells is left out. Exit code 1: entries of a list were put aside.
    """
    from gatewatch_targets.cables import DEFINITION, links, pair_table
    from gatewatch_targets.cables import cables as table

    if file and fetched:
        raise click.UsageError("--file and --fetched are two different lists")
    listed = _read(file) if file else _fetched() if fetched else None
    pool = list(listed.cables) if listed else [*table().values(), *links().values()]
    wanted = {code.upper() for code in country} | {code for pair in pairs for code in pair}
    if nowhere := wanted.difference(*(cable.countries for cable in pool)):
        raise click.UsageError(f"no cable here lands in {', '.join(sorted(nowhere))}")
    if pairs:
        rows = pair_table(pairs, pool)
        if as_json:
            click.echo(json.dumps({"definition": DEFINITION, "pairs": [asdict(row) for row in rows]}))
        else:
            click.echo("pair   systems  with a Chinese owner  HMN-built")
            for row in rows:
                name = f"{row.first}-{row.second}"
                click.echo(f"{name:<6} {row.cables:>7}  {row.chinese_owner:>20}  {row.hmn_built:>9}")
            click.echo()
            _wrapped(DEFINITION, "")
    else:
        shown = [cable for cable in pool if not wanted or wanted & set(cable.countries)]
        if as_json:
            click.echo(json.dumps({"on": on.isoformat(), "cables": [_record(cable, on) for cable in shown]}))
        else:
            for cable in shown:
                _show(cable, on)
    if listed and listed.rejected:
        for problem in listed.rejected:
            click.echo(str(problem), err=True)
        click.echo(f"{len(listed.cables)} cables read, {len(listed.rejected)} entries put aside", err=True)
        raise SystemExit(1)


def _fetched() -> Foreign:
    """Read what `gatewatch update` fetched; the day it is from stands in its name as a source."""
    from gatewatch.update import installed

    if (found := installed("cables-live")) is None:
        raise click.UsageError("no list was fetched: gatewatch update cables-live (read its terms first)")
    about, path = found
    return _read(path, f"{about.name}@{about.date[:10]}")


def _read(file: Path, name: str = "") -> Foreign:
    from gatewatch_targets import DataError
    from gatewatch_targets.cables import read_foreign

    try:
        return read_foreign(file, name)
    except (DataError, OSError) as error:
        raise click.UsageError(str(error)) from None


def _record(cable: Cable, on: date) -> dict[str, Any]:
    """Give everything that is known, dates as texts, and the answers."""
    record: dict[str, Any] = json.loads(json.dumps(asdict(cable), default=str))
    record["works"] = cable.works(on)
    for part, answer in _answers(cable, on):
        record[f"chinese_{part}"] = asdict(answer)
    return record


def _answers(cable: Cable, on: date) -> Iterable[tuple[str, Any]]:
    from gatewatch_targets.cables import chinese_built, chinese_operated, chinese_owned

    yield "owned", chinese_owned(cable, on)
    yield "built", chinese_built(cable)
    yield "operated", chinese_operated(cable, on)


def _show(cable: Cable, on: date) -> None:
    state = {True: "in service", False: "not in service", None: "in service: not known"}[cable.works(on)]
    length = f", {cable.length.value}" if cable.length else ""
    _line(f"{cable.id}: {cable.name} ({cable.kind}{length}; {state} on {on})")
    for label, fact in (
        ("in service", cable.in_service),
        ("retired", cable.retired),
        ("planned for", cable.planned),
        ("on a map of" if cable.kind == "submarine" else "in use in", cable.seen),
    ):
        if fact:
            _line(f"  {label} {fact.value} ({_told(fact)}){_note(fact.note)}")
    for cut in cable.cuts:
        end = f"to {cut.until}" if cut.until else "on, its end is not told"
        _line(f"  cut from {cut.since} {end} ({cut.confidence}; {cut.source}){_note(cut.note)}")
    places = ", ".join(f"{landing.place} {landing.country}" for landing in cable.landings)
    _wrapped(f"lands: {places or 'not known'}{_of(len(cable.landings), cable.landing_count)}")
    for label, roles in (
        (f"owned by{_of(len(cable.owners), cable.owner_count)}", cable.owners),
        ("built by", cable.builders),
        ("operated by", cable.operators),
        ("landed by", cable.parties),
    ):
        _wrapped(f"{label}: {', '.join(_named(role, on) for role in roles) or 'not known'}")
    answers = "; ".join(f"{part}: {answer}" for part, answer in _answers(cable, on))
    _line(f"  Chinese {answers}")
    if cable.note:
        _wrapped(cable.note)
    _wrapped(
        f"sources: {' '.join(dict.fromkeys(key for _, told, _ in cable.facts() for key in told.split()))}"
    )
    click.echo()


def _told(fact: Known[Any]) -> str:
    return f"{fact.confidence}; {fact.source}"


def _note(note: str) -> str:
    return f": {note}" if note else ""


def _of(listed: int, count: Known[int] | None) -> str:
    return f" ({listed} of {count.value} listed)" if count and count.value > listed else ""


def _named(role: Role, on: date) -> str:
    """Give a company with its home and who decides over it on the day."""
    from gatewatch_targets.cables import companies, ultimate

    if (company := companies().get(role.company)) is None:
        return f"{role.company} [?]"
    end = ultimate(role.company, on)
    marks = [company.country.value if company.country else "?"]
    if end.company != role.company:
        marks.append(f"under {companies()[end.company].name} {end.country or '?'}")
    marks += [f"stake of {companies()[stake.company].name}" for stake in end.stakes]
    place = f" at {role.place}" if role.place else ""
    doubt = " (doubtful)" if role.confidence == "low" else ""
    return f"{company.name} [{', '.join(marks)}]{place}{doubt}"


def _line(text: str) -> None:
    from gatewatch_targets import printable

    # A foreign list's names may be as long as somebody likes.
    click.echo(printable(text[:_LONGEST]))


def _wrapped(text: str, indent: str = "  ") -> None:
    from textwrap import wrap

    for number, line in enumerate(wrap(text, _WIDTH - len(indent), break_on_hyphens=False)):
        _line(indent + ("  " if number and indent else "") + line)
