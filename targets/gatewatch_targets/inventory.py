"""What the report names, row by row, and which probe or analysis of gatewatch answers it, if packets can.

The report is ARTICLE 19's of 2024 on China's Digital Silk Road.  What no packet can tell (satellite
navigation, cameras, papers, money) stays in the table and says why: a monitor owns up to its blind spots.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

from .lists import BUILTIN
from .reference import table_rows
from .rows import Row
from .text import COUNTRY, quote

Measurable = Literal["yes", "partly", "no"]
Kind = Literal[
    "gateway", "law", "policy", "agreement", "programme", "finance", "actor", "operator", "vendor", "network",
    "cable", "data_centre", "satellite", "surveillance", "platform", "content", "incident", "practice",
    "system", "background",
]  # fmt: skip
#: Probe by its name, analysis as module.function, command, built-in target list.
Means = Literal["probe", "analysis", "command", "list"]

#: The code of what concerns more countries than the four, China and Taiwan among them.
BEYOND = "XX"
_COLUMNS = "id,country,kind,name,section,measurable,answered_by,why"
_NAME = re.compile(r"[a-z][a-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Answer:
    """What answers a row: ``means`` and ``name`` as in ``probe:web`` or ``analysis:border.borders``."""

    means: Means
    name: str

    def __str__(self) -> str:
        return f"{self.means}:{self.name}"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that the report names.

    ``country``: ISO 3166-1 code, or :data:`BEYOND`.  ``section``: the report's chapter and, in our words, the
    part of it.  ``measurable``: whether internet probes can tell anything of it, and ``why`` (or why not, and
    what of it they cannot).  ``answered_by``: what of gatewatch does; never empty unless ``no``.
    """

    id: str
    country: str
    kind: Kind
    name: str
    section: str
    measurable: Measurable
    answered_by: tuple[Answer, ...]
    why: str


@lru_cache(maxsize=1)
def inventory() -> tuple[Item, ...]:
    """Give every row in the table's order; raises :class:`~gatewatch_targets.rows.DataError`."""
    return tuple(map(_item, table_rows("inventory.csv", _COLUMNS)))


def _item(row: Row) -> Item:
    country = row.text("country")
    if not COUNTRY.fullmatch(country):
        raise row.error("country", f"{quote(country)} is not a two-letter country code")
    if not re.fullmatch(rf"{country}-\d\d", row.text("id")):
        raise row.error("id", f"{quote(row.text('id'))} is not {country}- and two digits")
    measurable: Measurable = row.choice("measurable", get_args(Measurable))
    answers = tuple(_answer(row, word) for word in row.words("answered_by"))
    if (measurable == "no") != (not answers):
        raise row.error("answered_by", "must be empty where, and only where, nothing can be measured")
    if answers and all(answer.means == "list" for answer in answers):
        raise row.error("answered_by", "names lists only: a list alone measures nothing")
    return Item(
        id=row.text("id"),
        country=country,
        kind=row.choice("kind", get_args(Kind)),
        name=row.text("name"),
        section=row.text("section"),
        measurable=measurable,
        answered_by=answers,
        why=row.text("why"),
    )


def _answer(row: Row, word: str) -> Answer:
    kinds: tuple[Means, ...] = get_args(Means)
    before, _, name = word.partition(":")
    means = next((kind for kind in kinds if kind == before), None)
    if means is None or not _NAME.fullmatch(name):
        raise row.error("answered_by", f"{quote(word)} is not a name after one of {', '.join(kinds)}")
    # The others stand in rooms above this one; a test of the whole house resolves them.
    if means == "list" and name not in BUILTIN:
        raise row.error("answered_by", f"{quote(name)} is not a built-in list")
    return Answer(means, name)
