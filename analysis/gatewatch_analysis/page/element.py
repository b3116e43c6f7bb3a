"""Pages by construction: every text is escaped, and only tags and attributes that are listed exist at all.

What measurements bring was written by strangers.  A page is therefore never put together from strings: its
elements are objects, text becomes text, and there is no way to write markup past them.  Scripts, frames,
forms and links to elsewhere are not among the tags and attributes.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape

from gatewatch_targets.text import printable

# What a report is made of; nothing here loads, runs or sends anything.
# fmt: off
_TAGS = frozenset({
    "html", "head", "title", "body", "main", "header", "nav", "footer", "section", "article", "h1", "h2",
    "h3", "h4", "p", "ul", "ol", "li", "dl", "dt", "dd", "div", "span", "strong", "em", "small", "code",
    "table", "caption", "thead", "tbody", "tr", "th", "td", "details", "summary", "figure", "figcaption",
    "a", "bdi", "br", "time", "svg", "g", "path", "line", "rect", "circle", "text", "tspan", "polyline",
    "polygon", "desc",
})
_ATTRIBUTES = frozenset({
    "id", "class", "lang", "dir", "href", "download", "scope", "colspan", "rowspan", "role", "tabindex",
    "datetime", "title", "open", "aria-label", "aria-labelledby", "aria-describedby", "aria-hidden",
    "viewBox", "width", "height", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "d", "points",
    "transform", "text-anchor", "dx", "dy",
})
# fmt: on
_VOID = frozenset({"br"})


@dataclass(frozen=True, slots=True)
class Element:
    """A tag with its attributes and children."""

    tag: str
    attributes: tuple[tuple[str, str], ...]
    children: tuple[Element | str, ...]

    def render(self) -> Iterator[str]:
        """Write it, piece by piece."""
        yield f"<{self.tag}"
        for name, value in self.attributes:
            yield f' {name}="{escape(value)}"'
        yield ">"
        if self.tag in _VOID:
            return
        for child in self.children:
            if isinstance(child, Element):
                yield from child.render()
            else:
                # Characters that steer (controls, directions of writing) are written out.
                yield escape(printable(child), quote=False)
        yield f"</{self.tag}>"


#: What may stand within an element; None stands for nothing.
Child = Element | str | Iterable[Element | str] | None


def element(tag: str, *children: Child, **attributes: object) -> Element:
    """Build an element; ``class_`` is class, ``aria_label`` aria-label; None and False leave one out.

    Raises ValueError for a tag or an attribute that no report needs, and for a link that leads elsewhere.
    """
    if tag not in _TAGS:
        raise ValueError(f"no such tag in a report: {tag}")
    found = []
    for key, value in attributes.items():
        name = key.rstrip("_").replace("_", "-")
        if value is None or value is False:
            continue
        if name not in _ATTRIBUTES:
            raise ValueError(f"no such attribute in a report: {name}")
        text = "" if value is True else str(value)
        if name == "href" and not text.startswith(("#", _DATA)):
            raise ValueError("a report links to nothing outside itself")
        found.append((name, printable(text)))
    flat: list[Element | str] = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, Element | str):
            flat.append(child)
        else:
            flat.extend(child)
    return Element(tag, tuple(found), tuple(flat))


_DATA = "data:text/csv;charset=utf-8;base64,"


def download(label: str, filename: str, text: str) -> Element:
    """Offer a text as a file, which lies in the page itself."""
    data = base64.b64encode(text.encode()).decode("ascii")
    return element("a", label, href=_DATA + data, download=filename)


def foreign(text: str) -> Element:
    """Show what the wire brought: kept apart, so that its direction of writing does not spread."""
    return element("bdi", text)
