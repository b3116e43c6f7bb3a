"""A full rehearsal: does the report find what a scenario held, though a third of the runs end half way?

Each seed draws anew who is away, which runs fail and how, what is lost, and the order of everything.  There
is no peer to run beside it.  ``--quick`` rehearses the small country, with the seed of its file.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from typing import Any

from benchmarks.labrun import environment

#: Seeds of the full country: its file's own, and others that nobody chose.
SEEDS = (None, 1, 2)


def run(quick: bool) -> dict[str, Any]:
    """Rehearse by the command, seed by seed, and print the scores."""
    scenario = "nig-small" if quick else "nig-switchover"
    done = [_rehearsed(scenario, seed) for seed in (SEEDS[:1] if quick else SEEDS)]
    detail: dict[str, list[str]] = {}
    for found in done:
        seed = f"seed {found['seed']}"
        detail[f"{seed}, score"] = [
            f"{'yes' if row['good'] else 'NO':<4}{row['what']:<21}{row['truth']}: {row['found']}"
            for row in found["score"]
        ]
        detail[f"{seed}, runs"] = _runs(found)
        detail[f"{seed}, seconds"] = [f"{step} {seconds:.0f}" for step, seconds in found["seconds"].items()]
    return {"goals": [_goal(scenario, found) for found in done], "peer": {}, "detail": detail}


def _rehearsed(scenario: str, seed: int | None) -> dict[str, Any]:
    """Rehearse once; gives what the command printed, which ends with 1 where something was not found."""
    with tempfile.TemporaryDirectory(prefix="gatewatch-rehearsal-") as folder:
        command = [sys.executable, "-m", "gatewatch", "lab", "run", scenario, "--json"]
        command += ["--root", f"{folder}/it", *([] if seed is None else ["--seed", str(seed)])]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment(), check=False)
    if done.returncode not in (0, 1) or not done.stdout.strip():
        raise RuntimeError(f"{' '.join(command)} ended with exit code {done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _goal(scenario: str, found: dict[str, Any]) -> dict[str, Any]:
    good = sum(row["good"] for row in found["score"])
    return {
        "name": f"{scenario}, seed {found['seed']}: found of what it held",
        "value": f"{good} of {len(found['score'])}",
        "goal": "all",
        "met": good == len(found["score"]),
    }


def _runs(found: dict[str, Any]) -> list[str]:
    ends: dict[str, int] = found["ends"]
    failed = sum(count for end, count in ends.items() if end in ("exit 1", "SIGKILL"))
    measured = sum(count for end, count in ends.items() if end != "exit 4")
    return [
        f"{found['starts']} starts, {found['away']} slept through",
        f"{failed} of {measured} runs with a network ended half way",
        ", ".join(f"{count} {end}" for end, count in ends.items()),
    ]
