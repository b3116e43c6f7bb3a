"""Foreign formats, to records: what is no OONI measurement, one module a format.

Traceroutes of RIPE Atlas and of scamper are read by the core (:mod:`gatewatch.records`), which writes them
too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gatewatch.records import Measurement
from gatewatch.records.atlas import from_atlas
from gatewatch.records.scamper import from_scamper
from gatewatch_analysis.loading.formats.atlas_dns import from_atlas_dns

# scamper writes these around its traces; they measure nothing.
_FRAMES = ("cycle-start", "cycle-stop")


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Measurement]] = {
    "traceroute": from_atlas,
    "dns": from_atlas_dns,
    "trace": from_scamper,
}


def known(data: Mapping[str, Any]) -> bool:
    """Tell whether a result says to be of a kind that is read here."""
    kind = data.get("type")
    return isinstance(kind, str) and (kind in _READERS or kind in _FRAMES)


def read(data: Mapping[str, Any]) -> Measurement | None:
    """Read a result, None where it measured nothing; raises ValueError when it is not what it says to be."""
    kind = str(data.get("type"))
    if kind in _FRAMES:
        return None
    try:
        return _READERS[kind](data)
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, OSError) as error:
        raise ValueError(f"no {kind} result that can be read: {error}") from error
