"""What a router's name tells of its place, by domains and codes that are known: data/hints.csv.

A code means what its operator means by it, so nothing is guessed: another domain, or a code that the table
does not list, tells nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from gatewatch_targets.reference import table_rows
from gatewatch_targets.text import quote

from .cities import City, cities

_COLUMNS = "domain,pattern,codes,source,note"
# RFC 1035 2.3.4: no name is longer, and what is longer is none.
_MAX_NAME = 255


@dataclass(frozen=True, slots=True)
class Hint:
    """How one operator names its routers: ``pattern`` for what stands before the domain, its group the code.

    ``codes``: the operator's code to the city.
    """

    domain: str
    pattern: re.Pattern[str]
    codes: Mapping[str, City]
    source: str


@lru_cache(maxsize=1)
def hints() -> Mapping[str, Hint]:
    """Give the operators' habits by domain; raises :class:`~gatewatch_targets.rows.DataError`."""
    found = {}
    for row in table_rows("hints.csv", _COLUMNS):
        try:
            pattern = re.compile(row.text("pattern") + "$")
        except re.error as error:
            raise row.error("pattern", f"is no regular expression: {error}") from None
        if pattern.groups != 1:
            raise row.error("pattern", "must have one group, the code")
        codes = {}
        for word in row.words("codes"):
            theirs, _, ours = word.partition("=")
            if (city := cities().get(ours or theirs)) is None:
                raise row.error("codes", f"{quote(ours or theirs)} is not in cities.csv")
            codes[theirs] = city
        domain = row.text("domain")
        found[domain] = Hint(domain, pattern, MappingProxyType(codes), row.text("source"))
    return MappingProxyType(found)


def hinted(name: str) -> City | None:
    """Give the city that a router's name tells, or None."""
    if len(name) > _MAX_NAME:
        return None
    labels = name.casefold().rstrip(".").split(".")
    for i in range(1, len(labels)):
        hint = hints().get(".".join(labels[i:]))
        if hint is not None:
            # search: what the interface is called stands before.
            match = hint.pattern.search(".".join(labels[:i]))
            return hint.codes.get(match[1]) if match else None
    return None
