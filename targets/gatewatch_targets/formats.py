"""The three shapes of a target list, told apart by the first line, and how each entry becomes a target.

Ours: CSV whose header has at least ``url`` and ``category``.  Citizen Lab's test lists: CSV whose header has
``url`` and ``category_code``.  Anything else is a plain list with one address or host name a line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from .model import EXPECTATIONS, RISKS, Category, Target
from .reference import categories, default_risk, known_sources
from .rows import Problem, Row, cells
from .text import FORMULA_STARTS, quote
from .url import UrlError, parse

COLUMNS = ("url", "category", "risk", "countries", "control", "expectation", "source", "why")
CITIZENLAB_COLUMNS = ("url", "category_code", "category_description", "date_added", "source", "notes")

Maker = Callable[[Row], Target]

# A comment stands at the start of a line or after white space: "#" alone can be part of a URL.
_COMMENT = re.compile(r"(^|\s)#.*$")


def entries(
    numbered: Iterable[tuple[int, str]],
    file: str,
    report: Callable[[Problem], None],
    *,
    country: str = "",
    builtin: bool = False,
) -> Iterator[tuple[Row, Maker]]:
    """Give each entry's row and the function that makes its target, which raises DataError where it cannot.

    ``country``: the ISO 3166-1 code that the entries of a Citizen Lab list get, or empty.
    ``builtin``: a list of the package's own, in which nothing may be left to defaults.
    """
    header: list[str] = []
    known: tuple[str, ...]
    make: Maker | None = None
    for number, line in numbered:
        if line.startswith("#"):
            continue
        if make is None:
            header = _header(line)
            if "category_code" in header:
                make, known = partial(_citizenlab, country=country), CITIZENLAB_COLUMNS
            elif "category" in header:
                make, known = _builtin if builtin else _own, COLUMNS
            else:
                make, known = _plain, ()
            if known:
                for column in sorted(set(header).difference(known)):
                    report(Problem(file, number, "header", f"column {quote(column)} is not read", "note"))
                continue
        if make is _plain:
            if text := _COMMENT.sub("", line).strip():
                yield Row(file, number, {"url": text}), make
            continue
        try:
            values = cells(line)
        except ValueError as error:
            report(Problem(file, number, "line", str(error)))
            continue
        if len(values) > len(header):
            report(Problem(file, number, "line", f"has {len(values)} fields, the header has {len(header)}"))
            continue
        # Fields missing at the end are empty ones: people leave the last commas out.
        yield Row(file, number, dict(zip(header, values, strict=False))), make


def _header(line: str) -> list[str]:
    """Give a header's column names, or nothing where the line is none."""
    try:
        names = [name.strip().lower() for name in cells(line)]
    except ValueError:
        return []
    return names if "url" in names else []


def _own(row: Row) -> Target:
    category = _category(row, "category")
    countries = row.countries()
    return Target(
        url=_url(row),
        category=category.code,
        risk=row.choice("risk", RISKS, default_risk(category, countries)),
        countries=countries,
        why=_prose(row, "why"),
        source=_prose(row, "source"),
        control=row.flag("control", "yes" if category.code == "CTRL" else "no"),
        expectation=row.choice("expectation", EXPECTATIONS, "unknown"),
    )


def _builtin(row: Row) -> Target:
    for field in COLUMNS:
        row.text(field)
    known_sources(row)
    return _own(row)


def _citizenlab(row: Row, country: str) -> Target:
    category = _category(row, "category_code")
    countries = (country,) if country else ()
    control = category.code == "CTRL"
    return Target(
        url=_url(row),
        category=category.code,
        risk=default_risk(category, countries),
        countries=countries,
        why=_prose(row, "notes"),
        source=_prose(row, "source"),
        control=control,
        expectation="reachable" if control else "unknown",
    )


def _plain(row: Row) -> Target:
    return Target(_url(row))


def _url(row: Row) -> str:
    try:
        return parse(row.text("url")).text
    except UrlError as error:
        raise row.error(error.part, error.text) from None


def _category(row: Row, field: str) -> Category:
    code = row.text(field)
    if (category := categories().get(code.upper())) is None:
        raise row.error(field, f"{quote(code)} is not a category code")
    return category


def _prose(row: Row, field: str) -> str:
    """Give a text for people, which must not become a formula when results are opened in a spreadsheet."""
    return row.text(field, "").lstrip(FORMULA_STARTS + " ")
