"""Words that tables hold in English, and how a reader hears them; and English that stays English."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gatewatch.words import language, mark, worded
from gatewatch_analysis.page.element import Element, element

_TERMS = {
    # Where a link lies (gatewatch.locus.label).
    "access": mark("network of the ISP"),
    "domestic-shared": mark("shared, in the country"),
    "border": mark("border"),
    "foreign": mark("abroad"),
    "endpoint": mark("at the server"),
    "unknown": mark("not known"),
    # What carries a path (gatewatch_analysis.cables.ways), and those that have no name of their own.
    "sea": mark("by sea"),
    "land": mark("by land"),
    "terrestrial": mark("by land"),
    "unlisted": mark("by sea"),
    "abstain": mark("not known"),
}
_NAMELESS = (
    mark("by land, in fibres that no list holds"),
    mark("a submarine system that no list holds"),
    mark("where the far end stands is not known"),
)


def term(value: Any) -> str:
    """Word a table's value; anything else, such as the name of a cable, stays as it is."""
    if pd.isna(value):
        return worded(_TERMS["unknown"])
    text = str(value)
    if text in _NAMELESS:
        return worded(text)
    return worded(_TERMS[text]) if text in _TERMS else text


def english(text: str) -> Element:
    """Show a text that is there in English only, and say so, that it be read out as English."""
    return element("bdi", text, lang=None if language().code == "en" else "en")
