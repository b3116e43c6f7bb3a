"""Fuzz targets: what is done with a measurement before it is stored, and what is shown of stored ones."""

from __future__ import annotations

import io
import json
from collections.abc import Hashable
from functools import cache

from benchmarks import ooni_mix
from benchmarks.fuzz import scratch, shapes
from benchmarks.fuzz.own import run_seeds
from benchmarks.fuzz.registry import Target
from benchmarks.fuzz.watch import Differs
from gatewatch.cli import results
from gatewatch.cli.export import _ooni
from gatewatch.records import dumps, loads
from gatewatch.store import Scrubber, sheet
from gatewatch.store.lines import read
from gatewatch.store.scrub import Unscrubbable
from gatewatch.summary import facts, wording

#: What must never come out.
_OWN = ("203.0.113.77", "2001:db8:77::77")


@cache
def _scrubber() -> Scrubber:
    return Scrubber(_OWN, names=("sokha-laptop",), near=("192.168.1.1",))


def scrub(data: bytes) -> Hashable:
    """Scrub a measurement; no own address comes out in its plain spelling."""
    try:
        m, _ = loads(data)
    except (ValueError, TypeError):
        return "no record"
    try:
        clean = _scrubber().measurement(m)
    except Unscrubbable as error:
        return str(error)[-30:]
    out = dumps(clean)
    if any(own.encode() in out for own in _OWN):
        raise Differs("an own address came out")
    return len(out) == len(dumps(m)), clean.test_name


def _scrub_seeds() -> list[bytes]:
    rows = [json.loads(line) for line in sorted(ooni_mix.each(1, 11), key=len)[:24:4]]
    found = [json.dumps(row).encode() for row in rows]
    for row, own in zip(rows, (*_OWN, "sokha-laptop", "192.168.1.1"), strict=False):
        row["annotations"] = {"note": f"seen at {own} today"}
        for request in row["test_keys"].get("requests") or ():
            request["response"]["body"] = f"<p>you are {own}</p>"
            request["response"]["headers"] = {"X-Client": own}
        found.append(json.dumps(row).encode())
    return found


def shown(data: bytes) -> Hashable:
    """Sum a run up, export it, and list its lines: plan, run.json, then lines."""
    folder = scratch.folder() / "shown"
    folder.mkdir(exist_ok=True)
    first, _, rest = data.partition(b"\n")
    second, _, left = rest.partition(b"\n")
    (folder / "plan.json").write_bytes(first)
    (folder / "run.json").write_bytes(second)
    (folder / "measurements.jsonl").write_bytes(left)
    found = facts.gather(folder)
    told = list(wording.lines(found))
    json.dumps(found.to_json())
    out = io.StringIO()
    rows = sheet.write(read(folder), out)
    out.getvalue().encode()
    listed = [row for _, row in results._rows(read(folder))]
    results._by_layer(listed), [results._is(row, "dns.injected") for row in listed]
    exported = sum(_ooni(line) is not None for line in read(folder))
    if rows != len(listed) or rows != exported:
        raise Differs(f"{rows} rows, {len(listed)} listed, {exported} exported")
    return rows, len(told), len(found.sites), found.unfinished > 0, len(found.skipped)


TARGETS = {
    "scrub": Target(scrub, _scrub_seeds, shapes.tree),
    "shown": Target(shown, run_seeds, shapes.tree_lines),
}
