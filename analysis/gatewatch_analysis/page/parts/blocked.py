"""What is blocked: by ISP, by layer, and which sites on which ISP."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from gatewatch.words import say
from gatewatch_analysis.page.contents import Contents, named, of_country
from gatewatch_analysis.page.document import Section
from gatewatch_analysis.page.element import Element, element, foreign
from gatewatch_analysis.page.tables import table
from gatewatch_analysis.report.findings import isp_name
from gatewatch_analysis.report.text import percent

# A page is read, not searched: the rest is in the files to download.
_SITES = 60
_ISPS = 12


def blocked(contents: Contents) -> Section:
    """Build the section."""
    parts: list[Element] = [
        element(
            "p",
            say(
                "Counted are sites, not measurements. A site that is down, or of which nothing can be said, "
                "counts neither as blocked nor as open. The interval says how far the share could be off if "
                "the sites were a sample of many like them."
            ),
        )
    ]
    for country in contents.countries:
        parts += _country(contents, country)
    return Section("blocked", say("What is blocked"), tuple(parts))


def _country(contents: Contents, country: tuple[str, bool]) -> Iterator[Element]:
    analysis = contents.analysis
    isps = of_country(analysis.by_isp, country)
    if isps.empty:
        return
    yield element("h3", named(country))
    yield table(
        say("Sites blocked, by ISP"),
        (
            say("ISP"),
            say("measured"),
            say("open"),
            say("blocked"),
            say("down"),
            say("cannot tell"),
            say("share"),
            "",
        ),
        [
            (
                foreign(isp_name(row)),
                *(int(row[name]) for name in ("measured", "ok", "blocked", "down", "inconclusive")),
                percent(row["share"]),
                say("{low} to {high}", low=percent(row["low"]), high=percent(row["high"])),
            )
            for _, row in isps.iterrows()
        ],
        numbers=(1, 2, 3, 4, 5, 6),
    )
    layers = of_country(analysis.by_layer, country)
    if len(layers):
        yield table(
            say("How they are blocked, by layer and method"),
            (say("ISP"), say("layer"), say("method"), say("sites"), say("share")),
            [
                (
                    foreign(isp_name(row)),
                    row["layer"],
                    row["method"],
                    int(row["targets"]),
                    percent(row["share"]),
                )
                for _, row in layers.iterrows()
            ],
            numbers=(3, 4),
        )
    sites = _sites(of_country(analysis.verdicts, country))
    if sites is not None:
        summary = element("summary", say("Which sites, on which ISP"))
        yield element("details", summary, sites, open=True)


def _sites(verdicts: pd.DataFrame) -> Element | None:
    """Put the ISPs side by side for the sites that most of them block."""
    hit = verdicts[(verdicts["status"] == "blocked") & ~verdicts["dead"]]
    if hit.empty:
        return None
    most = hit["input"].value_counts()
    first = sorted(most.index, key=lambda site: (-most[site], site))[:_SITES]
    names = verdicts.assign(name=[isp_name(row) for _, row in verdicts[["isp", "asn"]].iterrows()])
    isps = sorted(names["name"].unique())[:_ISPS]
    cells = {
        (str(row["input"]), str(row["name"])): _label(row)
        for _, row in names[names["input"].isin(first)].iterrows()
    }
    rows = [(foreign(site), *(cells.get((site, isp)) for isp in isps)) for site in first]
    more = len(most) - len(first)
    caption = say("Sites blocked somewhere, and what each ISP does")
    built = table(caption, (say("site"), *isps), rows)
    if more <= 0:
        return built
    note = element("p", say("{n} more are in the table to download.", n=more), class_="soft")
    return element("div", built, note)


def _label(row: pd.Series) -> str:
    if row["dead"]:
        return say("down everywhere")
    if row["status"] == "blocked":
        return f"{row['layer']}.{row['method']}"
    return {"ok": say("open"), "down": say("down"), "inconclusive": say("cannot tell")}.get(
        str(row["status"]), str(row["status"])
    )
