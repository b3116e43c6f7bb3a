"""Measurements tables made by hand, a short tuple a row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from gatewatch_analysis.tables import Measurements

DAY = pd.Timestamp("2024-05-01", tz="UTC")


def judged(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """A measurements table; rows name what differs, and as ``label`` a status or layer.method.

    ``day`` counts from 1 May 2024, and ``asn`` names the ISP.
    """
    cells = []
    for number, row in enumerate(rows):
        label = str(row.get("label", "ok"))
        layer, _, method = label.partition(".")
        target = str(row.get("input", "http://site.com/"))
        asn = int(row.get("asn", 1))
        about = {
            "country": row.get("country", "KH"),
            "isp": f"ISP {asn}",
            "asn": asn,
            "lab": bool(row.get("lab", False)),
            "run": row.get("run", f"run {number}"),
            "test_name": row.get("test_name", "web_connectivity"),
            "input": target,
            "host": target.split("/")[2],
            "category": "NEWS",
            "start": DAY + pd.Timedelta(days=row.get("day", 0), hours=row.get("hour", 12)),
            "runtime_s": 1.0,
            "status": "blocked" if method else label,
            "layer": layer if method else None,
            "method": method or None,
            "label": f"blocked({label})" if method else label,
            "rule": row.get("rule", f"{label}.test"),
            "confidence": row.get("confidence", 0.8),
            "measurement": number,
        }
        cells.append([about.get(name) for name in Measurements.columns()])
    return Measurements.frame(cells)
