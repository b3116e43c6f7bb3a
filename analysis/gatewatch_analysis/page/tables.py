"""Tables for eyes, ears and spreadsheets: captions, headings of rows and columns, and the same as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pandas as pd

from gatewatch.store import sheet
from gatewatch_analysis.page.element import Element, element, foreign

#: What a missing value is shown as; it is read out as nothing.
MISSING = "–"


def table(
    caption: str,
    heading: Sequence[Element | str],
    rows: Iterable[Sequence[Any]],
    *,
    numbers: Sequence[int] = (),
) -> Element:
    """Lay out rows under a caption; the first cell names its row, ``numbers`` are columns to align right."""
    kinds = ["number" if i in numbers else None for i in range(len(heading))]
    names = (element("th", name, scope="col", class_=kind) for name, kind in zip(heading, kinds, strict=True))
    head = element("tr", names)
    body = [element("tr", _row(row, kinds)) for row in rows]
    whole = element("table", element("caption", caption), element("thead", head), element("tbody", body))
    # Wide tables scroll by themselves, with the keyboard as well.
    return element("div", whole, class_="scroll", role="region", tabindex=0, aria_label=caption)


def _row(row: Sequence[Any], columns: Sequence[str | None]) -> Iterator[Element]:
    yield element("th", cell(row[0]), scope="row")
    for value, kind in zip(row[1:], columns[1:], strict=True):
        yield element("td", cell(value), class_=kind)


def cell(value: Any) -> Element | str:
    """Show one value: elements as they are, numbers short, text set apart, missing ones as a dash."""
    if isinstance(value, Element):
        return value
    if value is None or value is pd.NA or (isinstance(value, float) and pd.isna(value)) or value is pd.NaT:
        return MISSING
    if isinstance(value, bool):
        return "✓" if value else MISSING
    if isinstance(value, float):
        return f"{value:.3g}"
    return str(value) if isinstance(value, int) else foreign(str(value))


def as_csv(frame: pd.DataFrame) -> str:
    """Write a frame as CSV whose cells no spreadsheet takes for formulas."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(map(sheet.cell, frame.columns))
    for row in frame.itertuples(index=False, name=None):
        writer.writerow([_plain(value) for value in row])
    return out.getvalue()


def _plain(value: Any) -> Any:
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and pd.isna(value)):
        return ""
    return sheet.cell(value) if isinstance(value, str) else value
