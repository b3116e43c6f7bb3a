"""memory: resident memory of a run of 2,000 web targets in the lab, through the kernel.

The figure is the peak of the measuring process alone (ru_maxrss as run.json has it), not of the lab's engine.
The peer is the same interpreter with trio, ssl and dnspython imported and nothing done.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.beside import beside
from benchmarks.labrun import gatewatch

TARGETS, GOAL_MB = 2000, 120
_IDLE = """
import click, dns.message, resource, ssl, trio
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def run(quick: bool) -> dict[str, Any]:
    """Make the run; gives the goal."""
    with tempfile.TemporaryDirectory(prefix="gatewatch-bench-") as folder:
        targets = Path(folder, "targets.txt")
        targets.write_text("\n".join(f"site-{i}.memory-bench.net" for i in range(TARGETS)), encoding="ascii")
        about = gatewatch(
            *("run", "--lab", "methods:sni-drop", "--attach", "kernel", "--targets", str(targets)),
            *("--traces", "0", "--quiet", "--root", f"{folder}/runs", "--rate", "100"),
        )  # fmt: skip
        kept = json.loads(Path(about["folder"], "run.json").read_text(encoding="utf-8"))
    peak = kept["peak_rss_mb"]
    goal = {
        "name": f"peak resident memory of a run of {about['measured']} targets, MB",
        "value": peak,
        "goal": f"< {GOAL_MB}",
        "met": peak < GOAL_MB and about["measured"] == TARGETS,
        "beside": beside("interpreter and libraries, idle, MB", peak, peer := idle()),
    }
    return {"goals": [goal], "peer": {"interpreter and libraries, idle, MB": round(peer, 1)}, "detail": {}}


def idle() -> float:
    """The peak memory of an interpreter that has imported the libraries, in MB."""
    done = subprocess.run([sys.executable, "-c", _IDLE], capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024
