"""schedule: 500 targets of which a third is blackholed, 10 s to connect, 200 starts a second.

Through the lab's kernel attachment, with the `connect` probe.  The ideal starts a target every 5 ms and ends
when the slowest of them does, computed from the measured times; one after another, as OONI Probe runs its
list, is the sum of the same times.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.beside import beside
from benchmarks.labrun import gatewatch
from gatewatch.store import read

TARGETS, RATE, GOAL = 500, 200.0, 1.1


def run(quick: bool) -> dict[str, Any]:
    """Make the run; gives the goal, and the sequential time as the peer's."""
    with tempfile.TemporaryDirectory(prefix="gatewatch-bench-") as folder:
        listed = Path(folder, "targets.txt")
        hosts = [
            f"hole-{i}.blackhole-bench.net" if i % 3 == 0 else f"site-{i}.open-bench.net"
            for i in range(TARGETS)
        ]
        listed.write_text("\n".join(hosts), encoding="ascii")
        about = gatewatch(
            *("run", "--lab", "blackhole:line", "--targets", str(listed), "--probe", "connect"),
            *("--rate", str(RATE), "--traces", "0", "--no-helper", "--quiet", "--root", f"{folder}/runs"),
        )  # fmt: skip
        run_folder = Path(about["folder"])
        lines = [json.loads(line) for line in read(run_folder)]
        wall = json.loads((run_folder / "run.json").read_text(encoding="utf-8"))["campaign_s"]
        order = [item["id"] for item in json.loads((run_folder / "plan.json").read_text())["items"]]
    took = {line["x_gatewatch_item"]: line["test_runtime"] for line in lines}
    silent = sum(
        any(c["status"]["failure"] == "generic_timeout_error" for c in line["test_keys"]["tcp_connect"])
        for line in lines
    )
    ideal = max(start / RATE + took[item] for start, item in enumerate(order))
    ratio = wall / ideal
    goal = {
        "name": f"wall time of {len(lines)} targets ({silent} silent), as a multiple of the ideal",
        "value": round(ratio, 3),
        "goal": f"<= {GOAL}",
        "met": ratio <= GOAL and len(lines) == TARGETS and silent >= TARGETS // 3,
        "beside": beside("one after another, s", wall, sum(took.values())),
    }
    return {
        "goals": [goal],
        "peer": {"one after another, from the same timings, s": round(sum(took.values()), 1)},
        "detail": {"wall s": round(wall, 2), "ideal s": round(ideal, 2), "attach": about["attach"]},
    }
