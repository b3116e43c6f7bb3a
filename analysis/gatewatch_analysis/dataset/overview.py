"""What is in a dataset: rows, countries, days and sources, from its manifest alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatewatch_analysis.dataset.manifest import Manifest, Part
from gatewatch_analysis.dataset.place import Place
from gatewatch_analysis.dataset.reading import opened


@dataclass(frozen=True, slots=True)
class InCountry:
    """A country's part of a dataset; days are None where no measurement has a time."""

    measurements: int
    observations: int
    first: str | None
    last: str | None
    days: int


@dataclass(frozen=True, slots=True)
class Overview:
    """A dataset in numbers.

    ``rows`` and ``bytes`` are by table, ``missing`` lists files that the manifest names and that are not
    there; ``copies``, ``aside`` and ``passed`` are what the builds left out.
    """

    path: str
    sources: int
    measurements: int
    copies: int
    aside: int
    passed: int
    rows: dict[str, int]
    bytes: dict[str, int]
    files: int
    countries: dict[str, InCountry]
    missing: tuple[str, ...]


def overview(path: str | Path, *, storage: Mapping[str, Any] | None = None) -> Overview:
    """Count a dataset; raises NoDataset where there is none, DamagedDataset for a manifest that is none."""
    place, manifest = opened(path, storage)
    rows: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for part in manifest.parts:
        rows[part.table] += part.rows
        size[part.table] += part.bytes
    sources = manifest.sources
    return Overview(
        path=place.name,
        sources=len(sources),
        measurements=rows["measurements"],
        copies=manifest.copies + sum(s.copies for s in sources),
        aside=sum(s.aside for s in sources),
        passed=sum(s.passed for s in sources),
        rows=dict(sorted(rows.items())),
        bytes=dict(sorted(size.items())),
        files=len(manifest.parts),
        countries={code: _country(found) for code, found in sorted(_by_country(manifest).items())},
        missing=_missing(place, manifest),
    )


def _by_country(manifest: Manifest) -> dict[str, list[Part]]:
    found: dict[str, list[Part]] = {}
    for part in manifest.parts:
        if part.country:
            found.setdefault(part.country, []).append(part)
    return found


def _country(parts: list[Part]) -> InCountry:
    days = sorted({part.day for part in parts if part.day is not None})
    return InCountry(
        measurements=sum(part.rows for part in parts if part.table == "measurements"),
        observations=sum(part.rows for part in parts if part.table == "observations"),
        first=days[0] if days else None,
        last=days[-1] if days else None,
        days=len(days),
    )


def _missing(place: Place, manifest: Manifest) -> tuple[str, ...]:
    there = set(place.names())
    return tuple(sorted(part.path for part in manifest.parts if part.path not in there))
