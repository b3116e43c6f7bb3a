"""Services that stand for one another: is the Chinese one open where its counterpart is shut?

One blocked site says little of whose wishes a filter follows.  Pairs that differ in nothing but the side say
more, and only together with controls that are open.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Literal, get_args

from .lists import BUILTIN, load
from .model import Target
from .reference import table_rows, url_in
from .rows import Row
from .text import quote

Side = Literal["chinese", "western", "taiwanese", "regional", "exile"]


@lru_cache(maxsize=1)
def differential() -> Mapping[str, Mapping[Side, tuple[Target, ...]]]:
    """Give, for each question (messenger, cloud, ...), its targets by side.

    Raises :class:`~gatewatch_targets.rows.DataError` for an address of no built-in list, and for a question
    with one side only, which compares nothing.
    """
    known = {target.url: target for name in reversed(BUILTIN) for target in load(name)}
    found: dict[str, dict[Side, tuple[Target, ...]]] = {}
    places: dict[str, Row] = {}
    for row in table_rows("differential.csv", "url,question,side"):
        if (target := known.get(url_in(row, "url"))) is None:
            raise row.error("url", f"{quote(row.text('url'))} stands in no built-in list")
        question = row.text("question")
        side: Side = row.choice("side", get_args(Side))
        sides = found.setdefault(question, {})
        sides[side] = (*sides.get(side, ()), target)
        places.setdefault(question, row)
    for question, sides in found.items():
        if len(sides) < 2:
            raise places[question].error("question", f"{quote(question)} has one side only")
    return MappingProxyType({question: MappingProxyType(sides) for question, sides in found.items()})
