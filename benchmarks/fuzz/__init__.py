"""fuzz: every parser of what strangers write, ten million mutated inputs, each target in its own process.

An input must raise nothing but what its parser declares, take less than a second of processor time, and
leave no memory behind; where there are two ways of reading (fast and slow, ours and dnspython's or h11's),
both must give the same.  docs/fuzzing.md says how to replay an input that was kept.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.fuzz.loops import atheris
from benchmarks.fuzz.registry import INVENTORY

#: Inputs of a full campaign; the inventory's shares come to a little more.
TOTAL = 10_000_000
#: What memory may grow by behind the first third of the inputs: libFuzzer's own corpus is in it.
GROWTH_MB = 64
#: Where findings are kept, and where an interrupted campaign goes on: finished targets are not tried again.
FOLDER = "GATEWATCH_FUZZ_FOLDER"
_QUICK_S = 38.0


def run(quick: bool) -> dict[str, Any]:
    """Run the campaign; gives goals and a line for each target."""
    # Kept: what crashed is wanted after the campaign.
    folder = Path(os.environ.get(FOLDER) or tempfile.mkdtemp(prefix="gatewatch-fuzz-found-"))
    # The fast ones first, which get the most.
    found = [campaign(name, folder, quick) for name in sorted(INVENTORY, key=lambda n: -INVENTORY[n].inputs)]
    inputs = sum(one["inputs"] for one in found)
    crashed = {f"{one['target']}: {name}": about for one in found for name, about in one["crashes"].items()}
    hung = [f"{one['target']}: {about['what']}, {about['file']}" for one in found for about in one["hung"]]
    growth = max(found, key=lambda one: float(one["growth_mb"]))
    goals = [
        _goal(
            "kinds of crashes (exceptions that no parser declares, or two ways that differ)", len(crashed), 0
        ),
        _goal("inputs that took over 1 s of processor time", sum(one["hangs"] for one in found), 0),
        _goal("targets whose process died", sum(bool(one["died"]) for one in found), 0),
    ]
    if not quick:
        # Few inputs warm nothing up.
        reached = {"name": "inputs", "value": f"{inputs:,}", "goal": f"{TOTAL:,}", "met": inputs >= TOTAL}
        steady = {
            "name": "most that memory grew by after warming up",
            "value": f"{growth['growth_mb']} MB ({growth['target']})",
            "goal": f"< {GROWTH_MB} MB",
            "met": growth["growth_mb"] < GROWTH_MB,
        }
        goals = [reached, *goals, steady]
    return {
        "goals": goals,
        "peer": {
            "coverage": "atheris"
            if atheris()
            else "none: atheris is not installed, new outcomes lead instead"
        },
        "detail": {
            "inputs": f"{inputs:,}",
            "targets": [_line(one) for one in found],
            "crashes": [
                f"{name}, {about['count']} times: {about['what']}; "
                f"python -m benchmarks.fuzz {name.partition(':')[0]} --replay {about['file']}"
                for name, about in crashed.items()
            ],
            "hangs": hung,
        },
    }


def campaign(name: str, folder: Path, quick: bool) -> dict[str, Any]:
    """Fuzz one target in a process of its own."""
    kept, said = folder / name, folder / f"{name}.json"
    if said.exists():
        return _told(said)
    limit = _QUICK_S / len(INVENTORY) if quick else 0.0
    command = [sys.executable, "-m", "benchmarks.fuzz", name, "--keep", str(kept), "--json", str(said)]
    # In a quick run importing takes longer than fuzzing; instrumenting all imports would take longer still.
    command += ["--inputs", str(_few(name)), "--blind", "--seconds", f"{limit:.2f}"] if quick else []
    began = time.monotonic()
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONHASHSEED": "0"}
    )
    if said.exists():
        return _told(said)
    last = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
    nothing = {
        "inputs": 0,
        "outcomes": 0,
        "crashes": {},
        "hangs": 0,
        "hung": [],
        "growth_mb": 0.0,
        "slowest_s": 0.0,
    }
    return {**nothing, "target": name, "died": last[0][:200], "seconds": time.monotonic() - began, "seeds": 0}


def _told(said: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said.read_text(encoding="utf-8"))
    return {**found, "died": ""}


def _few(name: str) -> int:
    return INVENTORY[name].inputs // 100


def _goal(name: str, value: int, goal: int) -> dict[str, Any]:
    return {"name": name, "value": value, "goal": goal, "met": value <= goal}


def _line(one: dict[str, Any]) -> str:
    if one["died"]:
        return f"{one['target']:<15} died: {one['died']}"
    rate = one["inputs"] / max(one["wall_s"], 1e-6)
    return (
        f"{one['target']:<15} {one['inputs']:>9,} inputs {rate:>9,.0f}/s {one['outcomes']:>6} outcomes "
        f"{len(one['crashes']):>3} crashes {one['hangs']:>3} hangs "
        f"{one['slowest_s']:>6.3f} s {one['growth_mb']:>6.1f} MB"
    )
