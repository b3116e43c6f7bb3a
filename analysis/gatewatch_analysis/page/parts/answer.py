"""The answer first: what the dataset says of each country, with the evidence it rests on."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from gatewatch.words import say
from gatewatch_analysis.gateway import CLASSES, TITLES
from gatewatch_analysis.page.contents import Contents, named, of_country
from gatewatch_analysis.page.document import Section
from gatewatch_analysis.page.element import Element, element, foreign
from gatewatch_analysis.page.tables import table
from gatewatch_analysis.page.terms import english
from gatewatch_analysis.report.findings import Finding
from gatewatch_analysis.report.text import percent

# As many next steps as somebody could take.
_STEPS = 5


def answer(contents: Contents) -> Section:
    """Build the section."""
    findings = contents.analysis.findings
    parts: list[Element] = []
    for finding in (f for f in findings if f.statement.startswith("country.gateway")):
        told = element("p", element("strong", f"{finding.subject}: "), _worded(finding))
        open_ = finding.statement.endswith("undetermined")
        parts.append(element("div", told, class_="answer open" if open_ else "answer"))
    for country in contents.countries:
        parts += _gate(contents, country)
    others = [f for f in findings if not f.statement.startswith("country.gateway")]
    listed = [element("li", _subject(f), _worded(f)) for f in others]
    parts.append(element("ul", listed) if listed else element("p", say("There is nothing to tell.")))
    return Section("answer", say("What the measurements say"), tuple(parts))


def _worded(finding: Finding) -> Element:
    """Say a finding; one that is no phrase is there in English only."""
    return english(finding.said) if isinstance(finding.said, str) else foreign(str(finding.said))


def _subject(finding: Finding) -> str | None:
    """Name the subject; those of an ISP name it themselves."""
    return None if finding.statement.startswith("isp.") else f"{finding.subject}: "


def _gate(contents: Contents, country: tuple[str, bool]) -> Iterator[Element]:
    """Lay out what the answer about a gateway rests on, and what would tell more."""
    gate = contents.analysis.gateway
    posterior = of_country(gate.posterior, country)
    if posterior.empty:
        return
    chances = table(
        say("Probability of each class, before the evidence and after it"),
        (say("class"), say("before"), say("after")),
        [
            (english(TITLES[row["kind"]]), percent(row["prior"]), percent(row["probability"]))
            for _, row in posterior.sort_values("probability", ascending=False).iterrows()
        ],
        numbers=(1, 2),
    )
    weighed = table(
        say("The evidence, and how well each class explains it (1: best)"),
        (say("evidence"), say("seen"), *(english(TITLES[kind]) for kind in CLASSES)),
        [
            (
                english(str(row["piece"])),
                english(str(row["seen"])),
                *(f"{row[kind.replace(' ', '_')]:.2g}" for kind in CLASSES),
            )
            for _, row in of_country(gate.weighed, country).iterrows()
        ],
        numbers=tuple(range(2, 2 + len(CLASSES))),
    )
    steps = of_country(gate.steps, country)
    next_ = table(
        say("What further measurement would tell, the most telling first"),
        (say("measurement"), say("on"), say("bits")),
        [
            (english(str(row["step"])), english(str(row["on"])) if pd.notna(row["on"]) else None, row["bits"])
            for _, row in steps.head(_STEPS).iterrows()
        ],
        numbers=(2,),
    )
    summary = element("summary", say("The evidence on a gateway: {country}", country=named(country)))
    yield element("details", summary, chances, weighed, next_)
