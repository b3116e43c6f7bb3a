"""Runs with something in them, made at once, for what comes after measuring."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gatewatch.store import create, read
from gatewatch.store.uid import uid


def record(item: str, run: str = "", test_name: str = "web_connectivity", size: int = 20) -> dict[str, Any]:
    """A measurement as small as they come, with letters that encodings trip over."""
    return {
        "annotations": {"engine_name": "gatewatch"},
        "id": f"{run}/{item}",
        "input": f"https://{item}.example/ស",
        "measurement_start_time": "2026-03-01 12:00:01",
        "probe_asn": "AS38623",
        "probe_cc": "KH",
        "report_id": "",
        "software_name": "gatewatch",
        "software_version": "0.1.0",
        "test_keys": {"requests": None, "body": "\ud800" * 2 + "x" * size, "runtime": 0.1},
        "test_name": test_name,
        "test_runtime": 1.25,
        "test_start_time": "2026-03-01 12:00:00",
        "test_version": "1.0.0",
    }


def line(item: str, **more: Any) -> bytes:
    """Its line, as the store takes it."""
    about = {**record(item, **more), "x_gatewatch_item": item, "x_gatewatch_verdict": {"label": "ok"}}
    return json.dumps(about, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def run(
    root: Path,
    count: int = 3,
    *,
    state: str = "done",
    lab: dict[str, Any] | None = None,
    tests: Iterable[str] = ("web_connectivity",),
    size: int = 20,
    name: str = "",
) -> Path:
    """Make a run of so many measurements; ``state`` "" leaves it as one that was killed."""
    names = list(tests)
    about = {"lab": lab, "vantage": {}, "clock_offset_s": 0.4}
    items = [{"id": f"{name or 'web'}-{number}"} for number in range(count)]
    folder = create(root, {"items": items, "created": "2026-03-01T12:00:00Z"}, about)
    for number, item in enumerate(items):
        test_name = names[number % len(names)]
        folder.append(item["id"], line(item["id"], run=folder.id, test_name=test_name, size=size))
    if state:
        folder.close(state)
    else:
        os.close(folder._fd)
    return folder.path


def uids(*runs: Path) -> list[str]:
    """The uids of all measurements of runs, in order."""
    return [uid(text) for path in runs for text in read(path)]
