"""The answer first: what the dataset says of each country, with the evidence it rests on."""

from __future__ import annotations

from gatewatch.words import say
from gatewatch_analysis.page.contents import Contents
from gatewatch_analysis.page.document import Section
from gatewatch_analysis.page.element import Element, element
from gatewatch_analysis.page.terms import english


def answer(contents: Contents) -> Section:
    """Build the section."""
    findings = contents.analysis.findings
    parts: list[Element] = []
    for finding in (f for f in findings if f.statement.startswith("country.gateway")):
        told = element("p", element("strong", f"{finding.subject}: "), english(finding.text))
        parts.append(element("div", told, class_="answer open"))
    others = [f for f in findings if not f.statement.startswith("country.gateway")]
    listed = [element("li", english(_said(f.subject, f.statement, f.text))) for f in others]
    parts.append(element("ul", listed) if listed else element("p", say("There is nothing to tell.")))
    return Section("answer", say("What the measurements say"), tuple(parts))


def _said(subject: str, statement: str, text: str) -> str:
    return text if statement.startswith("isp.") else f"{subject}: {text}"
