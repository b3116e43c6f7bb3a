"""What counts of a country's evidence, written by hand."""

from __future__ import annotations

from typing import Any

from gatewatch_analysis.gateway.isps import Isp
from gatewatch_analysis.gateway.likelihood import Groups
from gatewatch_analysis.gateway.seen import Seen


def isps(count: int) -> tuple[Isp, ...]:
    """So many ISPs."""
    return tuple(Isp("KH", f"ISP {n}", n, False) for n in range(1, count + 1))


def seeing(count: int = 7, **what: Any) -> Seen:
    """What is said, and nothing else."""
    nothing: dict[str, Any] = {
        "isps": isps(count),
        "units": count,
        "hit": (0, 0),
        "places": {},
        "contrasts": {},
        "mechanisms": Groups(),
        "lies": Groups(),
        "boxes": (),
        "beyond": Groups(),
        "lists": None,
        "onsets": None,
        "exits": None,
        "carriers": None,
        "located": frozenset(),
        "contrasted": frozenset(),
    }
    return Seen(**(nothing | what))


#: Seven ISPs, and no evidence.
EMPTY = seeing()
