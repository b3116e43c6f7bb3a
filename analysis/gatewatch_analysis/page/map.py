"""The region's map: land, what cables are known, and those that may carry the measured paths.

The outline is Natural Earth's, made coarser, and in the public domain; a cable is drawn as lines between its
landings, which is no route.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import cos, radians

from gatewatch_analysis.page.element import Element, element
from gatewatch_targets.outline import BOUNDS, outline

_WIDTH = 900
_WEST, _SOUTH, _EAST, _NORTH = BOUNDS
# Degrees of longitude are shorter away from the equator; right in the middle of the map.
_SCALE = _WIDTH / (_EAST - _WEST)
_STRETCH = 1 / cos(radians((_SOUTH + _NORTH) / 2))
_HEIGHT = round(_SCALE * _STRETCH * (_NORTH - _SOUTH))


@dataclass(frozen=True, slots=True)
class Drawn:
    """A cable on the map: its name, its landings (latitude, longitude), and how it is drawn.

    ``candidate``: it may carry a measured path.  ``chinese``: by the report's definition.
    """

    name: str
    landings: tuple[tuple[float, float], ...]
    candidate: bool = False
    chinese: bool = False


def region(caption: str, cables: Iterable[Drawn], here: Sequence[str], said: str) -> Element:
    """Draw the map with cables; ``here`` are the countries measured, ``said`` tells it in words."""
    parts: list[Element] = [element("rect", x=0, y=0, width=_WIDTH, height=_HEIGHT, class_="sea")]
    for kind, ring in outline():
        if kind == "land" or kind in here:
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (_place(lat, lon) for lon, lat in ring))
            parts.append(element("polygon", points=points, class_="land" if kind == "land" else "here"))
    # Candidates last, so that they lie on top.
    for cable in sorted(cables, key=lambda c: c.candidate):
        parts += _cable(cable)
    picture = element(
        "svg",
        element("title", caption),
        element("desc", said),
        parts,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
    )
    return element("figure", picture, element("figcaption", f"{caption}. {said}"))


def _cable(cable: Drawn) -> Iterable[Element]:
    kind = "cable"
    if cable.candidate:
        kind = "candidate chinese" if cable.chinese else "candidate"
    inside = [_place(lat, lon) for lat, lon in _in_order(cable.landings) if _on_map(lat, lon)]
    if len(inside) > 1:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in inside)
        yield element("polyline", element("title", cable.name), points=points, class_=kind)
    if cable.candidate and inside:
        for x, y in inside:
            yield element("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=3, class_="landing")
        x, y = inside[0]
        yield element("text", cable.name, x=f"{x + 6:.1f}", y=f"{y - 6:.1f}", class_="small")


def _in_order(landings: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Put landings into an order: from the west, always on to the nearest that is left."""
    left = sorted(landings, key=lambda place: place[1])
    ordered = left[:1]
    left = left[1:]
    while left:
        lat, lon = ordered[-1]
        nearest = min(left, key=lambda place: (place[0] - lat) ** 2 + (place[1] - lon) ** 2)
        ordered.append(nearest)
        left.remove(nearest)
    return ordered


def _on_map(lat: float, lon: float) -> bool:
    return _WEST <= lon <= _EAST and _SOUTH <= lat <= _NORTH


def _place(lat: float, lon: float) -> tuple[float, float]:
    return (lon - _WEST) * _SCALE, (_NORTH - lat) * _SCALE * _STRETCH
