"""Fuzz targets: our own files as a dying disk, an older version or a stranger leaves them."""

from __future__ import annotations

import json
from collections.abc import Hashable
from datetime import UTC, datetime
from typing import Any

import msgspec

from benchmarks.fuzz import scratch, shapes
from benchmarks.fuzz.registry import Target
from gatewatch.consent import ledger as consents
from gatewatch.runner import plan
from gatewatch.store import recover, runs
from gatewatch.store.files import read_json
from gatewatch.unattended.status import Status, faults
from gatewatch.update.shelf import Shelf
from gatewatch.upload.ledger import Ledger
from gatewatch_analysis.dataset import manifest
from gatewatch_analysis.dataset.layout import MANIFEST
from gatewatch_analysis.dataset.place import place_of
from gatewatch_analysis.loading.sources import find
from gatewatch_targets import load

_NOW = datetime(2026, 1, 2, tzinfo=UTC)


def status(data: bytes) -> Hashable:
    """Read one file as each of those that hold one JSON object."""
    path = scratch.put("status.json", data)
    found = Status.read(path.parent)
    said = None if found is None else (len(faults(found, _NOW, going_on=False)), len(list(found.told())))
    scratch.put("one.about.json", data)
    (scratch.folder() / "one.0123456789ab.csv").write_bytes(b"x")
    shelf = Shelf(scratch.folder())
    installed = shelf.installed("one")
    given = consents._read(path)
    try:
        made = plan.Plan.from_json(read_json(path))
    except (OSError, ValueError) as error:
        return said, installed is None, len(given) > 2, type(error).__name__
    return said, installed is None, len(given) > 2, len(made.items)


def _status_seeds() -> list[bytes]:
    about = Status(
        state="ended",
        started="2026-01-01T00:00:00Z",
        ended="2026-01-01T01:00:00Z",
        outcome="partial",
        reason="x",
        run="r",
        next_due="2026-01-01T06:00:00Z",
        exit_code=1,
        planned=3,
        measured=2,
        verdicts={"ok": 2},
        every_hours=6,
        uploads=[{"name": "mine", "waiting": 3, "refused": 1}],
    )
    shelf = dict.fromkeys(("dated", "licence", "etag", "attribution"), "")
    shelf |= {"name": "one", "file": "one.0123456789ab.csv", "title": "T", "kind": "targets"}
    shelf |= {"format": "citizenlab", "source": "https://a.example", "fetched": "2026-01-01T00:00:00Z"}
    installed: dict[str, Any] = {**shelf, "sha256": "0" * 64, "bytes": 1, "entries": 1}
    made = plan.make(load("global")[:2], ["web", "resolve"], seed=1, settings={"country": "KH"})
    consent = {
        "version": 3,
        "given": "2026-01-01T00:00:00Z",
        "language": "en",
        "digest": "x",
        "laws": {"KH": "y"},
    }
    return [json.dumps(value).encode() for value in (about.to_json(), installed, made.to_json(), consent)]


def run_folder(data: bytes) -> Hashable:
    """Look at a run, put it in order after a crash, and find it as a source: plan, run.json, then lines."""
    folder = scratch.folder() / "run"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    first, _, rest = data.partition(b"\n")
    second, _, left = rest.partition(b"\n")
    (folder / "plan.json").write_bytes(first)
    (folder / "run.json").write_bytes(second)
    (folder / "measurements.jsonl").write_bytes(left)
    told: list[str] = []
    info = runs.look(folder, going_on=False)
    sources = find([folder], lambda file, line, reason: told.append(reason))
    found = recover.recover(folder)
    return (
        info is None or (info.state[:12], info.planned > 1, info.measured > 0),
        len(told),
        len(sources),
        repr(found)[:24],
    )


def run_seeds() -> list[bytes]:
    """Runs: a plan, what is said of the run, and lines."""
    made = plan.make(load("global")[:2], ["web"], seed=1, settings={}).to_json()
    run = {
        "state": "done",
        "started": "2026-01-01T00:00:00Z",
        "vantage": {"country": "KH", "isp": "X"},
        "lab": False,
        "verdicts": {"ok": 1},
        "skipped": [{"item": "web-2", "why": "the line was down"}],
    }
    made["settings"] = {**made["settings"], "left_out": {"high": 2}}
    verdict = {"status": "blocked", "layer": "dns", "method": "injected", "label": "dns.injected"}
    told = {**verdict, "confidence": 0.9, "rule": "x", "reason": None}
    judged = {"test_name": "web_connectivity", "input": "https://b.example/", "test_keys": {}}
    row = b'{"test_name":"web_connectivity","input":"https://a.example/","test_keys":{},"id":"web-1"}\n'
    last = json.dumps({**judged, "x_gatewatch_verdict": told}).encode() + b"\n"
    return [
        b"\n".join((json.dumps(made).encode(), json.dumps(about).encode(), row + row + last))
        for about in (run, {})
    ]


def ledger(data: bytes) -> Hashable:
    """Read what was uploaded."""
    path = scratch.put("upload-x.log", data)
    found = Ledger.open(path.parent, "x")
    return len(found.stored), len(found.refused), len(found.doubtful), len(found.batches), found.whole is None


_LINES: tuple[dict[str, Any], ...] = (
    *({"stored": "a"}, {"sent": "b"}, {"refused": "c", "why": "w"}, {"again": True}, {"void": "n"}),
    *({"report": "r", "id": "i"}, {"lapsed": "r"}, {"closed": "i"}, {"batch": "n", "uids": ["a", "b"]}),
    *({"placed": "n"}, {"whole": ["f", 1, 2, "t"]}),
)


def dataset_manifest(data: bytes) -> Hashable:
    """Read a dataset's manifest."""
    folder = scratch.put("dataset.json", data).parent
    (folder / MANIFEST).write_bytes(data)
    try:
        found = manifest.load(place_of(folder))
    except manifest.DamagedDataset as error:
        return str(error)[-20:]
    if found is None:
        return None
    return len(found.parts), len(found.sources), [part.date for part in found.parts][:2] == []


def _manifests() -> list[bytes]:
    made = manifest.new()
    made.parts.append(manifest.Part("problems", "", None, "problems/part-0-0123456789abcdef.parquet", 1, 2))
    day = "2026-01-01"
    path = f"measurements/probe_cc=KH/date={day}/part-0-0123456789abcdef.parquet"
    made.parts.append(manifest.Part("measurements", "KH", day, path, 3, 4))
    fields = {
        "name": "a.jsonl",
        "sha256": "0" * 64,
        "size": 1,
        "run": "r",
        "isp": None,
        "lab": False,
        "lines": 1,
        "measurements": 1,
        "copies": 0,
        "aside": 0,
        "passed": 0,
        "told": 0,
    }
    kept = {key: value for key, value in fields.items() if key in manifest.Origin.__struct_fields__}
    made.sources.append(msgspec.convert(kept, manifest.Origin))
    return [msgspec.json.encode(made), msgspec.json.encode(manifest.new())]


TARGETS = {
    "status": Target(status, _status_seeds, shapes.tree),
    "run-folder": Target(run_folder, run_seeds, shapes.tree_lines),
    "ledger": Target(
        ledger, lambda: [b"".join(json.dumps(x).encode() + b"\n" for x in _LINES)], shapes.tree_lines
    ),
    "manifest": Target(dataset_manifest, _manifests, shapes.tree),
}
