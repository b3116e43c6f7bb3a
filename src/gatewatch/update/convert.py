"""From what others publish to what we use: checked first, and never more trusting than it must be.

Each converter gets the fetched parts and gives the content to keep, how many entries it has, and the date
that the content itself bears (ISO 8601, empty where it bears none).  Raises Refused for what is no such data.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from socket import AF_INET, AF_INET6, inet_pton
from typing import Any, NamedTuple

from gatewatch.update.catalogue import DATA, Dataset
from gatewatch.update.download import Refused
from gatewatch.update.unpack import lines, whole
from gatewatch.whereabouts import About, PrefixTable
from gatewatch.whereabouts.prefix import MAX_ASN
from gatewatch_targets import DataError, printable, read, read_signs
from gatewatch_targets.cables.foreign import read_foreign

# A file of which so much cannot be read is another one than we know.
_BAD = 0.02
_MAX_NAME = 120
_COUNTRY = re.compile(r"[A-Z]{2}")
# Codes that stand for no country: unknown, user-assigned (ISO 3166-1 8.1.3).
_NO_COUNTRY = frozenset({"ZZ", "XX", "AP"})
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")

Owner = tuple[int, str, str, str]
Range = tuple[int, int, int, Owner]


class Converted(NamedTuple):
    """What becomes of a data set."""

    content: bytes
    entries: int
    dated: str = ""


def convert(dataset: Dataset, parts: Mapping[str, Path], about: About) -> Converted:
    """Turn fetched parts into what is kept."""
    for path in parts.values():
        _no_page(path)
    return _FORMATS[dataset.format](dataset, parts, about)


def _no_page(path: Path) -> None:
    """Refuse web pages: a login page or a block page, with status 200, is what many networks send instead."""
    with path.open("rb") as file:
        begins = file.read(1024)
    if not begins.strip():
        raise Refused("the file is empty")
    if begins.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise Refused("a web page came instead of the file: a login page, a block page or an error")


def _citizenlab(dataset: Dataset, parts: Mapping[str, Path], about: About) -> Converted:
    content = whole(parts[DATA], dataset.unpacked)
    if not content.lstrip(b"\xef\xbb\xbf").startswith(b"url,category_code,"):
        raise Refused("it lacks the heading of Citizen Lab's lists")
    try:
        result = read(parts[DATA])
    except DataError as error:
        raise Refused(str(error)) from None
    if len(result.errors) > max(5, len(result.targets) // 10):
        raise Refused(f"{len(result.errors)} lines cannot be read, the first: {result.errors[0].text}")
    rows = csv.DictReader(content.decode("utf-8", "replace").splitlines())
    today = datetime.now(UTC).date().isoformat()
    try:
        dates = [str(row.get("date_added") or "") for row in rows]
    except csv.Error as error:
        raise Refused(f"it is no CSV: {error}") from None
    # A slip of the pen must not make a list the newest for years.
    dated = max((d for d in dates if _DATE.fullmatch(d) and d <= today), default="")
    return Converted(content, len(result.targets), dated)


def _signs(dataset: Dataset, parts: Mapping[str, Path], about: About) -> Converted:
    try:
        file = read_signs(parts[DATA])
    except DataError as error:
        raise Refused(error.problem.text) from None
    return Converted(whole(parts[DATA], dataset.unpacked), len(file.signs) + file.vague)


def _cells(path: Path, most: int, separator: str) -> Iterator[list[str]]:
    if separator == "\t":
        for line in lines(path, most):
            if line and not line.startswith("#"):
                yield line.split("\t")
        return
    try:
        yield from csv.reader(line for line in lines(path, most) if line and not line.startswith("#"))
    except csv.Error as error:
        raise Refused(f"it is no CSV: {error}") from None


def _table(
    rows: Iterable[list[str]], read_row: Callable[[list[str]], Range | None], about: About
) -> Converted:
    """Build a table of rows; a few that cannot be read are passed over."""
    good = bad = 0

    def ranges() -> Iterator[Range]:
        nonlocal good, bad
        for row in rows:
            try:
                found = read_row(row)
            except (ValueError, IndexError, OSError):
                bad += 1
                # Soon enough to stop at a file of another kind, late enough for a heading.
                if bad > 100 and bad > good:
                    raise Refused("its lines are of another kind") from None
                continue
            good += 1
            if found is not None:
                yield found

    table = PrefixTable.of_ranges(ranges(), about)
    if bad > max(1, _BAD * good):
        raise Refused(f"{bad} of {good + bad} lines cannot be read")
    return Converted(table.dump(), len(table))


def _address(text: str) -> tuple[int, int]:
    if ":" in text:
        return 6, int.from_bytes(inet_pton(AF_INET6, text), "big")
    if text.isdigit() and text.isascii() and len(text) <= 10:
        # IPtoASN's files "u32" write addresses as numbers.
        return 4, int(text)
    return 4, int.from_bytes(inet_pton(AF_INET, text), "big")


def _span(first: str, last: str) -> tuple[int, int, int]:
    version, begins = _address(first)
    other, ends = _address(last)
    if version != other or ends < begins or ends >> (32 if version == 4 else 128):
        raise ValueError("the range is the wrong way round")
    return version, begins, ends


def _asn(text: str) -> int:
    digits = text.strip().removeprefix("AS")
    if not (digits.isascii() and digits.isdigit() and int(digits) <= MAX_ASN):
        raise ValueError("no AS number")
    return int(digits)


def _country(text: str) -> str:
    code = text.strip().upper()
    return code if _COUNTRY.fullmatch(code) and code not in _NO_COUNTRY else ""


class _Names:
    """Names made fit to be shown, once each."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        found = self._known.get(text)
        if found is None:
            found = self._known[text] = printable(" ".join(text.split()))[:_MAX_NAME]
        return found


def _iptoasn(dataset: Dataset, parts: Mapping[str, Path], about: About) -> Converted:
    """``first, last, asn, country, name`` by tabs; asn 0: not routed."""
    names = _Names()

    def row(cells: list[str]) -> Range | None:
        first, last, number, country, name = cells
        asn = _asn(number)
        return (*_span(first, last), (asn, _country(country), names(name), "")) if asn else None

    return _table(_cells(parts[DATA], dataset.unpacked, "\t"), row, about)


def _ranges_asn(dataset: Dataset, parts: Mapping[str, Path], about: About) -> Converted:
    """``first,last,asn,name`` (sapics/ip-location-db)."""
    names = _Names()

    def row(cells: list[str]) -> Range | None:
        asn = _asn(cells[2])
        name = names(cells[3]) if len(cells) > 3 else ""
        return (*_span(cells[0], cells[1]), (asn, "", name, "")) if asn else None

    return _table(_cells(parts[DATA], dataset.unpacked, ","), row, about)


def _ranges_country(dataset: Dataset, parts: Mapping[str, Path], about: About) -> Converted:
    """``first,last,country`` (DB-IP Lite, sapics/ip-location-db)."""

    def row(cells: list[str]) -> Range | None:
        first, last, code = cells
        country = _country(code)
        if not country and not _COUNTRY.fullmatch(code.strip()):
            raise ValueError("no country")
        return (*_span(first, last), (0, country, "", "")) if country else None

    return _table(_cells(parts[DATA], dataset.unpacked, ","), row, about)


def _pfx2as(dataset: Dataset, parts: Mapping[str, Path], about: About) -> Converted:
    """CAIDA's ``prefix, length, origin`` by tabs; of several origins (``1_2``, ``{1,2}``) the first."""

    def row(cells: list[str]) -> Range | None:
        base, length, origins = cells
        network = ip_network(f"{base}/{length}")
        first = re.split(r"[_,]", origins.strip().strip("{}"))[0]
        ends = int(network.broadcast_address)
        return network.version, int(network.network_address), ends, (_asn(first), "", "", "")

    return _table(_cells(parts[DATA], dataset.unpacked, "\t"), row, about)


def _json(path: Path, most: int) -> Any:
    try:
        return json.loads(whole(path, most))
    except (ValueError, RecursionError) as error:
        raise Refused(f"it is no JSON: {error}") from None


def _objects(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Refused("it is no list of objects")
    return value


def _peeringdb(dataset: Dataset, parts: Mapping[str, Path], about: About) -> Converted:
    """Prefixes of peering LANs (``ixpfx``) and their exchanges (``ix``, whose LAN has the same number)."""
    loaded = {name: _json(parts[name], dataset.unpacked) for name in ("prefixes", "exchanges")}
    try:
        prefixes, exchanges = (_objects(loaded[name]["data"]) for name in ("prefixes", "exchanges"))
    except (LookupError, TypeError):
        raise Refused("it is not what PeeringDB's API answers") from None
    names = _Names()
    known = {
        item["id"]: (names(str(item.get("name", ""))), _country(str(item.get("country", ""))))
        for item in exchanges
        if isinstance(item.get("id"), int)
    }

    def row(cells: list[str]) -> Range | None:
        network = ip_network(cells[0])
        name, country = known.get(int(cells[1]), ("", ""))
        owner = (0, country, "", name or "exchange point without a name")
        return network.version, int(network.network_address), int(network.broadcast_address), owner

    made = _table(([str(p.get("prefix")), str(p.get("ixlan_id"))] for p in prefixes), row, about)
    changed = max((str(p.get("updated", "")) for p in prefixes), default="")
    return made._replace(dated=changed if _DATE.match(changed) else "")


def _cablemap(dataset: Dataset, parts: Mapping[str, Path], about: About) -> Converted:
    """Every cable with its landing points' coordinates, which the map keeps in a file of their own."""
    try:
        points = {
            feature["properties"]["id"]: feature["geometry"]["coordinates"]
            for feature in _objects(_json(parts["points"], dataset.unpacked)["features"])
        }
    except (LookupError, TypeError):
        raise Refused("its landing points are of another form") from None
    found = []
    for name in sorted(parts):
        if not name.startswith("each-"):
            continue
        cable = _json(parts[name], dataset.unpacked)
        if not isinstance(cable, dict) or "id" not in cable or "landing_points" not in cable:
            raise Refused(f"{name}: is no cable")
        landings = []
        for landing in _objects(cable["landing_points"]):
            place = landing.get("id")
            pair = points.get(place) if isinstance(place, str) else None
            lon, lat = pair[:2] if isinstance(pair, list) and len(pair) > 1 else (None, None)
            landings.append({**landing, "lon": lon, "lat": lat})
        found.append({**cable, "landing_points": landings})
    # JSON can smuggle in halves of characters, which cannot be written.
    content = json.dumps(found, ensure_ascii=False, indent=1).encode("utf-8", "replace")
    try:
        known = read_foreign(content, dataset.name)
    except DataError as error:
        raise Refused(str(error)) from None
    if len(known.rejected) > len(found) // 10:
        # Who reads it leaves out what is malformed; so much of it is another form.
        raise Refused(f"{len(known.rejected)} of {len(found)} cables cannot be read: {known.rejected[0]}")
    return Converted(content, len(known.cables))


_FORMATS: dict[str, Callable[[Dataset, Mapping[str, Path], About], Converted]] = {
    "citizenlab": _citizenlab,
    "signs": _signs,
    "iptoasn": _iptoasn,
    "ranges-asn": _ranges_asn,
    "ranges-country": _ranges_country,
    "pfx2as": _pfx2as,
    "peeringdb": _peeringdb,
    "cablemap": _cablemap,
}


def iso(moment: datetime) -> str:
    """Write a moment as it stands in sidecars."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
