"""hostile: a thousand hostile requests to `gatewatch helper serve`, inside the lab.

Private addresses in every notation, names and redirects that lead to them, ports, endless and compressed
bodies, both ways; slow clients, deaf clients, broken ones.  Each must be answered with what is wrong, the
helper must stay under 200 MB, and a good question after each hundred must be measured.  Beside it, the
memory of the same helper that nobody has asked anything.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from benchmarks.beside import beside
from gatewatch.lab import kernel

MEMORY_MB = 200


def run(quick: bool) -> dict[str, Any]:
    """Run the attack; gives goals, the idle helper's memory, and what was sent."""
    result = attack(250 if quick else 1000, quick)
    idle = attack(0, quick)
    wrong = result["wrong"]
    return {
        "goals": [
            {
                "name": "hostile requests answered with a clear error",
                "value": f"{result['requests'] - len(wrong)} of {result['requests']}",
                "goal": "all",
                "met": not wrong,
            },
            {
                "name": "helper's memory at its highest (VmHWM)",
                "value": f"{result['vmhwm_mb']:.0f} MB",
                "goal": f"< {MEMORY_MB} MB",
                "met": result["vmhwm_mb"] < MEMORY_MB,
                "beside": beside("the same helper, idle, MB", result["vmhwm_mb"], idle["vmhwm_mb"]),
            },
            {
                "name": "good questions measured between them",
                "value": f"{result['good_served']} of {result['good_asked']}",
                "goal": "all",
                "met": result["good_served"] == result["good_asked"],
            },
        ],
        "peer": {"the same helper, idle": f"{idle['vmhwm_mb']:.0f} MB"},
        "detail": {**result["kinds"], "seconds": result["seconds"], "wrong": wrong[:10]},
    }


def attack(count: int, quick: bool) -> dict[str, Any]:
    """Attack a helper in the lab; raises RuntimeError where there is no kernel attachment."""
    if kernel.available() is None:
        raise RuntimeError(f"no kernel attachment: {kernel.why()}")
    client = [sys.executable, "-m", "benchmarks.hostile_client", str(count), *(["--quick"] * quick)]
    done = subprocess.run(
        kernel.argv("small", "clear", client),
        env=kernel.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the hostile client failed: {done.stderr[-2000:]}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result
