"""`gatewatch coverage`: what the report names, what of it is measured and by what, and what cannot be."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from gatewatch_targets.inventory import Item, Measurable

# A line that is read by people; the table's reasons are sentences.
_WIDTH = 100
_DEGREES: tuple[Measurable, ...] = ("yes", "partly", "no")


def _code(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    from gatewatch_targets.inventory import inventory

    if value is None:
        return None
    known = dict.fromkeys(item.country for item in inventory())
    if value.upper() not in known:
        raise click.BadParameter(f"{value!r} is not one of {', '.join(known)}")
    return value.upper()


@click.command()
@click.option(
    "--country",
    metavar="CC",
    callback=_code,
    help="Only this country: KH, MY, NP, TH, or XX for what concerns more.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def coverage(country: str | None, as_json: bool) -> None:
    """Show what the report behind gatewatch names, what answers it here, and what packets cannot tell.

    The report is ARTICLE 19's of 2024 on China's Digital Silk Road.
    """
    from gatewatch_targets.inventory import inventory

    items = [item for item in inventory() if country in (None, item.country)]
    if as_json:
        click.echo(json.dumps({"counts": _counts(items), "items": [_described(item) for item in items]}))
        return
    for line in _lines(items):
        click.echo(line)


def _counts(items: Iterable[Item]) -> dict[str, int]:
    found = Counter(item.measurable for item in items)
    return {degree: found[degree] for degree in _DEGREES}


def _described(item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "country": item.country,
        "kind": item.kind,
        "name": item.name,
        "section": item.section,
        "measurable": item.measurable,
        "answered_by": [str(answer) for answer in item.answered_by],
        "why": item.why,
    }


def _lines(items: Sequence[Item]) -> Iterator[str]:
    counts = _counts(items)
    yield (
        f"The report names {len(items)} things. Of {counts['yes']} packets can tell, "
        f"of {counts['partly']} in part, of {counts['no']} not."
    )
    yield ""
    yield from _table("country", items, [item.country for item in items])
    yield ""
    yield from _table("kind", items, [item.kind for item in items])
    yield ""
    yield "What answers what"
    answers: dict[str, list[str]] = {}
    for item in items:
        for answer in item.answered_by:
            answers.setdefault(str(answer), []).append(item.id)
    for name, ids in sorted(answers.items(), key=lambda entry: (-len(entry[1]), entry[0])):
        yield from _paragraph(f"  {name} ({len(ids)}): ", " ".join(ids))
    for degree, title in (("yes", "Can be measured"), ("partly", "In part"), ("no", "Cannot be seen")):
        yield ""
        yield title
        for item in items:
            if item.measurable == degree:
                yield from _paragraph(f"  {item.id}  ", f"{item.name}. {item.why}.")
                if item.answered_by:
                    yield from _paragraph("         -> ", " ".join(map(str, item.answered_by)))


def _table(heading: str, items: Sequence[Item], keys: Sequence[str]) -> Iterator[str]:
    """Count by key, in the table's order."""
    found = Counter((key, item.measurable) for key, item in zip(keys, items, strict=True))
    width = max((len(key) for key in (heading, *keys)), default=0)
    yield f"  {heading:<{width}}  " + "  ".join(f"{degree:>6}" for degree in _DEGREES)
    for key in dict.fromkeys(keys):
        # A country or kind without any says so with a 0; an empty cell could be a mistake.
        yield f"  {key:<{width}}  " + "  ".join(f"{found[key, degree]:>6}" for degree in _DEGREES)


def _paragraph(start: str, text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=start, subsequent_indent=" " * len(start))
