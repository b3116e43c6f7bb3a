"""Plain tables for people: aligned, no colours, and nothing from the wire that could steer a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from rich.cells import cell_len

from gatewatch_targets.text import printable

# A cell is read at a glance; longer ones (URLs) are cut and stand whole in the JSON.
_WIDEST = 48
#: A screenful; the JSON has every row.
ROWS = 40


def table(heading: Sequence[str], rows: Iterable[Sequence[Any]], *, widest: int = _WIDEST) -> str:
    """Lay out rows under a heading: numbers to the right, text to the left, missing values as ``-``."""
    rows = [list(row) for row in rows]
    # Headings too: some are names of networks, as the measurements give them.
    shown = [[_shown(value, widest) for value in row] for row in (heading, *rows)]
    widths = [max(cell_len(line[i]) for line in shown) for i in range(len(heading))]
    right = [
        any(_is_number(row[i]) for row in rows) and all(_is_number(row[i]) or pd.isna(row[i]) for row in rows)
        for i in range(len(heading))
    ]
    out = []
    for line in shown:
        # Khmer, Thai and Chinese letters are not one column wide: rich counts as terminals do.
        gaps = [" " * (width - cell_len(text)) for text, width in zip(line, widths, strict=True)]
        cells = [
            gap + text if to_right else text + gap
            for text, gap, to_right in zip(line, gaps, right, strict=True)
        ]
        out.append("  " + "  ".join(cells).rstrip())
    return "\n".join(out)


def told(heading: Sequence[str], shown: Sequence[Sequence[Any]], most: int = ROWS) -> str:
    """Lay out a screenful of rows, and say how many more there are; nothing for none."""
    if not shown:
        return ""
    text = table(heading, shown[:most])
    more = len(shown) - most
    return f"{text}\n  and {more} more: --json lists them all" if more > 0 else text


def part(title: str, body: str, otherwise: str = "") -> str:
    """Put a title over a body; without one ``otherwise`` stands there, or there is no such part."""
    text = body or (f"  {otherwise}" if otherwise else "")
    return f"{title}\n{text}" if text else ""


def whole(parts: Iterable[str]) -> str:
    """Put parts below one another, those that are empty left out."""
    return "\n\n".join(one for one in parts if one) + "\n"


def country_of(row: Any) -> str:
    """Name a row's country, and say when it is the lab's."""
    return f"{row['country']} lab" if row["lab"] else str(row["country"])


def percent(value: Any) -> str:
    """Write a share as percent; ``-`` where it is missing."""
    return "-" if pd.isna(value) else f"{value:.0%}"


def _is_number(value: Any) -> bool:
    return (isinstance(value, int | float) and not pd.isna(value)) or (
        isinstance(value, str) and value.endswith("%") and value[:-1].isdecimal()
    )


def _shown(value: Any, widest: int) -> str:
    if pd.isna(value):
        return "-"
    if isinstance(value, float):
        return f"{value:.1f}"
    text = printable(str(value))
    return text if len(text) <= widest else text[: widest - 3] + "..."
