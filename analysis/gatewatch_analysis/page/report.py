"""The report: one page from a dataset, in the language in use."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from gatewatch.words import language, say
from gatewatch_analysis.loading import Dataset
from gatewatch_analysis.page.contents import Contents, gather, named
from gatewatch_analysis.page.document import document
from gatewatch_analysis.page.parts.answer import answer
from gatewatch_analysis.page.parts.blocked import blocked
from gatewatch_analysis.page.parts.changed import changed
from gatewatch_analysis.page.parts.fibre import fibre
from gatewatch_analysis.page.parts.method import downloads, method
from gatewatch_analysis.page.parts.ways_out import ways_out
from gatewatch_analysis.page.parts.where import where
from gatewatch_analysis.prefixes import Whereabouts

PARTS = (answer, changed, blocked, where, ways_out, fibre, method, downloads)


def report(
    dataset: Dataset,
    prefixes: Iterable[Path] = (),
    otherwise: Callable[[], Whereabouts | None] = lambda: None,
) -> str:
    """Write the page; arguments as :func:`gatewatch_analysis.report.analyse` takes them."""
    return written(gather(dataset, prefixes, otherwise))


def written(contents: Contents) -> str:
    """Write the page from tables that were computed already."""
    places = ", ".join(named(country) for country in contents.countries)
    title = say("gatewatch report: {places}", places=places) if places else say("gatewatch report")
    sections = [part(contents) for part in PARTS]
    return document(
        title, sections, language=language().code, skip=say("Skip to the report"), contents=say("Contents")
    )
