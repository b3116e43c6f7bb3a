"""The run of the benchmark `soak`, watched: a list of many targets in real time.

    python -m benchmarks.soak_client TARGETS SECONDS RATE [--attach kernel|memory]

Started inside the lab by :func:`gatewatch.lab.kernel.argv` for the kernel's sockets; by itself in memory, on
the real clock.  Everything between the command line's options and the store is the product's own.  Prints one
JSON object.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.soak_watch import Watch
from gatewatch.cli import prepare, unattended
from gatewatch.cli.run import run as command
from gatewatch.runner.plan import Item
from gatewatch.runner.session import Session, conduct
from gatewatch.verdict import Verdict

SCENARIO, ISP = "methods", "sni-reset"
# Which sites the scenario blocks is a matter of their names (boxes are matched by suffix).
_BLOCKED, _OPEN = "blocked.example.org", "soak-bench.net"


@dataclass
class Counting:
    """An observer that only counts."""

    measured_count: int = 0
    begun: int = 0
    skips: list[str] = field(default_factory=list)
    pauses: int = 0
    _waiting: set[str] = field(default_factory=set)

    def started(self, total: int, done: int) -> None:
        """Count nothing yet."""

    def began(self, item: Item) -> None:
        """Note one under way."""
        self._waiting.add(item.id)

    def measured(self, item: Item, verdict: Verdict | None) -> None:
        """Count one."""
        self.measured_count += 1
        self._waiting.discard(item.id)

    def skipped(self, item: Item, why: str) -> None:
        """Keep why."""
        self.skips.append(why)
        self._waiting.discard(item.id)

    def paused(self, reason: str) -> None:
        """Count a pause."""
        self.pauses += 1

    def resumed(self) -> None:
        """Go on."""

    def progress(self) -> tuple[int, int]:
        """Measured, and under way."""
        return self.measured_count, len(self._waiting)


def prepared(*arguments: str) -> Session:
    """The session that `gatewatch run ARGUMENTS` would hold."""
    chosen, _ = unattended.parted(command.make_context("run", list(arguments)).params)
    return prepare.session(chosen)


def written(folder: Path, count: int) -> Path:
    """Write a list of so many sites, a tenth of them on names that the scenario may block."""
    listed = folder / "targets.txt"
    names = (f"site-{i}.{'twitter.com' if i % 10 == 0 else _OPEN}" for i in range(count))
    listed.write_text("\n".join(names), encoding="ascii")
    return listed


def namespace() -> str:
    """What `ss` says of this network namespace, "" where it is not installed."""
    try:
        done = subprocess.run(["ss", "-s"], capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return next((line for line in done.stdout.splitlines() if line.startswith("TCP:")), "")


def soak(targets: int, seconds: float, rate: float, attach: str) -> dict[str, Any]:
    """Make the run; gives its samples and what it left."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        listed, root = written(Path(folder), targets), Path(folder, "runs")
        lab = ["--lab", f"{SCENARIO}:{ISP}", "--attach", "memory"] if attach == "memory" else []
        session = prepared(
            *lab,
            *("--targets", str(listed), "--root", str(root), "--rate", str(rate), "--traces", "0", "--quiet"),
            *("--max-time", str(seconds)),
        )  # fmt: skip
        counting = Counting()
        watch = Watch(root, max(0.5, seconds / 240), counting.progress)
        around = replace(watch.around(session.surroundings), clock=None)
        began, cpu = time.monotonic(), time.process_time()
        outcome = conduct(replace(session, surroundings=around), counting)
        if outcome.folder is None or watch.after is None:
            raise RuntimeError(f"nothing was measured: {outcome.reason}")
        about = json.loads((outcome.folder / "run.json").read_text(encoding="utf-8"))
        return {
            "attach": attach,
            "targets": targets,
            "state": outcome.state,
            "measured": outcome.measured,
            "skips": sorted(set(counting.skips))[:5],
            "pauses": counting.pauses,
            "verdicts": about["verdicts"],
            "peak_rss_mb": about["peak_rss_mb"],
            "wall_s": time.monotonic() - began,
            "cpu_s": time.process_time() - cpu,
            "ss": namespace(),
            **watch.told(),
        }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("rate", type=float)
    parser.add_argument("--attach", choices=("kernel", "memory"), default="memory")
    asked = parser.parse_args()
    print(json.dumps(soak(asked.targets, asked.seconds, asked.rate, asked.attach)))
