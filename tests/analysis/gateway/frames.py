"""Small tables written by hand: only what a test is about is said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from gatewatch_analysis.tables import Borders, Contrasts, Loci, Measurements, Table

DAY = pd.Timestamp("2026-11-24", tz="UTC")


def made(table: type[Table], rows: Iterable[Mapping[str, Any]], **usual: Any) -> pd.DataFrame:
    """Build a table from what is said of each row; the rest is ``usual`` or missing."""
    columns = table.columns()
    whole = [{"country": "KH", "lab": False, **usual, **row} for row in rows]
    assert not {name for row in whole for name in row} - set(columns)
    return table.frame([[row.get(name) for name in columns] for row in whole])


def isp(number: int) -> dict[str, Any]:
    """An ISP by its network's number."""
    return {"isp": f"ISP {number}", "asn": number}


def verdicts(
    number: int,
    label: str,
    targets: Iterable[str] = ("a",),
    *,
    run: str = "r",
    at: float = 0.0,
    many: int = 1,
) -> list[dict[str, Any]]:
    """Verdicts of an ISP on targets, ``at`` hours after the first day's start; label as in ``tls.reset``."""
    layer, _, method = label.partition(".")
    about = {
        **isp(number),
        "run": f"{run}{number}",
        "test_name": "web_connectivity",
        "start": DAY + pd.Timedelta(hours=at),
        "status": "blocked" if method else label,
        "layer": layer if method else None,
        "method": method or None,
        "label": f"blocked({label})" if method else label,
        "confidence": 0.8,
    }
    return [{**about, "input": target} for target in targets for _ in range(many)]


def measurements(*rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    return made(Measurements, [row for part in rows for row in part])


def link(
    number: int, domestic: tuple[str, int], foreign: tuple[str, int], destination: str = "104.16.1.1"
) -> dict[str, Any]:
    """A border link of an ISP: address and network of both ends."""
    return {
        **isp(number),
        "destination": destination,
        "state": "found",
        "domestic_address": domestic[0],
        "domestic_asn": domestic[1],
        "foreign_address": foreign[0],
        "foreign_asn": foreign[1],
        "foreign_name": f"Carrier {foreign[1]}",
        "at_destination": False,
    }


def borders(*rows: Mapping[str, Any]) -> pd.DataFrame:
    return made(Borders, rows)


End = tuple[str | None, int | None, str | None]


def locus(
    number: int, place: str, before: End, after: End, method: str = "tls", **more: Any
) -> dict[str, Any]:
    """A located trigger of an ISP; an end is address, network and country."""
    ends = {
        f"{side}_{what}": value
        for side, end in (("before", before), ("after", after))
        for what, value in zip(("address", "asn", "country"), end, strict=True)
    }
    about = {"input": "a", "method": method, "signature": "reset", "before": 3, "after": 4, "place": place}
    return {**isp(number), **about, "probability": 0.99, **ends, **more}


def loci(*rows: Mapping[str, Any]) -> pd.DataFrame:
    return made(Loci, rows)


def contrasts(*rows: tuple[int, str, str, str]) -> pd.DataFrame:
    """Contrasts: ISP, name, method, conclusion."""
    named = [
        {**isp(number), "input": name, "method": method, "conclusion": word}
        for number, name, method, word in rows
    ]
    return made(Contrasts, named)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values: None for what is missing."""
    plain = frame.astype(object)
    return [
        {str(k): v for k, v in row.items()} for row in plain.where(frame.notna(), None).to_dict("records")
    ]


def only(frame: pd.DataFrame) -> dict[str, Any]:
    [row] = records(frame)
    return row
