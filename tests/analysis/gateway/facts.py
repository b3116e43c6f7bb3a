"""What is on record of real countries, as measurements would have it; sources stand in the files."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).with_name("facts")


def rows(name: str) -> list[dict[str, str]]:
    """The rows of a file of facts."""
    text = (_FOLDER / f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


def rfa(fraction: int = 1) -> list[dict[str, Any]]:
    """Cambodia, www.rfa.org: blocked measurements as rows of ``Mechanisms``."""
    return [
        {
            "isp": row["isp"],
            "asn": int(row["asn"]),
            "input": "https://www.rfa.org/",
            "mechanism": row["mechanism"],
            "count": max(int(row["count"]) // fraction, 1),
        }
        for row in rows("kh-rfa-2024")
    ]
