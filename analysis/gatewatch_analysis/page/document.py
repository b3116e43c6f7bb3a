"""The frame of a page: one file that fetches nothing, runs nothing, and reads the same on paper."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from gatewatch_analysis.page.element import Element, element

_STYLE = Path(__file__).with_name("style.css")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: its anchor, its heading and what stands in it."""

    anchor: str
    heading: str
    parts: tuple[Element, ...]


def document(title: str, sections: Sequence[Section], *, language: str, skip: str, contents: str) -> str:
    """Write the page; ``skip`` and ``contents`` label the link past the list of sections, and the list."""
    style = _STYLE.read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    # Nothing may be loaded, run, framed or sent; the one style is known by its digest (CSP level 3).
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    listed = [element("li", element("a", s.heading, href=f"#{s.anchor}")) for s in sections]
    body = element(
        "body",
        element("a", skip, href="#main", class_="skip"),
        element("header", element("h1", title), element("nav", element("ul", listed), aria_label=contents)),
        element("main", (_section(section) for section in sections), id="main"),
    )
    return "".join(
        (
            f'<!DOCTYPE html><html lang="{escape(language)}"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            *element("title", title).render(),
            f"<style>{style}</style></head>",
            *body.render(),
            "</html>\n",
        )
    )


def _section(section: Section) -> Element:
    name = f"{section.anchor}-h"
    heading = element("h2", section.heading, id=name)
    return element("section", heading, section.parts, id=section.anchor, aria_labelledby=name)
