"""What of the evidence counts, once: a country's tables reduced to counts that can be given a likelihood.

The unit is the ISP, and nothing may count twice.  ISPs whose interference is at one seller's node share one
ISP's weight, and networks of one company are one ISP.  ISPs that share a node are alike in mechanism, box,
list and moment anyway: mechanisms and boxes are compared between others, lists and onsets read from one of
them.  A contrast follows from the place, so it is read given the place; boxes are compared within a
mechanism, since another mechanism is another box; lists and onsets follow from the same orders, and are read
together.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from gatewatch_analysis.gateway.contrast import conclusions
from gatewatch_analysis.gateway.isps import Country, Isp, Rows, isps_of, of_country, only, rows_by_isp
from gatewatch_analysis.gateway.likelihood import Groups
from gatewatch_analysis.gateway.lists import list_agreement
from gatewatch_analysis.gateway.node import Place
from gatewatch_analysis.gateway.onset import onset_spread, spread_of_country
from gatewatch_analysis.gateway.pieces import Pieces
from gatewatch_analysis.gateway.uniformity import main_of, shares

#: What a contrast is read given: the place, as far as it matters for what must be seen.
GROUPS: Mapping[Place | None, str] = {
    "inside": "inside",
    "own border": "border",
    "crossing": "border",
    "shared at home": "home",
    "alone at home": "home",
    "at a seller": "home",
    "abroad": "abroad",
    None: "not placed",
}
#: Places that ISPs may share; those there are one site.
_SHARED: tuple[Place, ...] = ("shared at home", "at a seller", "crossing", "abroad")
#: Agreement of lists, as the mean over ISPs against that over repeats: lower ends of the bins.
LISTS = {"under 0.6": 0.0, "0.6 to 0.8": 0.6, "0.8 to 0.95": 0.8, "0.95 and more": 0.95}
#: Mechanisms of an ISP's own resolver.  They come first, and hide what stands on the path behind them; so
#: they are compared with one another, and those on the path with one another.
LIES = ("dns.nxdomain", "dns.bogon", "dns.redirect")
#: How far apart ISPs began, in minutes: lower ends of the bins.
ONSETS = {"half an hour": 0.0, "six hours": 30.0, "two days": 360.0, "longer": 2880.0}
EXITS = ("one for all", "several")
CARRIERS = ("follows one", "follows none")
# Two ISPs in twenty may leave otherwise by chance of a measurement, where one exit serves all.
_ONE_EXIT = 0.95
# Below, a country's exits are a matter of two pairs.
_LEAST_ISPS = 3


@dataclass(frozen=True, slots=True)
class Seen:
    """What counts of a country's evidence; what is missing is empty, or None.

    ``hit``: ISPs affected and not; ``places``, ``contrasts`` (by group): ISPs' weights; ``mechanisms`` on the
    path, ``lies`` of resolvers: how many ISPs each has; ``boxes``: the same of types of boxes, for each
    mechanism; ``beyond``: of carriers behind borders at which something interferes, where the country has
    several; ``lists`` and ``onsets``: the bins that may be, several where bounds are wide.
    """

    isps: tuple[Isp, ...]
    units: int
    hit: tuple[int, int]
    places: Mapping[Place, float]
    contrasts: Mapping[str, Mapping[str, float]]
    mechanisms: Groups
    lies: Groups
    boxes: tuple[Groups, ...]
    beyond: Groups
    lists: frozenset[str] | None
    onsets: frozenset[str] | None
    exits: str | None
    carriers: str | None
    located: frozenset[Isp]
    contrasted: frozenset[Isp]


def seen(found: Pieces, country: Country) -> Seen:
    """Reduce the evidence of one country."""
    hit = {isp: word for isp, word in found.affected.items() if (isp.country, isp.lab) == country}
    here = of_country(found.units, country)
    placed = of_country(found.places, country)
    at = rows_by_isp(placed, "method", "place", "node", "part")
    said = {i: w for i, w in conclusions(of_country(found.contrast_by_isp, country)).items() if hit.get(i)}
    company, shared = _companies(here), _sites(at)
    site = company | shared
    ways = _exits(of_country(found.exits, country))
    mains = _one_of_each(
        {isp: main_of(p) for isp, p in shares(of_country(found.mechanisms, country)).items()}, company
    )
    return Seen(
        isps=tuple(rows_by_isp(here)),
        units=int(here["unit"].nunique()),
        hit=(sum(hit.values()), sum(not word for word in hit.values())),
        places=_places(at),
        contrasts=_contrasts(at, said),
        mechanisms=_grouped({isp: way for isp, way in mains.items() if way not in LIES}, shared),
        lies=_grouped({isp: way for isp, way in mains.items() if way in LIES}, {}),
        boxes=_boxes(of_country(found.box_types, country), shared, mains),
        beyond=_beyond(placed, ways),
        lists=_lists(of_country(found.list_pairs, country), site),
        onsets=_onsets(of_country(found.onsets, country), site, country),
        exits=ways,
        carriers=_carriers(of_country(found.carriers, country)),
        located=frozenset(at),
        contrasted=frozenset(said),
    )


def _companies(units: pd.DataFrame) -> dict[Isp, str]:
    """Networks of one company are one site, until something else is known."""
    return {isp: company for isp, ((company,),) in rows_by_isp(units, "company").items() if company}


def _one_of_each(mains: Mapping[Isp, str], company: Mapping[Isp, str]) -> dict[Isp, str]:
    """Keep one network of each company."""
    first: dict[str, Isp] = {}
    for isp in sorted(mains):
        first.setdefault(_site(isp, company), isp)
    return {isp: way for isp, way in mains.items() if first[_site(isp, company)] == isp}


def _sites(at: Mapping[Isp, Rows]) -> dict[Isp, str]:
    """Name where each located ISP's interference is; ISPs with the same name share it."""
    found = {}
    for isp, rows in at.items():
        shared = [node for _, place, node, _ in rows if node and place in _SHARED]
        # Where its customers' is, too.
        own = [node for _, place, node, _ in rows if node and place == "own border"]
        if shared or own:
            found[isp] = (shared or own)[0]
    return found


def _site(isp: Isp, site: Mapping[Isp, str]) -> str:
    return site.get(isp, f"{isp.isp} {isp.asn}")


def _places(at: Mapping[Isp, Rows]) -> dict[Place, float]:
    """Weigh the places; customers at one seller's node together count as one ISP."""
    whole = [row for rows in at.values() for row in rows]
    customers = Counter(node for _, place, node, _ in whole if place == "at a seller")
    found: dict[Place, float] = defaultdict(float)
    for _, place, node, part in whole:
        found[place] += part / (customers[node] if place == "at a seller" else 1)
    return dict(found)


def _contrasts(at: Mapping[Isp, Rows], said: Mapping[Isp, str]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for isp, word in said.items():
        # What a contrast sends is a name on the way, not a question to the ISP's own resolver.
        rows = sorted(at.get(isp, ()), key=lambda row: row[0] == "dns")
        found[GROUPS[rows[0][1] if rows else None]][word] += 1.0
    return {group: dict(words) for group, words in found.items()}


def _grouped(kinds: Mapping[Isp, str], site: Mapping[Isp, str]) -> Groups:
    """Count ISPs by kind; those of one kind at one site are alike anyway."""
    sizes = Counter(kinds.values())
    given = Counter((_site(isp, site), kind) for isp, kind in kinds.items())
    return Groups(
        tuple(sorted(sizes.values(), reverse=True)),
        tuple(sorted((many for many in given.values() if many > 1), reverse=True)),
    )


def _boxes(types: pd.DataFrame, site: Mapping[Isp, str], mains: Mapping[Isp, str]) -> tuple[Groups, ...]:
    """Within each mechanism, count the ISPs by type of box; an ISP's is that of its way on the path."""
    kinds: dict[str, dict[Isp, str]] = defaultdict(dict)
    for isp, rows in rows_by_isp(types, "method", "type").items():
        if isp in mains:
            method, kind = max(rows)
            kinds[mains[isp]][isp] = f"{method} {kind}"
    return tuple(groups for _, k in sorted(kinds.items()) if (groups := _grouped(k, site)).many > 1)


def _beyond(placed: pd.DataFrame, ways: str | None) -> Groups:
    """Count ISPs by the carrier behind their border, where that is where they are cut."""
    if ways != EXITS[1]:
        return Groups()
    found = rows_by_isp(placed[placed["beyond"].notna()], "beyond")
    sizes = Counter(rows[0][0] for rows in found.values())
    return Groups(tuple(sorted(sizes.values(), reverse=True)))


def _lists(pairs: pd.DataFrame, site: Mapping[Isp, str]) -> frozenset[str] | None:
    """Give the bin of the agreement between sites."""
    ends = zip(pairs["repeat"], isps_of(pairs), isps_of(pairs, "isp2", "asn2"), strict=True)
    apart = [bool(repeat) or _site(a, site) != _site(b, site) for repeat, a, b in ends]
    agreed = list_agreement(only(pairs, apart))
    if agreed.empty or pd.isna(agreed["mean"].iloc[0]):
        return None
    ratio = agreed["ratio"].iloc[0]
    # Without a repeat, the ceiling is what it is at best.
    value = float(agreed["mean"].iloc[0] if pd.isna(ratio) else ratio)
    return frozenset([max((low, name) for name, low in LISTS.items() if low <= value)[1]])


def _onsets(found: pd.DataFrame, site: Mapping[Isp, str], country: Country) -> frozenset[str] | None:
    """Give the bins that the spread between sites may be in."""
    cells = list(zip(isps_of(found), map(str, found["input"]), strict=True))
    first: dict[tuple[str, str], Isp] = {}
    for isp, target in sorted(cells):
        first.setdefault((_site(isp, site), target), isp)
    keep = [first[_site(isp, site), target] == isp for isp, target in cells]
    bounds = spread_of_country(onset_spread(only(found, keep))).get(country)
    if bounds is None:
        return None
    ends = [*list(ONSETS.values())[1:], float("inf")]
    least, most = bounds
    return frozenset(
        name for (name, low), high in zip(ONSETS.items(), ends, strict=True) if least < high and most >= low
    )


def _exits(ways: pd.DataFrame) -> str | None:
    abroad = ways[(ways["exit"] == "first network abroad") & ways["alike"].notna()]
    if abroad.empty or abroad["isps"].iloc[0] < _LEAST_ISPS:
        return None
    return EXITS[0] if abroad["alike"].iloc[0] >= _ONE_EXIT else EXITS[1]


def _carriers(found: pd.DataFrame) -> str | None:
    """Say whether one carrier's customers are affected and nobody else.

    None where all are, or none; and where everybody has the same carrier.
    """
    hit, free = (found["affected"] + found["others_affected"]), (found["through"] + found["others"])
    apart = (found["through"] > 0) & (found["others"] > 0)
    if found.empty or not (apart & (hit > 0) & (hit < free)).any():
        return None
    follows = (
        (found["affected"] >= 2) & (found["affected"] == found["through"]) & (found["others_affected"] == 0)
    )
    return CARRIERS[0] if follows.any() else CARRIERS[1]
