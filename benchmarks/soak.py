"""soak: what a machine that measures day and night keeps of it: memory, sockets, tasks, threads, files, disk.

First 24 hours on a clock that jumps: an unattended run every hour, all in one process, through another box of
the lab each time.  Then twenty minutes in real time: a list of 50,000 sites through the kernel attachment
(memory where there is none), sampled every five seconds from inside.  Memory is a least-squares slope after
the first quarter, in MB an hour, which the allocator's rounding has a part in; what Python's objects hold is
counted exactly after each run of the day.  Leaks are counted before the run and after it, when nothing of it
may be left.  The peer is the same interpreter with the libraries imported and nothing done.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from itertools import pairwise
from typing import Any

from benchmarks.beside import beside
from benchmarks.labrun import environment
from benchmarks.memory import idle
from benchmarks.soak_client import ISP, SCENARIO
from benchmarks.soak_days import KEEP_HOURS
from benchmarks.soak_watch import slope, warm
from gatewatch.lab import kernel

#: MB an hour that a process may grow by, run after run: the bounded caches of verdict and scrubber fill.
DAY_MB = 0.7
#: MB an hour over the list: no measurement leaves anything; caches of bounded size fill, and memory frays.
REAL_MB = 20.0
#: Pieces of memory, some 80 bytes each, that a further run of the day may keep: the bench notes it all down.
KEPT_BLOCKS = 500
#: MB of the lab's engine for a thousand sites more: the emulated internet remembers every name and address.
ENGINE_MB = 1.5
#: The most memory of a run of 50,000 sites; the list itself takes 40.
PEAK_MB = 150
#: The last third's processor time for a measurement, as a multiple of the second's.
PACE = 1.25


def run(quick: bool) -> dict[str, Any]:
    """Make both; gives goals, the idle interpreter, and the curves."""
    hours, targets = (6, 20) if quick else (24, 300)
    many, seconds, rate = (50_000, 12.0, 40.0) if quick else (50_000, 1200.0, 40.0)
    day = child("benchmarks.soak_days", str(hours), str(targets))
    attach = "kernel" if kernel.available() else "memory"
    real = child("benchmarks.soak_client", str(many), str(seconds), str(rate), "--attach", attach)
    return {
        "goals": [*of_day(day, hours, targets), *of_real(real)] + ([] if quick else over_time(day, real)),
        "peer": {"interpreter and libraries, idle, MB": round(idle(), 1)},
        "detail": {
            "memory after each run of the day, MB": _row(r["rss_mb"] for r in day["runs"]),
            "thousands of pieces of Python's memory after each run": _row(
                r["blocks"] / 1000 for r in day["runs"]
            ),
            "results' folder after each run, MB": _row(r["disk_mb"] for r in day["runs"]),
            "memory over the list, MB": _row(s["rss_mb"] for s in _some(real["samples"])),
            "engine's memory over the list, MB": _row(s["engine_mb"] for s in _some(real["samples"])),
            "sockets over the list": _row(s["sockets"] for s in _some(real["samples"])),
            "tasks over the list": _row(s["tasks"] for s in _some(real["samples"])),
            "measured over the list": _row(s["measured"] for s in _some(real["samples"])),
            "list": f"{real['measured']} of {real['targets']} in {real['wall_s']:.0f} s, {real['attach']}, "
            f"{real['cpu_s']:.0f} s of processor, {real['pauses']} pauses, verdicts {real['verdicts']}",
            "ss -s after it": real["ss"],
        },
    }


def child(module: str, *arguments: str) -> dict[str, Any]:
    """Run one part in a process and with a temporary folder of its own; in the lab's namespaces if asked."""
    command = [sys.executable, "-m", module, *arguments]
    if "kernel" in arguments:
        command = kernel.argv(SCENARIO, ISP, command)
    with tempfile.TemporaryDirectory(prefix="gatewatch-bench-") as folder:
        around = {**environment(), "TMPDIR": folder}
        done = subprocess.run(command, env=around, stdout=subprocess.PIPE, text=True, check=False)
        left = os.listdir(folder)  # noqa: PTH208 -- names only
    if done.returncode:
        raise RuntimeError(f"{module} ended with {done.returncode}")
    told: dict[str, Any] = json.loads(done.stdout)
    return {**told, "left": left}


def of_day(day: dict[str, Any], hours: int, targets: int) -> list[dict[str, Any]]:
    """The goals of the hours on the jumping clock."""
    runs = day["runs"]
    lost = {name: sum(one[name] for one in day["lost"]) for name in ("tasks", "files", "threads")}
    lost["files after the runs"] = runs[-1]["files"] - runs[0]["files"]
    lost["temporary"] = runs[-1]["temporary"] - runs[0]["temporary"] + len(day["left"])
    most = (KEEP_HOURS + 2) * day["largest_run_mb"] + day["logs_mb"] + 0.1
    fullest = max(r["disk_mb"] for r in runs)
    return [
        {
            "name": f"{len(runs)} unattended runs in {day['hours']:.1f} emulated hours that ended well",
            "value": sum(r["code"] == 0 and r["measured"] >= targets for r in runs),
            "goal": f"all {hours}",
            "met": all(r["code"] == 0 and r["measured"] >= targets for r in runs) and len(runs) == hours,
        },
        {
            "name": "memory of that process at its end, MB",
            "value": round(runs[-1]["rss_mb"], 1),
            "goal": "<= 110",
            "met": runs[-1]["rss_mb"] <= 110,
        },
        {"name": "left after each run", "value": str(lost), "goal": "nothing", "met": not any(lost.values())},
        {
            "name": f"results' folder at its fullest, with {KEEP_HOURS:.0f} hours kept, MB",
            "value": round(fullest, 2),
            "goal": f"<= {KEEP_HOURS + 2:.0f} runs: {most:.2f}",
            "met": fullest <= most,
        },
    ]


def of_real(real: dict[str, Any]) -> list[dict[str, Any]]:
    """The goals of the long list, however long it was measured."""
    counted = ("tasks", "files", "sockets", "threads", "temporary")
    left = {name: max(0, real["after"][name] - real["before"][name]) for name in counted}
    left["in the temporary folder"] = len(real["left"])
    return [
        {
            "name": f"peak of memory over a list of {real['targets']} sites, MB",
            "value": real["peak_rss_mb"],
            "goal": f"<= {PEAK_MB}",
            "met": real["peak_rss_mb"] <= PEAK_MB,
            "beside": beside("interpreter and libraries, idle, MB", real["peak_rss_mb"], idle()),
        },
        {"name": "left after the list", "value": str(left), "goal": "nothing", "met": not any(left.values())},
    ]


def over_time(day: dict[str, Any], real: dict[str, Any]) -> list[dict[str, Any]]:
    """The goals that a short run cannot tell: slopes after the warm-up, and the pace."""
    after = warm(real["samples"])
    grown = slope([(r["hour"], r["rss_mb"]) for r in warm(day["runs"])])
    listed = slope([(s["t"] / 3600, s["rss_mb"]) for s in after])
    engine = slope([(s["measured"] / 1000, s["engine_mb"]) for s in after])
    kept = slope([(float(number), float(r["blocks"])) for number, r in enumerate(warm(day["runs"]))])
    pace = _pace(real["samples"])
    return [
        _at_most("memory over the emulated day, MB an hour", grown, DAY_MB),
        _at_most("memory over the list, MB an hour", listed, REAL_MB),
        _at_most("pieces of Python's memory that a further run keeps", kept, KEPT_BLOCKS),
        _at_most("memory of the lab's engine, MB for a thousand sites more", engine, ENGINE_MB),
        _at_most("processor time for a measurement, last third over the second", pace, PACE),
    ]


def _at_most(name: str, value: float, bound: float) -> dict[str, Any]:
    return {"name": name, "value": round(value, 2), "goal": f"<= {bound:g}", "met": value <= bound}


def _pace(samples: list[dict[str, Any]]) -> float:
    """The last third's processor time for a measurement over the second third's."""
    third = len(samples) // 3
    cuts = [samples[third], samples[2 * third], samples[-1]] if third else []
    costs = [(b["cpu_s"] - a["cpu_s"]) / max(b["measured"] - a["measured"], 1) for a, b in pairwise(cuts)]
    return costs[1] / costs[0] if len(costs) == 2 and costs[0] else 0.0


def _some(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return samples[:: max(1, len(samples) // 16)] + samples[-1:]


def _row(values: Any) -> str:
    return " ".join(f"{value:.0f}" if value >= 10 else f"{value:.2g}" for value in values)
