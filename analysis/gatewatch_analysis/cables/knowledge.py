"""What is known of cables and companies, and how whole that knowledge is: what every answer stands on.

By default our own tables; a list that somebody fetched may take the place of the submarine ones.  How whole a
list is decides how much room is left for a system that it does not hold, and only dates and countries for
which that is claimed get the small room.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Literal

from gatewatch_targets.cables import (
    Answer,
    Cable,
    cables,
    chinese_built,
    chinese_operated,
    chinese_owned,
    companies,
    company_named,
    links,
    ultimate,
)
from gatewatch_targets.carriers import carriers
from gatewatch_targets.countries import countries
from gatewatch_targets.reference import networks

#: In which respect a system can be Chinese.
Attribute = Literal["owned", "built", "operated"]

# All systems that land in these on the public map of November 2022 are in cables.toml (docs/cables.md).
_WHOLE = dict.fromkeys(("KH", "MY", "TH"), date(2022, 11, 30))
# Ours.  Public maps gather what is announced; what they lack is small, and grows with every year in which
# nobody looked: of the 22 systems that landed in Cambodia, Malaysia and Thailand by then, 9 had come into
# service within ten years, one in twenty-five a year.
MISSING, MISSING_PER_YEAR = 0.02, 0.04
# Ours.  Where nobody claims that all systems are listed.
MISSING_ELSEWHERE = 0.25
# What is not known can hardly be more than this.
_MOST_MISSING = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Knowledge:
    """Systems, and since when a country's list is no longer known to be whole.

    ``whole``: countries all of whose submarine landings are listed, with the day of which that is true; ``*``
    stands for every other.  Each is itself alone (no comparison by value), so that ways can be kept by it.
    """

    systems: tuple[Cable, ...]
    whole: Mapping[str, date] = field(default_factory=dict)
    _parts: dict[tuple[str, date], frozenset[str]] = field(default_factory=dict, repr=False)
    _told: dict[tuple[str, str, date], bool | None] = field(default_factory=dict, repr=False)

    @classmethod
    def own(cls) -> Knowledge:
        """Give our own tables; always the same object, as ways are kept by it."""
        return _own()

    @classmethod
    def listed(cls, systems: Iterable[Cable], on: date) -> Knowledge:
        """Give a list of submarine cables that is whole for every country on a day, and our land links."""
        return cls((*systems, *links().values()), {"*": on})

    def missing(self, near: str, far: str, on: date) -> float:
        """Give the chance that a sea way between two countries is none that is listed.

        A cable between them lands in both, so the better known one counts.
        """
        return min(self._missing(country, on) for country in (near, far))

    def _missing(self, country: str, on: date) -> float:
        day = self.whole.get(country, self.whole.get("*"))
        if day is None:
            return MISSING_ELSEWHERE
        years = max(0.0, (on - day).days / 365.25)
        return min(_MOST_MISSING, MISSING + MISSING_PER_YEAR * years)

    @property
    def countries(self) -> frozenset[str]:
        """The countries that some system lands in."""
        return frozenset(landing.country for system in self.systems for landing in system.landings)

    def parts(self, system: Cable, on: date) -> frozenset[str]:
        """Give the companies that own, run or land a system on a day, and who decides over them."""
        key = (system.id, on)
        if key not in self._parts:
            roles = (*system.owners, *system.operators, *system.parties)
            own = {role.company for role in roles if role.on(on) is not False}
            chains = (ultimate(company, on).chain for company in own if company in companies())
            self._parts[key] = frozenset(own.union(*chains))
        return self._parts[key]

    def chinese(self, system: Cable, attribute: Attribute, on: date) -> bool | None:
        """Say whether a system is Chinese in one respect on a day; None where that is not known."""
        key = (system.id, attribute, on)
        if key not in self._told:
            self._told[key] = _ASK[attribute](system, on).value
        return self._told[key]

    def every_landing(self, country: str) -> bool:
        """Whether no system has a landing in a country that is not listed."""
        return country in self.whole or "*" in self.whole


_ASK: dict[Attribute, Callable[[Cable, date], Answer]] = {
    "owned": chinese_owned,
    # Judged by who owned the builder when the system was opened, not on the day of the trace.
    "built": lambda system, on: chinese_built(system),
    "operated": chinese_operated,
}


@lru_cache(maxsize=1)
def _own() -> Knowledge:
    return Knowledge((*cables().values(), *links().values()), dict(_WHOLE))


@lru_cache(maxsize=1)
def _by_network() -> Mapping[int, frozenset[str]]:
    """Give the companies behind AS numbers, by exact names alone."""
    found: dict[int, set[str]] = {}

    def add(asn: int, *names: str) -> None:
        for name in names:
            if company := company_named(name):
                found.setdefault(asn, set()).add(company)

    for carrier in carriers().values():
        for network in carrier.networks:
            add(network.asn, carrier.id, carrier.name, *carrier.aliases)
    for network in networks():
        add(network.asn, network.name)
    for country in countries().values():
        for isp in country.isps:
            for network in isp.networks:
                add(network.asn, isp.name)
    return {asn: frozenset(ids) for asn, ids in found.items()}


def companies_of(asn: int | None, on: date) -> frozenset[str]:
    """Give the companies that an AS number is of on a day: itself, and all who decide over it."""
    own = _by_network().get(asn or 0, frozenset())
    return own.union(*(ultimate(company, on).chain for company in own))
