"""The answer first: what the dataset says of each country, with the evidence it rests on."""

from __future__ import annotations

from gatewatch.words import say
from gatewatch_analysis.page.contents import Contents
from gatewatch_analysis.page.document import Section
from gatewatch_analysis.page.element import Element, element, foreign
from gatewatch_analysis.page.terms import english
from gatewatch_analysis.report.findings import Finding


def answer(contents: Contents) -> Section:
    """Build the section."""
    findings = contents.analysis.findings
    parts: list[Element] = []
    for finding in (f for f in findings if f.statement.startswith("country.gateway")):
        told = element("p", element("strong", f"{finding.subject}: "), _worded(finding))
        parts.append(element("div", told, class_="answer open"))
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
