"""The manifest: what a dataset is made of, file by file, and from what.  It alone says what is there."""

from __future__ import annotations

from datetime import date

import msgspec
from msgspec import Struct

from gatewatch_analysis.dataset import layout
from gatewatch_analysis.dataset.layout import MANIFEST, TABLES, is_part
from gatewatch_analysis.dataset.place import Place

_FORMAT, _VERSION = "gatewatch dataset", 1
# A part takes some 150 bytes: this is room for two million of them.
_MOST = 2**28


class DamagedDataset(Exception):
    """A manifest that cannot be read, or files that it lists and that are not there."""


class Part(Struct, frozen=True):
    """A file; ``day`` is None for measurements without a time, ``country`` empty for a table not cut."""

    table: str
    country: str
    day: str | None
    path: str
    rows: int
    bytes: int

    @property
    def file(self) -> str:
        """The file's own name."""
        return self.path.rpartition("/")[2]

    @property
    def date(self) -> date | None:
        """The day."""
        return None if self.day is None else date.fromisoformat(self.day)


class Origin(Struct, frozen=True):
    """A source, and what was read of it.

    ``sha256`` is of the file as stored.  ``measurements`` were read, ``copies`` of others that were read with
    it were not; ``aside`` are lines that could not be read, ``passed`` results that measured nothing, and
    ``told`` is how many rows of problems there are.  ``prefixes`` is the run's table of prefixes.
    """

    name: str
    sha256: str
    size: int
    run: str
    isp: str | None
    lab: bool
    measurements: int
    copies: int
    aside: int
    passed: int
    told: int
    prefixes: str | None = None


class Manifest(Struct):
    """All that belongs to a dataset.

    ``columns`` gives the type of each, by table; ``copies`` were read and left out: the dataset had them.
    """

    format: str
    version: int
    columns: dict[str, dict[str, str]]
    sources: list[Origin]
    parts: list[Part]
    copies: int = 0


def new() -> Manifest:
    """Give the manifest of an empty dataset."""
    columns = {name: {k: c.dtype for k, c in table.columns().items()} for name, table in TABLES.items()}
    return Manifest(_FORMAT, _VERSION, columns, [], [])


def load(place: Place) -> Manifest | None:
    """Read a dataset's manifest, None where there is none; raises :class:`DamagedDataset`."""
    if not place.exists(MANIFEST):
        return None
    try:
        found = msgspec.json.decode(place.read(MANIFEST, _MOST), type=Manifest)
    except (ValueError, RecursionError) as error:
        raise DamagedDataset(f"{place.name}/{MANIFEST}: {error}") from error
    if found.format != _FORMAT:
        raise DamagedDataset(f"{place.name}/{MANIFEST} is of another format")
    if found.version > _VERSION:
        raise DamagedDataset(f"{place.name} was made by a newer gatewatch (version {found.version})")
    # A manifest may come from anywhere, and what it lists is opened.
    for origin in found.sources:
        if origin.prefixes is not None and not layout.is_prefixes(origin.prefixes):
            raise DamagedDataset(f"{place.name}/{MANIFEST} lists {origin.prefixes[:80]!r} for prefixes")
    for part in found.parts:
        if not is_part(part.path) or part.path != layout.path(part.table, part.country, part.day, part.file):
            raise DamagedDataset(f"{place.name}/{MANIFEST} lists {part.path[:80]!r}, which is no part")
    return found


def save(place: Place, manifest: Manifest) -> None:
    """Write the manifest: from this moment on its files are the dataset."""
    fresh = new()
    data = msgspec.json.encode(
        Manifest(
            fresh.format, fresh.version, fresh.columns, manifest.sources, manifest.parts, manifest.copies
        )
    )
    place.write(MANIFEST, msgspec.json.format(data, indent=1))
