"""Who owns whom, and since when: data/owners.toml.

A company has its home where its head office is (one fact), and parents with dates and shares (others).
Names are matched whole, in any case, never by a part: "Unicom, Inc." of Alaska is not China Unicom.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from io import BytesIO
from types import MappingProxyType

from gatewatch_targets.model import Confidence
from gatewatch_targets.reference import open_data
from gatewatch_targets.text import quote
from gatewatch_targets.tree import Node, read_tree

from .facts import SURE, confidence, known, period, shares
from .model import Known, When


@dataclass(frozen=True, slots=True)
class Parent:
    """A holding in a company.

    ``control``: whether it decides there (over half of it, or all).  ``low``, ``high``: bounds of the share,
    0 to 1.  ``since``, ``until``: None where not told, which is taken for always.
    """

    company: str
    control: bool
    low: float
    high: float
    since: When | None
    until: When | None
    confidence: Confidence
    source: str
    note: str = ""

    def on(self, day: date) -> bool:
        """Whether it was held on ``day``; a month or year told no better is all the new one's."""
        if self.since and day < self.since.first:
            return False
        return self.until is None or day < self.until.first


@dataclass(frozen=True, slots=True)
class Company:
    """A company: ``country`` is where its head office is, None where no source tells."""

    id: str
    name: str
    aliases: tuple[str, ...]
    country: Known[str] | None
    parents: tuple[Parent, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Ultimate:
    """Who decides in the end: ``company`` (an id), its ``country`` ("" where not known), how sure the chain
    is.

    ``chain``: the ids from the company asked about up.  ``stakes``: holdings on the way that do not decide.
    """

    company: str
    country: str
    confidence: Confidence
    chain: tuple[str, ...]
    stakes: tuple[Parent, ...]


def _parent(node: Node) -> Parent:
    node.only("company", "control", "share", "share_min", "share_max", "since", "until", *SURE)
    since, until = period(node)
    low, high = shares(node)
    if (control := node.flag("control")) and high < 0.5:
        raise node.get("control").error(f"a share of {high:g} does not decide")
    return Parent(
        company=node.text("company"),
        control=control,
        low=low,
        high=high,
        since=since,
        until=until,
        confidence=confidence(node),
        source=node.sources(),
        note=node.text("note", ""),
    )


def _home(node: Node) -> str:
    node.only("code", *SURE)
    return node.country("code")


def read_companies(data: bytes, file: str) -> tuple[Company, ...]:
    """Read a table of companies; raises :class:`~gatewatch_targets.rows.DataError` at the first fault."""
    found: dict[str, Company] = {}
    named: dict[str, str] = {}
    nodes = dict(read_tree(BytesIO(data), file).tables())
    for id_, node in nodes.items():
        node.only("name", "aliases", "country", "parent", "note")
        found[id_] = company = Company(
            id=id_,
            name=node.text("name"),
            aliases=node.texts("aliases"),
            country=known(node, "country", _home),
            parents=tuple(map(_parent, node.rows("parent"))),
            note=node.text("note", ""),
        )
        for name in (id_, company.name, *company.aliases):
            if named.setdefault(_key(name), id_) != id_:
                raise node.error(f"{quote(name)} is a name of {named[_key(name)]} already")
    for id_, node in nodes.items():
        for item, parent in zip(node.rows("parent"), found[id_].parents, strict=True):
            if parent.company not in found:
                raise item.get("company").error(f"{quote(parent.company)} is not a company of {file}")
            if parent.control and _loops(found, id_, parent.company):
                raise item.get("company").error(f"{quote(parent.company)} is owned by {id_} itself")
    return tuple(found.values())


def _loops(found: Mapping[str, Company], start: str, at: str) -> bool:
    todo, seen = [at], set[str]()
    while todo:
        if (company := todo.pop()) == start:
            return True
        if company not in seen and company in found:
            seen.add(company)
            todo += [parent.company for parent in found[company].parents if parent.control]
    return False


def _key(name: str) -> str:
    return " ".join(name.split()).casefold()


@lru_cache(maxsize=1)
def companies() -> Mapping[str, Company]:
    """Give every company by id."""
    with open_data("owners.toml") as stream:
        found = read_companies(stream.read(), "owners.toml")
    return MappingProxyType({company.id: company for company in found})


@lru_cache(maxsize=1)
def _names() -> Mapping[str, str]:
    return {
        _key(name): company.id
        for company in companies().values()
        for name in (company.id, company.name, *company.aliases)
    }


def company_named(name: str) -> str | None:
    """Give the id of the company of exactly this name, in any case; None where there is none."""
    return _names().get(_key(name))


_ORDER: tuple[Confidence, ...] = ("low", "medium", "high")


def weakest(*confidences: Confidence) -> Confidence:
    """Give the least sure of some confidences: a chain is as sure as its weakest part."""
    return min(confidences, key=_ORDER.index, default="high")


def ultimate(company: str, on: date) -> Ultimate:
    """Say who decided over a company on a date.

    ``company``: an id, or a name exactly.  Holdings that decide are followed; others are told as stakes.
    Raises KeyError for a company that the table does not hold.
    """
    known, at = companies(), company if company in companies() else company_named(company)
    if at is None:
        raise KeyError(company)
    chain, stakes = [at], list[Parent]()
    sure: list[Confidence] = []
    while True:
        held = [parent for parent in known[at].parents if parent.on(on)]
        stakes += [parent for parent in held if not parent.control]
        deciding = next((parent for parent in held if parent.control), None)
        if deciding is None or deciding.company in chain:
            break
        at = deciding.company
        chain.append(at)
        sure.append(deciding.confidence)
    country = known[at].country
    if country is not None:
        sure.append(country.confidence)
    return Ultimate(at, country.value if country else "", weakest(*sure), tuple(chain), tuple(stakes))
