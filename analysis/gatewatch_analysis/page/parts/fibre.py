"""Whose cable carries the traffic: chances with their bounds, and the candidates on a map."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from gatewatch.words import mark, say, worded
from gatewatch_analysis.page.contents import Contents, named, of_country
from gatewatch_analysis.page.document import Section
from gatewatch_analysis.page.element import Element, element, foreign
from gatewatch_analysis.page.map import Drawn, region
from gatewatch_analysis.page.tables import table
from gatewatch_analysis.page.terms import term
from gatewatch_analysis.report.text import percent
from gatewatch_targets.cables import cables

# A candidate with less than this chance is drawn as any other cable.
_DRAWN = 0.02
_NAMED = 8
_CROSSING = ["country", "isp", "asn", "lab", "month", "domestic_address", "foreign_address", "far_address"]

#: The four questions, so that they stand in the catalogues.
QUESTIONS = {
    "owned": mark("a Chinese owner of the cable"),
    "built": mark("a Chinese builder of the cable"),
    "operated": mark("a Chinese operator or landing party"),
    "carrier": mark("a Chinese carrier behind the border"),
}


def fibre(contents: Contents) -> Section:
    """Build the section."""
    found = contents.cables
    parts: list[Element] = [
        element(
            "p",
            say(
                "Which cable carries a path can seldom be told, and is not guessed. Each chance is from its "
                "least to its most: what is not known counts as not Chinese for the one, and as Chinese for "
                "the other."
            ),
        )
    ]
    if found.crossings.empty:
        parts.append(element("p", say("No path shows where it leaves the country.")))
        return Section("cables", say("Whose cable carries the traffic"), tuple(parts))
    for country in contents.countries:
        mine = of_country(found.by_country, country)
        if len(mine):
            parts.append(element("h3", named(country)))
            parts += _country(mine, of_country(found.candidates, country))
    parts.append(_map(found.candidates, [country for country, _ in contents.countries]))
    return Section("cables", say("Whose cable carries the traffic"), tuple(parts))


def _country(chances: pd.DataFrame, candidates: pd.DataFrame) -> Iterator[Element]:
    yield table(
        say("The chance that what carries a path has"),
        (say("month"), say("question"), say("least"), say("most"), say("ISPs"), say("paths")),
        [
            (
                row["month"] or say("not told"),
                worded(QUESTIONS[str(row["attribute"])]),
                percent(row["p_min"]),
                percent(row["p_max"]),
                int(row["isps"]),
                int(row["paths"]),
            )
            for _, row in chances.iterrows()
        ],
        numbers=(2, 3, 4, 5),
    )
    weights = _weights(candidates)[:_NAMED]
    yield table(
        say("What may carry the paths, by weight"),
        (say("candidate"), say("kind"), say("weight")),
        [(foreign(term(name)), term(kind), percent(weight)) for name, kind, weight in weights],
        numbers=(2,),
    )


def _weights(candidates: pd.DataFrame) -> list[tuple[str, str, float]]:
    """Give each candidate's name, kind and mean weight over the crossings, the heaviest first."""
    crossings = max(1, len(candidates[_CROSSING].drop_duplicates()))
    sums: dict[tuple[str, str], float] = {}
    for name, kind, weight in zip(candidates["name"], candidates["kind"], candidates["weight"], strict=True):
        sums[str(name), str(kind)] = sums.get((str(name), str(kind)), 0.0) + float(weight)
    ordered = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
    return [(name, kind, weight / crossings) for (name, kind), weight in ordered]


def _map(candidates: pd.DataFrame, countries: list[str]) -> Element:
    crossings = max(1, len(candidates[_CROSSING].drop_duplicates()))
    weight = (candidates.groupby("candidate")["weight"].sum() / crossings).to_dict()
    owned = candidates.groupby("candidate")["owned"].max().to_dict()
    drawn = []
    for key, cable in cables().items():
        known = ((one.lat, one.lon) for one in cable.landings)
        places = tuple((lat, lon) for lat, lon in known if lat is not None and lon is not None)
        likely = weight.get(key, 0.0) >= _DRAWN
        drawn.append(Drawn(cable.name, places, likely, bool(likely and owned.get(key) is True)))
    names = ", ".join(one.name for one in drawn if one.candidate)
    said = (
        say("Candidates: {names}. Dashed: with a Chinese owner.", names=names)
        if names
        else say("No known system stands out.")
    )
    caption = say("Submarine cables of the region; those that may carry the measured paths are drawn thicker")
    return region(caption, drawn, countries, said)
