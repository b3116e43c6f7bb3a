"""The other half of the benchmark `soak`: an unattended machine on a clock that jumps, in one process.

    python -m benchmarks.soak_days HOURS TARGETS

Every hour a run begins, put off by chance as the timer does it: looked at, measured in the lab's memory
attachment, tidied up, written into the status file.  Only time is not real.  Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import threading
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.soak_client import prepared, written
from benchmarks.soak_watch import Watch, blocks, open_files, resident, size_mb, temporary
from gatewatch.lab.country.scenario import load
from gatewatch.runner.session import Outcome, conduct
from gatewatch.unattended.duty import Clock, Duty, Orders
from gatewatch.unattended.status import Status
from gatewatch.unattended.watching import Watching

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
#: Runs older than this go.
KEEP_HOURS = 6.0
#: `gatewatch schedule` puts an hourly start off by up to a quarter of an hour.
SPREAD = 900.0
SCENARIO = "methods"


class Machine:
    """A machine on a shelf, its clock, and what is seen of it after each run."""

    def __init__(self, root: Path, targets: Path) -> None:
        self.root, self.targets = root, targets
        self.now = BEGAN
        self.isps = [isp.id for isp in load(SCENARIO).isps]
        self.chance = random.Random(24)
        self.after_runs: list[dict[str, Any]] = []
        self.lost: list[dict[str, Any]] = []
        self.largest = 0.0

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def run(self, number: int) -> None:
        """Make the run of one hour, on one of the scenario's ISPs after another."""
        isp = self.isps[number % len(self.isps)]
        session = prepared(
            *("--lab", f"{SCENARIO}:{isp}", "--attach", "memory", "--targets", str(self.targets), "--quiet"),
            *("--root", str(self.root), "--rate", "5", "--seed", str(number)),
        )  # fmt: skip
        seen: list[Watching] = []

        def hold(watching: Any) -> Outcome:
            seen.append(watching)
            watch = Watch(self.root, 600.0, lambda: (watching.measured_count, 0))
            around = watch.around(session.surroundings)
            outcome = conduct(replace(session, surroundings=around), watching)
            return self._dated(outcome, watch)

        clock = Clock(lambda: self.now, lambda: self.now.timestamp(), self.sleep, self.chance)
        codes = {"done": 0, "no_network": 4, "locked": 75}
        orders = Orders(
            self.root, codes, 1, jitter=SPREAD, every_hours=1, keep_days=KEEP_HOURS / 24, clock=clock
        )
        began, cpu = time.monotonic(), time.process_time()
        ended = Duty(orders).do(hold)
        status = Status.read(self.root)
        self.after_runs.append(
            {
                "hour": (self.now - BEGAN).total_seconds() / 3600,
                "code": ended.code,
                "isp": isp,
                "reason": ended.reason,
                "measured": seen[-1].measured_count,
                "pauses": seen[-1].pauses,
                "wall_s": time.monotonic() - began,
                "cpu_s": time.process_time() - cpu,
                "rss_mb": resident(),
                "blocks": blocks(),
                "files": open_files(),
                "threads": threading.active_count(),
                "temporary": temporary(),
                "runs": sum(1 for path in self.root.iterdir() if (path / "plan.json").exists()),
                "disk_mb": size_mb(self.root),
                "failures": status.failures if status else -1,
            }
        )

    def _dated(self, outcome: Outcome, watch: Watch) -> Outcome:
        """Give the run the time of this clock, and keep what its end has left."""
        if outcome.folder is None or watch.before is None or watch.after is None:
            return outcome
        took = json.loads((outcome.folder / "run.json").read_text(encoding="utf-8"))["campaign_s"]
        path = self.root / f"{self.now:%Y%m%dT%H%M%SZ}-{outcome.folder.name[-6:]}"
        self.sleep(took)
        self.largest = max(self.largest, size_mb(outcome.folder))
        counted = ("tasks", "files", "threads")
        before, after = asdict(watch.before), asdict(watch.after)
        self.lost.append({name: after[name] - before[name] for name in counted})
        return replace(outcome, folder=outcome.folder.rename(path))


def days(hours: int, targets: int) -> dict[str, Any]:
    """Let so many hours pass; gives what was seen after each run."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        root = Path(folder, "runs")
        root.mkdir()
        machine = Machine(root, written(Path(folder), targets))
        for number in range(hours):
            start = BEGAN + timedelta(hours=number)
            machine.now = max(machine.now, start)
            machine.run(number)
        logs = sum(path.stat().st_size for path in root.glob("unattended.log*")) / 1e6
        return {
            "hours": (machine.now - BEGAN).total_seconds() / 3600,
            "runs": machine.after_runs,
            "lost": machine.lost,
            "largest_run_mb": machine.largest,
            "logs_mb": logs,
        }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("hours", type=int)
    parser.add_argument("targets", type=int)
    asked = parser.parse_args()
    print(json.dumps(days(asked.hours, asked.targets)))
