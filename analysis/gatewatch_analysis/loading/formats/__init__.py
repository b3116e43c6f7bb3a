"""Foreign formats, to records: what is no OONI measurement, one module a format.

Traceroutes of RIPE Atlas and of scamper are read by the core (:mod:`gatewatch.records`), which writes them
too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gatewatch.records import Measurement
from gatewatch.records.atlas import from_atlas
from gatewatch.records.scamper import from_scamper
from gatewatch_analysis.loading.formats.atlas_dns import from_atlas_dns
from gatewatch_analysis.loading.formats.ooni_apps import with_endpoints

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


def judgeable(m: Measurement) -> Measurement | None:
    """Give a measurement without a verdict as the rules read it, None where they do not judge its test."""
    return m if m.test_name == "web_connectivity" else with_endpoints(m)


def read(data: Mapping[str, Any]) -> Measurement | None:
    """Read a result, None where it measured nothing; raises ValueError when it is not what it says to be."""
    kind = str(data.get("type"))
    if kind in _FRAMES:
        return None
    try:
        made = _READERS[kind](data)
        uid = _uid(data)
        return replace(made, measurement_uid=uid) if uid else made
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, OSError) as error:
        raise ValueError(f"no {kind} result that can be read: {error}") from error


def _uid(data: Mapping[str, Any]) -> str | None:
    """Name a result of RIPE Atlas by measurement, probe and time; our own exports have no such numbers."""
    numbers = [data.get(key) for key in ("msm_id", "prb_id", "timestamp")]
    if not all(isinstance(number, int) and number > 0 for number in numbers):
        return None
    return "ripe-atlas-{}-{}-{}".format(*numbers)
