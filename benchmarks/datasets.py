"""datasets: a Parquet build killed by kill -9 at random moments and begun again, against one left in peace.

Sources share measurements, so that copies are left out in each; the comparison is file by file.  The peer is
the size and the reading time of the same measurements as JSON lines, compressed by gzip.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.ooni_mix import lines

SEED = 7
# Sources, measurements in each, and how often a build is killed.
QUICK, FULL = (12, 150, 5), (40, 1_000, 25)
SHARED = 20

_BUILD = """
import json, sys, time
from gatewatch_analysis.dataset import build, commit
# Few sources together, and a manifest after each, so that kills fall before, between and after.
commit._SECONDS = 0.0
sys.modules["gatewatch_analysis.dataset.build"]._MOST_SOURCES = 2
began = time.monotonic()
made = build(sys.argv[1], sys.argv[2:], processes=2)
found = {what: getattr(made, what) for what in ("measurements", "copies", "aside")}
status = open("/proc/self/status").read() if sys.platform == "linux" else "VmHWM: 0"
print(json.dumps({**found, "spent": time.monotonic() - began, "status": status}))
"""
_READ = """
import sys, time
from gatewatch_analysis.dataset import read_table
began = time.process_time()
rows = len(read_table(sys.argv[1], "measurements"))
print(rows, time.process_time() - began)
"""


def run(quick: bool) -> dict[str, Any]:
    """Build twice, once in peace."""
    count, each, kills = QUICK if quick else FULL
    rng = random.Random(SEED)
    with tempfile.TemporaryDirectory(prefix="gatewatch-bench-") as folder:
        sources = _sources(Path(folder, "in"), count, each)
        began = time.monotonic()
        peace = _build(Path(folder, "peace"), sources)
        whole, spent = time.monotonic() - began, peace["spent"]
        died = 0
        for _ in range(kills):
            died += _killed(Path(folder, "killed"), sources, rng.uniform(0.4, 1) * whole)
        last = _build(Path(folder, "killed"), sources)
        one, other = _tree(Path(folder, "peace")), _tree(Path(folder, "killed"))
        left = [str(p) for p in Path(folder, "killed").rglob("_unfinished")]
        again = _build(Path(folder, "peace"), sources)
        same = _tree(Path(folder, "peace")) == one
        command = [sys.executable, "-c", _READ, str(Path(folder, "peace"))]
        rows, reading = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        packed = sum(path.stat().st_size for path in sources)
        parquet = sum(p.stat().st_size for p in Path(folder, "peace").rglob("*.parquet"))
    peak = re.search(r"VmHWM:\s*(\d+)", peace["status"])
    return {
        "goals": [
            {
                "name": f"files that differ after {died} of {kills} builds were killed and one went on",
                "value": len({*one.items()} ^ {*other.items()}) + len(left),
                "goal": "= 0",
                "met": one == other and not left and died > 0,
            },
            {
                "name": "measurements added by a second build of the same sources",
                "value": again["measurements"],
                "goal": "= 0, and no file touched",
                "met": again["measurements"] == 0 and same,
            },
            {
                "name": "copies left out",
                "value": peace["copies"],
                "goal": f"= {(count - 1) * SHARED}",
                "met": peace["copies"] == (count - 1) * SHARED,
            },
        ],
        "peer": {
            "the same as JSON lines, gzip, MB": round(packed / 1e6, 2),
            "as a dataset with every observation, MB": round(parquet / 1e6, 2),
        },
        "detail": {
            "measurements a second, two processes": round(peace["measurements"] / spent),
            "peak memory of the process that commits, MB": round(int(peak[1]) / 1024, 1) if peak else None,
            "reading the measurements table back": f"{rows} rows, {1000 * float(reading):.0f} ms of CPU",
            "left to do for the last build": last["measurements"],
        },
    }


def _sources(folder: Path, count: int, each: int) -> list[Path]:
    """Write sources; the last measurements of each are the first of the next."""
    folder.mkdir()
    paths = []
    text = list(lines(count * each + SHARED, SEED, days=2))
    for n in range(count):
        part = text[n * each : (n + 1) * each + (SHARED if n + 1 < count else 0)]
        path = folder / f"{n:03d}.jsonl.gz"
        path.write_bytes(gzip.compress(b"".join(part), 6, mtime=0))
        paths.append(path)
    return paths


def _build(place: Path, sources: list[Path]) -> dict[str, Any]:
    made = subprocess.run(
        [sys.executable, "-c", _BUILD, str(place), *map(str, sources)],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(made.stdout)
    return found


def _killed(place: Path, sources: list[Path], seconds: float) -> bool:
    """Kill a build after so long; tells whether it was still going."""
    with subprocess.Popen(
        [sys.executable, "-c", _BUILD, str(place), *map(str, sources)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # its workers complain of it
    ) as process:
        time.sleep(seconds)
        going = process.poll() is None
        process.kill()
    return going


def _tree(place: Path) -> dict[str, str]:
    return {
        str(path.relative_to(place)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(place.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }
