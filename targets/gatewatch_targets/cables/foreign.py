"""Cable lists of others, as a user fetched them: the public map's API v3, merged or as its own files.

Three shapes, one reader: a JSON list of cables with their landing points (as ``gatewatch update`` keeps it);
an object with ``cables`` and, as ``landing_points``, the API's GeoJSON of positions; a folder laid out as the
API is (``cable/ID.json``, ``landing-point/landing-point-geo.json``).  Such lists have terms of use: nothing
of them is shipped, and what is read keeps the list's name as its source.  An entry that is malformed is put
aside with the reason, the others go on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gatewatch_targets.model import Confidence
from gatewatch_targets.rows import DataError, Problem
from gatewatch_targets.text import quote
from gatewatch_targets.tree import Node, read_json

from .companies import company_named
from .model import Cable, Known, Landing, Length, Role, When
from .places import country_code
from .read import MAX_KM

T = TypeVar("T")
Positions = Mapping[str, tuple[float, float]]

# The public list had 688 cables in February 2026; one of ten thousand is none.
MAX_CABLES = 10_000
# As the public list forms its ids; what is formed otherwise is no path.
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_LENGTH = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)? ?km")
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_RFS = re.compile(r"(\d{4})(?: (?:(Q[1-4])|([A-Za-z]+)))?")
_NONE = ("", "n.a.", "n/a", "tbd", "unknown")
# "PEACE Cable International Network Co., Ltd." is one name in a list that commas separate.
_TAIL = re.compile(r"(?:Inc|Ltd|LLC|Limited|S\.?A|Co)\.?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Foreign:
    """What a fetched list held: its cables, and what was put aside with file, path and reason."""

    name: str
    cables: tuple[Cable, ...]
    rejected: tuple[Problem, ...]


def read_foreign(source: Path | bytes, name: str = "") -> Foreign:
    """Read a fetched list: a file, a folder, or the bytes of a file.

    ``name``: what to call it in sources and errors; default: the file's name.  Raises
    :class:`~gatewatch_targets.rows.DataError` where it is no such list at all, OSError where it cannot be
    read.
    """
    rejected: list[Problem] = []
    if isinstance(source, Path):
        name = name or source.name
        if source.is_dir():
            entries, positions = _folder(source, name, rejected)
        else:
            entries, positions = _document(read_json(source.read_bytes(), name), rejected)
    else:
        entries, positions = _document(read_json(source, name), rejected)
    found: dict[str, Cable] = {}
    for node in entries:
        try:
            cable = _cable(node, name, positions)
            if cable.id in found:
                raise node.error(f"{quote(cable.id)} stands in the list already")
        except DataError as error:
            rejected.append(error.problem)
        else:
            found[cable.id] = cable
    return Foreign(name, tuple(found.values()), tuple(rejected))


def _document(root: Node, rejected: list[Problem]) -> tuple[list[Node], Positions]:
    positions: Positions = {}
    if isinstance(root.value, dict):
        if root.has("landing_points"):
            positions = _positions(root.get("landing_points"), rejected)
        root = root.get("cables")
    entries = root.items()
    if len(entries) > MAX_CABLES:
        raise root.error(f"the list has {len(entries)} entries, the limit is {MAX_CABLES}")
    return [_renamed(node) for node in entries], positions


def _renamed(node: Node) -> Node:
    """Give an entry its id as path, as people know it; by its number where it has none."""
    entry = node.value
    if isinstance(entry, dict) and isinstance(id_ := entry.get("id"), str) and _ID.fullmatch(id_):
        return Node(node.file, id_, entry)
    return node


def _folder(folder: Path, name: str, rejected: list[Problem]) -> tuple[list[Node], Positions]:
    geo = folder / "landing-point" / "landing-point-geo.json"
    positions = _positions(read_json(geo.read_bytes(), geo.name), rejected) if geo.is_file() else {}
    entries: list[Node] = []
    for file in sorted((folder / "cable").glob("*.json"))[:MAX_CABLES]:
        if file.name in ("all.json", "cable-geo.json"):
            continue
        try:
            entries.append(_renamed(read_json(file.read_bytes(), file.name)))
        except DataError as error:
            rejected.append(error.problem)
    if not entries:
        raise DataError(Problem(name, 0, "", "holds no cable/*.json"))
    return entries, positions


def _positions(root: Node, rejected: list[Problem]) -> Positions:
    """Read the API's GeoJSON of landing points (RFC 7946: longitude first)."""
    found: dict[str, tuple[float, float]] = {}
    for node in root.get("features").items():
        try:
            pair = node.get("geometry").get("coordinates")
            if len(pair.items()) < 2:
                raise pair.error("is not a pair of coordinates")
            point = Node(pair.file, pair.path, dict(zip(("lon", "lat"), pair.value, strict=False)))
            found[node.get("properties").text("id")] = _position(point)
        except DataError as error:
            rejected.append(error.problem)
    return found


def _position(node: Node) -> tuple[float, float]:
    return node.number("lat", -90, 90, "a latitude"), node.number("lon", -180, 180, "a longitude")


def _optional(node: Node, key: str) -> str:
    """Give a text that may be missing, null, empty or one of the words for it."""
    if not node.has(key) or node.get(key).value in (None, ""):
        return ""
    text = node.text(key)
    return "" if text.casefold() in _NONE else text


def _flag(node: Node, *keys: str) -> bool:
    """Give a flag under the first of some names that is there; no where none is."""
    key = next((key for key in keys if node.has(key) and node.get(key).value is not None), None)
    return node.flag(key) if key else False


def _cable(node: Node, list_name: str, positions: Positions) -> Cable:
    planned = _flag(node, "is_planned", "planned")
    landings = tuple(_landing(item, list_name, positions) for item in node.get("landing_points").items())
    owners, builders = (tuple(_companies(node, key, list_name)) for key in ("owners", "suppliers"))
    length, ready = _length(node), _ready(node)

    def told(value: T) -> Known[T]:
        return Known(value, "medium", list_name)

    return Cable(
        id=node.text("id"),
        name=node.text("name"),
        kind="submarine",
        in_service=told(ready) if ready and not planned else None,
        planned=told(ready) if ready and planned else None,
        length=told(length) if length else None,
        landings=landings,
        landing_count=told(len(landings)) if landings else None,
        owners=owners,
        owner_count=told(len(owners)) if owners else None,
        builders=builders,
        note=_optional(node, "notes"),
        origin=list_name,
    )


def _landing(node: Node, list_name: str, positions: Positions) -> Landing:
    name, country = node.text("name"), node.text("country")
    placed = any(node.has(key) and node.get(key).value is not None for key in ("lat", "lon"))
    here = _position(node) if placed else positions.get(node.text("id"))
    lat, lon = here or (None, None)
    if (code := country_code(country, lat, lon)) is None:
        raise node.get("country").error(f"{quote(country)} is not the name of a country")
    place = name.removesuffix(f", {country}")
    sure: Confidence = "low" if _flag(node, "is_tbd") else "medium"
    return Landing(place, code, lat, lon, list_name if here else "", sure, list_name)


def _companies(node: Node, key: str, list_name: str) -> Iterator[Role]:
    names: list[str] = []
    for part in filter(None, (part.strip() for part in _optional(node, key).split(","))):
        if names and _TAIL.fullmatch(part):
            names[-1] += f", {part}"
        else:
            names.append(part)
    for name in dict.fromkeys(names):
        yield Role(company_named(name) or name, "medium", list_name)


def _length(node: Node) -> Length | None:
    if not (text := _optional(node, "length")):
        return None
    if (found := _LENGTH.fullmatch(text)) is None:
        raise node.get("length").error(f'{quote(text)} is not a length such as "1,300 km"')
    km = float(found[1].replace(",", ""))
    if not 0 < km <= MAX_KM:
        raise node.get("length").error(f"{quote(text)} is longer than any cable")
    return Length(km, km)


def _ready(node: Node) -> When | None:
    if not (text := _optional(node, "rfs")):
        return None
    found = _RFS.fullmatch(text)
    try:
        if found is None or (found[3] and found[3].casefold() not in _MONTHS):
            raise ValueError(f'{quote(text)} is not a date such as "2017 June"')
        month = f"-{_MONTHS.index(found[3].casefold()) + 1:02}" if found[3] else ""
        return When.parse(found[1] + (f"-{found[2]}" if found[2] else month))
    except ValueError as error:
        raise node.get("rfs").error(str(error)) from None
