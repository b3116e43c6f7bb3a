"""A path as a drawing: the hops in a row, whose they are, and the link on which it is cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gatewatch_analysis.page.element import Element, element

_STEP, _BOX, _HEIGHT = 150, 118, 120
# More do not fit on a screen; those in the middle of a long path are left out.
_MOST = 7


@dataclass(frozen=True, slots=True)
class Stop:
    """One hop: its number, what is written in its box, and whether it lies abroad."""

    ttl: int
    lines: tuple[str, ...]
    abroad: bool = False


def way(caption: str, stops: Sequence[Stop], cut: tuple[int, int] | None, said: str) -> Element:
    """Draw the way; ``cut`` are the hops on both sides of the link, ``said`` tells all of it in words."""
    shown = _around(stops, cut)
    parts: list[Element] = []
    for number, (stop, following) in enumerate(zip(shown, [*shown[1:], None], strict=True)):
        left = 8 + number * _STEP
        if following is not None:
            here = cut is not None and stop.ttl <= cut[0] and following.ttl >= cut[1]
            kind = "cut" if here else "way"
            parts.append(element("line", x1=left + _BOX, x2=left + _STEP, y1=50, y2=50, class_=kind))
            if here:
                middle = left + (_BOX + _STEP) / 2
                parts.append(element("text", "✕", x=middle, y=32, text_anchor="middle"))
        box = "hop abroad" if stop.abroad else "hop"
        parts.append(element("rect", x=left, y=16, width=_BOX, height=76, rx=8, class_=box))
        parts.append(element("text", str(stop.ttl), x=left + 8, y=34))
        for row, line in enumerate(stop.lines[:3]):
            parts.append(element("text", line[:17], x=left + 8, y=52 + 15 * row, class_="small"))
    width = 16 + _STEP * max(1, len(shown)) - (_STEP - _BOX)
    picture = element(
        "svg",
        element("title", caption),
        element("desc", said),
        parts,
        viewBox=f"0 0 {width} {_HEIGHT}",
        role="img",
    )
    return element("figure", picture, element("figcaption", f"{caption}: {said}"))


def _around(stops: Sequence[Stop], cut: tuple[int, int] | None) -> list[Stop]:
    """Choose what fits: the first, the last, and those around the cut."""
    if len(stops) <= _MOST:
        return list(stops)
    middle = next((i for i, stop in enumerate(stops) if cut and stop.ttl >= cut[0]), len(stops) // 2)
    start = min(max(1, middle - 2), len(stops) - _MOST + 1)
    return [stops[0], *stops[start : start + _MOST - 2], stops[-1]]
