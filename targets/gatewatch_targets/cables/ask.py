"""Questions to the tables: who owns, built and runs a cable on a date, and which cables join two countries.

The answer to "is it Chinese?" is yes, no or unknown, each for owner, builder, operator and landing party by
itself. There is no one flag: a Japanese builder, a Cambodian landing party and a Chinese owner can meet in
one cable.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from gatewatch_targets.model import Confidence

from .companies import Ultimate, companies, company_named, ultimate, weakest
from .model import Cable, Landing, Role
from .read import cables, links

CHINA = "CN"


@dataclass(frozen=True, slots=True)
class Answer:
    """Yes, no or unknown (None), with its reason.

    ``by``: ids of the companies that make it so, by themselves or by who decides over them.
    ``stakes``: ids of those in which a Chinese holding does not decide.  ``low``, ``high``: bounds of the
    Chinese share of the whole, from 0 to 1, of what is told; 0 and 1 where nothing is.  ``confidence``: of
    the weakest fact that the answer stands on.
    """

    value: bool | None
    by: tuple[str, ...]
    stakes: tuple[str, ...]
    low: float
    high: float
    confidence: Confidence
    why: str

    def __str__(self) -> str:
        return {True: "yes", False: "no", None: "unknown"}[self.value]


def chinese_owned(cable: Cable, on: date) -> Answer:
    """Say whether a Chinese company is among the owners on a date, by itself or as the one who decides.

    No: only where every owner is listed and each one's home is known to be elsewhere.  An owner in which a
    Chinese company holds a minority stays what it is and is told among the stakes.  What share of the cable
    is Chinese is bounded by what is told of each owner's share; consortia seldom tell.
    """
    return _answer(cable.owners, on, complete=cable.all_owners, what="owner")


def chinese_built(cable: Cable, on: date | None = None) -> Answer:
    """Say whether a Chinese company was among the builders, as it was owned when the cable came into service.

    ``on``: another date to judge the ownership of the builder by.  No: builders are listed and each one's
    home is known.  That a builder goes unlisted is possible; a list of suppliers is taken as whole.
    """
    known = cable.in_service or cable.planned
    day = on or (known.value.first if known else date.max)
    return _answer(cable.builders, day, complete=bool(cable.builders), what="builder")


def chinese_operated(cable: Cable, on: date) -> Answer:
    """Say whether a Chinese company operates the cable or one of its landings on a date.

    No is never said: no source lists all operators of a system.
    """
    return _answer((*cable.operators, *cable.parties), on, complete=False, what="operator or landing party")


def _decides(company: str, on: date) -> Ultimate | None:
    known = company if company in companies() else company_named(company)
    return ultimate(known, on) if known else None


def _answer(roles: Iterable[Role], on: date, *, complete: bool, what: str) -> Answer:
    yes: list[tuple[Role, Confidence]] = []
    dated: list[str] = []
    unknown: list[str] = []
    stakes: list[str] = []
    no: list[Confidence] = []
    low = foreign = 0.0
    for role in roles:
        held = role.on(on)
        if held is False:
            continue
        end = _decides(role.company, on)
        chinese = end is not None and CHINA in {end.country, _home(role.company)}
        if end is not None and any(_from_china(stake.company, on) for stake in end.stakes) and not chinese:
            stakes.append(role.company)
        if chinese and held is None:
            dated.append(role.company)
        elif chinese and end is not None:
            yes.append((role, weakest(role.confidence, end.confidence)))
            low += role.low
        elif end is None or not end.country:
            unknown.append(role.company)
        else:
            no.append(weakest(role.confidence, end.confidence))
            foreign += role.low
    high = max(low, 1.0 - foreign)
    by = tuple(role.company for role, _ in yes)
    if yes:
        # One sure owner is enough, so the surest of them counts.
        best = max((sure for _, sure in yes), key=("low", "medium", "high").index)
        return Answer(True, by, tuple(stakes), low, high, best, f"{what}: {', '.join(by)}")
    if dated:
        why = f"{', '.join(dated)}: the dates are not told precisely enough"
    elif unknown:
        why = f"the home of {', '.join(unknown)} is not known"
    elif not complete:
        why = f"not every {what} is listed" if no else f"no {what} is listed"
    else:
        return Answer(False, (), tuple(stakes), 0.0, 0.0, weakest(*no), f"every {what} is at home elsewhere")
    return Answer(None, (), tuple(stakes), 0.0, high, "low", why)


def _home(company: str) -> str:
    known = companies().get(company)
    return known.country.value if known and known.country else ""


def _from_china(company: str, on: date) -> bool:
    return ultimate(company, on).country == CHINA


def cables_between(
    first: str, second: str, on: date | None = None, among: Iterable[Cable] | None = None
) -> tuple[Cable, ...]:
    """Give the cables and links that land in both countries, or cross between them.

    ``first``, ``second``: ISO 3166-1 codes.  ``on``: leaves out what is known not to have been in service on
    that day; what may have been stays.  ``among``: default: our own tables.  Landing in both does not mean
    that there is a fibre pair between the two: branches may serve one direction only.
    """
    pool = (*cables().values(), *links().values()) if among is None else among
    pair = {first.upper(), second.upper()}
    return tuple(
        cable
        for cable in pool
        if pair <= set(cable.countries) and (on is None or cable.works(on) is not False)
    )


def landings_in(cable: Cable, country: str) -> tuple[Landing, ...]:
    """Give the cable's landings in a country (ISO 3166-1)."""
    return tuple(landing for landing in cable.landings if landing.country == country.upper())


@dataclass(frozen=True, slots=True)
class Pair:
    """How many systems join two countries, and how many of them list a Chinese owner or a builder HMN."""

    first: str
    second: str
    cables: int
    chinese_owner: int
    hmn_built: int


#: What :func:`pair_table` counts, in words.
DEFINITION = """A system joins two countries when at least one of its landing points lies in each; whether \
its fibres run between the two is not asked. Planned and retired systems count like the others. Hong Kong \
is a country of its own. A system has a Chinese owner when the name of one of its owners is, whole, a name \
of a company whose own home is mainland China in owners.toml; parents and stakes are not followed. It is \
HMN-built when HMN Technologies (or Huawei Marine) is, whole, the name of one of its builders."""


def pair_table(pairs: Iterable[tuple[str, str]], among: Iterable[Cable]) -> tuple[Pair, ...]:
    """Count the systems that join each pair of countries, by :data:`DEFINITION`."""
    pool = tuple(among)
    found = []
    for first, second in pairs:
        both = cables_between(first, second, among=pool)
        chinese = sum(any(_home(_id(role)) == CHINA for role in cable.owners) for cable in both)
        hmn = sum(any(_id(role) == "hmn-tech" for role in cable.builders) for cable in both)
        found.append(Pair(first, second, len(both), chinese, hmn))
    return tuple(found)


def _id(role: Role) -> str:
    return role.company if role.company in companies() else company_named(role.company) or ""
