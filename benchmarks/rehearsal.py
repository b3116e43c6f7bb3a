"""A full rehearsal: does the report find what a scenario held, though a third of the runs end half way?

There is no peer to run beside it.  ``--quick`` rehearses the small country.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from typing import Any


def run(quick: bool) -> dict[str, Any]:
    """Rehearse by the command, and print its score."""
    scenario = "nig-small" if quick else "nig-switchover"
    with tempfile.TemporaryDirectory(prefix="gatewatch-rehearsal-") as folder:
        command = ["lab", "run", scenario, "--root", f"{folder}/it", "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "gatewatch", *command], stdout=subprocess.PIPE, text=True, check=False
        )
    found: dict[str, Any] = json.loads(done.stdout)
    good = sum(row["good"] for row in found["score"])
    failed = sum(count for end, count in found["ends"].items() if end in ("exit 1", "SIGKILL"))
    measured = sum(count for end, count in found["ends"].items() if end != "exit 4")
    return {
        "goals": [
            {
                "name": f"{scenario}: found of what it held",
                "value": f"{good} of {len(found['score'])}",
                "goal": "all",
                "met": good == len(found["score"]),
            },
        ],
        "peer": {},
        "detail": {
            "score": [
                f"{'yes' if row['good'] else 'NO':<4}{row['what']:<21}{row['truth']}: {row['found']}"
                for row in found["score"]
            ],
            "runs": [
                f"{found['starts']} starts, {found['away']} slept through",
                f"{failed} of {measured} runs with a network ended half way",
                ", ".join(f"{count} {end}" for end, count in found["ends"].items()),
            ],
            "seconds": [f"{step} {seconds:.0f}" for step, seconds in found["seconds"].items()],
        },
    }
