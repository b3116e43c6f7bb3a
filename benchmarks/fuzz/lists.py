"""Fuzz targets: lists: of targets, of block page signs, of cables, of prefixes; names that carry places."""

from __future__ import annotations

import io
import json
from collections.abc import Hashable

from benchmarks.fuzz import mutate, samples, scratch, shapes
from benchmarks.fuzz.registry import Target
from benchmarks.fuzz.watch import Differs
from gatewatch.helper.networks import Networks
from gatewatch.verdict.likeness.signs import _Table
from gatewatch.whereabouts.prefix import parse_prefixes
from gatewatch_targets import DataError, printable, read_signs
from gatewatch_targets.cables.foreign import read_foreign
from gatewatch_targets.geography.hints import hinted
from gatewatch_targets.lists import parse_list


def target_list(data: bytes) -> Hashable:
    """Read a list of targets of any of the three shapes; every line is an entry, a problem, or neither."""
    found = parse_list(io.BytesIO(data), "list", country="KH")
    if len({t.url for t in found.targets}) != len(found.targets):
        raise Differs("an address stands twice")
    if any(not t.url.isascii() or not t.parts.is_public for t in found.targets):
        raise Differs("an address that must not be measured")
    if any(t.why[:1] in tuple("=+-@") and t.why for t in found.targets):
        raise Differs("a formula")
    return len(found.targets), len(found.errors), frozenset(p.field for p in found.problems)


def sign_list(data: bytes) -> Hashable:
    """Read block page signs, and make of them what pages are compared with."""
    name = "false_positives.jsonl" if data[:1] == b" " else "signs.csv"
    try:
        found = read_signs(scratch.put(name, data))
    except DataError as error:
        return error.problem.field
    table = _Table((), found.signs)
    next(table.needles.found("<html><title>x</title>FortiGuard Web Filtering</html>" * 3), None)
    return found.kind, len(found.signs), found.vague, len(found.problems) > 3


def cable_list(data: bytes) -> Hashable:
    """Read a fetched list of cables."""
    try:
        found = read_foreign(data, "list")
    except DataError as error:
        return error.problem.field, error.problem.text[:12]
    return len(found.cables), len(found.rejected), sum(len(c.landings) for c in found.cables)


def _cables() -> list[bytes]:
    cable = {
        "id": "one", "name": "One", "length": "1,300 km", "rfs": "2017 March", "is_planned": False,
        "owners": "China Telecom, Acme, Inc., KT", "suppliers": "HMN", "notes": None, "url": "https://x.example",
        "landing_points": [
            {"id": "a", "name": "Sihanoukville, Cambodia", "country": "Cambodia", "is_tbd": None},
            {"id": "b", "name": "Songkhla, Thailand", "country": "Thailand", "lat": 7.2, "lon": 100.6},
        ],
    }  # fmt: skip
    geo = {"features": [{"properties": {"id": "a"}, "geometry": {"coordinates": [103.5, 10.6]}}]}
    found = [[cable], [cable, {**cable, "id": "two"}], {"cables": [cable], "landing_points": geo}]
    return [json.dumps(value).encode() for value in found]


def prefix_list(data: bytes) -> Hashable:
    """Read a run's prefix table, and the helper's own."""
    told: list[int] = []
    found = list(
        parse_prefixes(
            io.StringIO(data.decode("utf-8", "replace"), newline=""), lambda at, _: told.append(at)
        )
    )
    try:
        known = Networks(scratch.put("prefixes.csv", data))
    except ValueError as error:
        return len(found), len(told), type(error).__name__
    return len(found), len(told), known.asn_of("203.0.113.9") > 0, known.asn_of("2001:db8::1") > 0


_PREFIXES = [
    b"prefix,asn,country,name\n203.0.113.0/24,AS64496,KH,Some ISP\n2001:db8::/32,64497,TH,Other\n",
    b"prefix,asn,country,name,ixp\n203.0.113.0/25,0,KH,,An exchange\n",
]


def hint(data: bytes) -> Hashable:
    """Look for a place in a router's name, and make a text fit to be shown."""
    text = data.decode("utf-8", "replace")
    shown = printable(text)
    if any(c in shown for c in "\x1b\n\r\u202e"):
        raise Differs("a terminal would be steered")
    city = hinted(text)
    return city and city.code, shown == text


def _names() -> list[bytes]:
    rows = samples.ours("hints.csv", lines=60)[0].decode().split("\n")[1:]
    domains = [row.split(",")[0] for row in rows if row.count(",") > 2]
    return [f"ae-1-3502.edge7.{code}.{d}".encode() for d in domains for code in ("hkg02", "sin1", "bangkok")][
        :90
    ]


_OONI_SIGNS = (
    samples.SIGNS + b'ooni.a,isp,,header.location,prefix,http://block.example/,5,"KH,TH",ooni,,\n'
    b'b,nat,,body,contains,"<h1>This site is\nblocked by order</h1>",5,KH,x,'
    b"https://e.example/measurement/20190708T0,n\n"
    b"c,isp,,dns,full,192.0.2.1,5,KH,ooni,,\n"
)
_CP_SIGNS = (
    b'{"fingerprint":"a_prod_x_1","pattern":"<th>Some Firewall:</th>.*notice\\\\."}\n'
    b'{"fingerprint":"c_isp_kh_x","pattern":"Location: http://block\\\\.example"}\n'
)
TARGETS = {
    "list": Target(
        target_list,
        lambda: [
            *samples.ours("kh.csv", "global.csv", "app-targets.csv", "controls.csv"),
            *samples.others("citizenlab/*.csv"),
            b"# plain\nexample.com\nhttps://www.example.org/x#y  # why\n192.0.2.1\n[2001:db8::1]\n",
            samples.CITIZENLAB,
        ],
        mutate.lines,
    ),
    "signs": Target(
        sign_list,
        lambda: [
            _OONI_SIGNS,
            _CP_SIGNS,
            *samples.others("fingerprints/*"),
        ],
        mutate.joined(mutate.lines, shapes.tree_lines),
    ),
    "cables": Target(cable_list, _cables, shapes.tree),
    "prefixes": Target(prefix_list, lambda: _PREFIXES, mutate.lines),
    "hints": Target(
        hint, _names, mutate.words((b".", b"-", b"ae", b"hkg", b"sin", b"\xe2\x80\xae", b"\x1b[2J", b"1"))
    ),
}
