"""crash: a run killed with SIGKILL at random moments and resumed each time, until it is done.

In the lab, through the kernel where possible.  At the end every item must be there exactly once, no line may
be damaged, and every line that was whole on disk at a kill must still be there, byte for byte.  The peer is a
writer that holds its lines in Python's buffer, as ``open(..., "a").write`` does: what it would have had at
risk, computed from the mean length of the lines.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.labrun import environment
from gatewatch.store import read

KILLS = 50


def run(quick: bool) -> dict[str, Any]:
    """Kill and resume; gives the goals and counts."""
    kills = 10 if quick else KILLS
    chance = random.Random(20261123)
    with tempfile.TemporaryDirectory(prefix="gatewatch-bench-") as folder:
        root = Path(folder, "runs")
        targets = Path(folder, "targets.txt")
        targets.write_text(
            "\n".join(f"site-{i}.crash-bench.net" for i in range(60 * kills)), encoding="ascii"
        )
        first = [*_command(root), "--targets", str(targets), "--seed", "1"]
        seen: set[bytes] = set()
        killed = damaged = lost = 0
        run_folder: Path | None = None
        while killed < kills:
            command = first if run_folder is None else [*_command(root), "--resume", str(run_folder)]
            process = subprocess.Popen(
                command,
                env=environment(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                process_group=0,
            )
            try:
                _wait_for_work(process, root, seen)
                time.sleep(chance.uniform(0.0, 0.3))
            finally:
                ended = process.poll() is not None
                _kill(process)
            run_folder = next(iter(root.glob("*/plan.json"))).parent
            if ended:
                break
            killed += 1
            whole = _whole_lines(run_folder)
            lost += len(seen - whole)
            seen |= whole
        while subprocess.run(
            [*_command(root), "--resume", str(run_folder)],
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        ).returncode not in (0, 1):
            pass
        assert run_folder is not None
        final = list(read(run_folder))
        items = Counter(json.loads(line)["x_gatewatch_item"] for line in final)
        planned = len(json.loads((run_folder / "plan.json").read_text())["items"])
        lost += len(seen - {line.rstrip(b"\n") for line in final})
        damaged = sum(1 for line in final if not line.rstrip().endswith(b"}"))
        twice = sum(count - 1 for count in items.values())
    met = lost == damaged == twice == 0 and len(items) == planned and killed == kills
    return {
        "goals": [
            {
                "name": f"lines lost, damaged or measured twice after {killed} kills",
                "value": [lost, damaged, twice],
                "goal": "[0, 0, 0]",
                "met": met,
            },
            {
                "name": "items measured of those planned",
                "value": f"{len(items)}/{planned}",
                "goal": "all",
                "met": len(items) == planned,
            },
        ],
        "peer": {
            "lines a 8 KiB write buffer would have held back at each kill": round(
                8192 * killed / max(1, sum(map(len, final)) / len(final)) / max(1, killed), 1
            )
        },
        "detail": {"kills": killed, "lines seen whole at a kill": len(seen)},
    }


def _command(root: Path) -> list[str]:
    return [
        sys.executable,
        "-m",
        "gatewatch",
        "run",
        "--lab",
        "small:clear",
        "--attach",
        "memory",
        "--rate",
        "60",
        "--traces",
        "0",
        "--quiet",
        "--json",
        "--root",
        str(root),
    ]


def _whole_lines(folder: Path) -> set[bytes]:
    file = folder / "measurements.jsonl"
    return set(file.read_bytes().split(b"\n")[:-1]) if file.is_file() else set()


def _wait_for_work(process: subprocess.Popen[bytes], root: Path, seen: set[bytes]) -> None:
    """Wait until the run has stored something new, so that kills fall into its work and not its start."""
    while process.poll() is None:
        for folder in root.glob("*/plan.json"):
            if len(_whole_lines(folder.parent)) > len(seen):
                return
        time.sleep(0.01)


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.wait()
