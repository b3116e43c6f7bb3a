"""Fuzz targets: what `gatewatch update` fetches, and the table of prefixes that it makes of it."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Hashable
from dataclasses import replace
from functools import cache
from typing import Any, cast

from benchmarks.fuzz import mutate, samples, scratch, shapes
from benchmarks.fuzz.registry import Target
from gatewatch.update import convert
from gatewatch.update.catalogue import DATA, Dataset, datasets
from gatewatch.update.download import Refused
from gatewatch.whereabouts import About, PrefixTable
from gatewatch.whereabouts.packed import DamagedTable

_ABOUT = About("made", "here", "2026-01-01T00:00:00Z", "none", "nobody")
_TEXTS = ("iptoasn", "ranges-asn", "ranges-country", "pfx2as", "citizenlab", "signs")
_TREES = ("peeringdb", "cablemap")


@cache
def _dataset(form: str) -> Dataset:
    # Not all formats stand in the package's own catalogue; limits are those of one that does.
    return replace(datasets()["ip-to-as"], format=cast("Any", form))


def _made(form: str, parts: dict[str, bytes]) -> Hashable:
    paths = {name: scratch.put(name, data) for name, data in parts.items()}
    try:
        found = convert.convert(_dataset(form), paths, _ABOUT)
    except Refused as error:
        return form, str(error)[:10]
    if form in _TEXTS[:4]:
        table = PrefixTable.load(scratch.put("table", found.content))
        table.lookup("203.0.113.9"), table.lookup("2001:db8::9"), table.home_of(64496)
    return form, min(found.entries, 50), bool(found.dated)


def texts(data: bytes) -> Hashable:
    """Convert a fetched file of lines; the first byte says of which format."""
    form = _TEXTS[data[0] % len(_TEXTS)] if data else _TEXTS[0]
    return _made(form, {DATA: data[1:]})


def _text_seeds() -> list[bytes]:
    signs = samples.SIGNS + b"a,isp,,dns,full,192.0.2.1,5,KH,ooni,,\n"
    known = b"203.0.113.0\t203.0.113.255\t64496\tKH\tSOME-ISP\n2001:db8::\t2001:db8::ffff\t64497\tTH\tX\n"
    rows = {
        0: known + b"1.0.0.0\t1.0.0.9\t0\tNone\tNot routed\n",
        1: b'203.0.113.0,203.0.113.255,64496,"Some, ISP"\n3405803776,3405804031,64497\n',
        2: b"203.0.113.0,203.0.113.255,KH\n2001:db8::,2001:db8::ffff,ZZ\n",
        3: b"203.0.113.0\t24\t64496\n198.51.100.0\t24\t64497_64498\n192.0.2.0\t24\t{64499,64500}\n",
        4: samples.CITIZENLAB,
        5: signs,
    }
    found = [bytes((kind,)) + data for kind, data in rows.items()]
    packed = [bytes((kind,)) + gzip.compress(data, mtime=0) for kind, data in rows.items()]
    return [*found, *packed, *(b"\4" + data for data in samples.others("citizenlab/*.csv", most=3))]


def trees(data: bytes) -> Hashable:
    """Convert fetched JSON; one object holds all the parts."""
    form = _TREES[data[0] & 1] if data else _TREES[0]
    try:
        told = json.loads(data[1:])
    except (ValueError, RecursionError):
        told = None
    names = ("prefixes", "exchanges") if form == "peeringdb" else ("points", "each-one", "each-two")
    parts = dict.fromkeys(names, data[1:])
    if isinstance(told, dict):
        for name in names:
            if name in told:
                parts[name] = json.dumps(told[name]).encode("utf-8", "surrogatepass")
    return _made(form, parts)


def _tree_seeds() -> list[bytes]:
    peering = {
        "prefixes": {
            "data": [{"prefix": "203.0.113.0/24", "ixlan_id": 1, "updated": "2024-01-01T00:00:00Z"}]
        },
        "exchanges": {"data": [{"id": 1, "name": "HTN-CAMBODIA-IX", "country": "KH"}]},
    }
    cable = {
        "id": "one", "name": "One", "length": "1,300 km", "rfs": "2017", "owners": "A", "suppliers": "B",
        "landing_points": [{"id": "a", "name": "Sihanoukville, Cambodia", "country": "Cambodia"}],
    }  # fmt: skip
    points = {"features": [{"properties": {"id": "a"}, "geometry": {"coordinates": [103.5, 10.6]}}]}
    map_ = {"points": points, "each-one": cable, "each-two": {**cable, "id": "two"}}
    return [b"\0" + json.dumps(peering).encode(), b"\1" + json.dumps(map_).encode()]


def table(data: bytes) -> Hashable:
    """Load a table of prefixes whose checksum is right, though nothing else may be, and look up in it."""
    path = scratch.put("prefixes.table", _signed(data))
    try:
        found = PrefixTable.load(path)
    except DamagedTable as error:
        return str(error).rpartition(": ")[2][:16]
    said = []
    for address in ("203.0.113.9", "2001:db8::9", "255.255.255.255", "::"):
        prefix = found.lookup(address)
        said.append(prefix is not None and prefix.country)
    return len(found) > 2, tuple(map(bool, said)), bool(found.home_of(64496))


def _signed(data: bytes) -> bytes:
    """Put the body's checksum into the header, as somebody who forges a table would."""
    head, end, body = data.partition(b"\n")
    at = head.find(b'"sha256": "')
    if not end or at < 0:
        return data
    at += len(b'"sha256": "')
    return head[:at] + hashlib.sha256(body).hexdigest().encode() + head[at + 64 :] + end + body


def _table_seeds() -> list[bytes]:
    found = []
    for rows in (
        b"203.0.113.0\t203.0.113.255\t64496\tKH\tISP\n2001:db8::\t2001:db8::ffff\t64497\tTH\tX\n",
        b"1.0.0.0\t1.9.0.0\t1\tKH\tA\n",
    ):
        path = scratch.put("rows", rows)
        found.append(convert.convert(_dataset("iptoasn"), {DATA: path}, _ABOUT).content)
    return found


TARGETS = {
    "update": Target(texts, _text_seeds, shapes.behind(1, shapes.packed(mutate.lines), len(_TEXTS))),
    "update-json": Target(trees, _tree_seeds, shapes.behind(1, shapes.tree, 2)),
    "table": Target(table, _table_seeds, mutate.blind),
}
