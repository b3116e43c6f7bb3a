"""Lines over time, with the timeline's events beside them: drawn without a script, and told in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from gatewatch.words import say
from gatewatch_analysis.page.element import Element, element

_WIDTH, _HEIGHT = 900, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 12, 46
# As many as can be told apart by colour and by dashes.
_MOST_LINES = 3

Point = tuple[date, float]


def chart(
    caption: str,
    lines: Mapping[str, Sequence[Point]],
    events: Sequence[tuple[date, str]] = (),
    *,
    top: float = 1.0,
) -> Element | None:
    """Draw up to three lines from 0 to ``top``; None where there is no line of two points or more."""
    drawn = {name: sorted(points) for name, points in list(lines.items())[:_MOST_LINES] if len(points) > 1}
    if not drawn:
        return None
    days = [day for points in drawn.values() for day, _ in points]
    first, last = min(days), max(days)

    def x(day: date) -> float:
        whole = (last - first).days or 1
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (day - first).days / whole

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * min(max(value, 0.0), top) / top

    parts: list[Element] = []
    names: list[Element] = []
    for step in (0.0, 0.25, 0.5, 0.75, 1.0):
        level = y(step * top)
        parts.append(element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=level, y2=level, class_="axis"))
        parts.append(
            element("text", f"{step * top:g}", x=_LEFT - 6, y=level + 4, text_anchor="end", class_="small")
        )
    for day, anchor in ((first, "start"), (last, "end")):
        parts.append(
            element("text", day.isoformat(), x=x(day), y=_HEIGHT - 26, text_anchor=anchor, class_="small")
        )
    for number, (day, name) in enumerate(e for e in events if first <= e[0] <= last):
        parts.append(element("line", x1=x(day), x2=x(day), y1=_TOP, y2=_HEIGHT - _BOTTOM, class_="event"))
        # Names in turn on three heights, as events come in clusters; in front of whatever line goes there.
        height = _TOP + 10 + 13 * (number % 3)
        names.append(element("text", name, x=x(day) + 3, y=height, class_="small name"))
    for number, (name, points) in enumerate(drawn.items()):
        path = " ".join(f"{x(day):.1f},{y(value):.1f}" for day, value in points)
        parts.append(element("polyline", points=path, class_=f"line{number}"))
        at = _LEFT + 280 * number
        parts.append(
            element("line", x1=at, x2=at + 34, y1=_HEIGHT - 10, y2=_HEIGHT - 10, class_=f"line{number}")
        )
        parts.append(element("text", name, x=at + 40, y=_HEIGHT - 6))
    told = "; ".join(
        say("{name}: {first} to {last}", name=name, first=f"{points[0][1]:.3g}", last=f"{points[-1][1]:.3g}")
        for name, points in drawn.items()
    )
    picture = element(
        "svg",
        element("title", caption),
        element("desc", told),
        parts,
        names,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
    )
    return element("figure", picture, element("figcaption", caption))
