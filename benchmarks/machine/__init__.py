"""machine: faults of the machine and of its line during a run, against the real kernel in the lab.

Each fault of :mod:`benchmarks.machine.faults` happens to a run of its own, in namespaces of its own, on a
provider that blocks nothing.  Whatever the machine does: no measurement may be lost but those under way, none
be made twice, and nothing be recorded as blocked.  A run that a fault has ended is resumed once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.labrun import environment
from benchmarks.machine import group
from benchmarks.machine.clocks import why_not
from benchmarks.machine.faults import FAULTS, QUICK, Fault

# Most of a run is waiting; more at once than this would make a slow machine of this one.
_AT_ONCE = 6
# Sites of a quick run: so many that some are left when the fault comes.
_FEW = 20


def cannot(fault: Fault) -> str:
    """Say why a fault cannot be done here, "" where it can."""
    if os.geteuid():
        return "interface and limits of a namespace are only root's to change"
    if fault.memory:
        return group.why_not()
    return why_not() if fault.clocks else ""


def one(fault: Fault, sites: int | None = None) -> dict[str, Any]:
    """Make a lab and a run in it, with one fault; ``sites``: so many, None: as many as the fault says."""
    command = [sys.executable, "-m", "benchmarks.machine.inside", fault.name, str(sites or fault.sites)]
    inside = [sys.executable, "-m", "gatewatch.lab.inside", *fault.where, "--seed", "1", "--", *command]
    done = subprocess.run(
        inside, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        return {"fault": fault.name, "trouble": done.stderr[-1500:]}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def run(quick: bool) -> dict[str, Any]:
    """Do all faults; gives the goals and the table."""
    wanted = [fault for fault in FAULTS if fault.name in QUICK or not quick]
    reasons = {fault.name: why for fault in wanted if (why := cannot(fault))}
    wanted = [fault for fault in wanted if fault.name not in reasons]
    with ThreadPoolExecutor(len(wanted) or 1 if quick else _AT_ONCE) as pool:
        found = list(pool.map(lambda fault: one(fault, min(fault.sites, _FEW) if quick else None), wanted))
    broken = [row["fault"] for row in found if "trouble" in row or row.get("state") is None]
    whole = [row for row in found if row["fault"] not in broken]
    states = {fault.name: fault.states for fault in wanted}
    odd = [row["fault"] for row in whole if row["state"] not in states[row["fault"]]]
    return {
        "goals": [
            *(
                {
                    "name": f"measurements {name} over {len(whole)} faults",
                    "value": sum(row.get(key, 0) for row in whole),
                    "goal": "0",
                    "met": not any(row.get(key) for row in whole),
                }
                for key, name in (
                    ("lost", "lost"),
                    ("twice", "made twice"),
                    ("blocked", "recorded as blocked"),
                    ("unsure", "recorded as anything else but ok"),
                    ("elsewhere", "attributed to another provider"),
                    ("misdated", "dated by another clock than their run's"),
                )
            ),
            {
                "name": "runs that ended otherwise than they should",
                "value": odd,
                "goal": "[]",
                "met": not odd,
            },
            {"name": "runs that did not begin or crashed", "value": broken, "goal": "[]", "met": not broken},
        ],
        "peer": {},
        "detail": {
            "fault: state, measured of planned, lost, twice, blocked, not ok; told": [
                line for row in found for line in _lines(row)
            ],
            **({"left out": reasons} if reasons else {}),
        },
    }


def _lines(row: dict[str, Any]) -> list[str]:
    if "planned" not in row:
        return [f"{row['fault']:<17} {row}"]
    head = f"{row['fault']:<17} {row['state']:<12}{row['measured']:>5}/{row['planned']:<5}"
    head += f"{row['lost']:>4}{row['twice']:>4}{row['blocked']:>4}  {row['not_ok'] or ''}"
    if row["fault"].startswith("256 MB"):
        head += f"  peak of resident memory: {row['peak_rss_mb']} MB"
    if "group" in row:
        used = row["group"]
        head += f"; of the group, with its files' pages: {used['peak_mb']} MB, killed {used['killed']}"
    return [head, *(f"{'':<19}| {line}" for line in _worth(row["told"]))]


def _worth(told: list[str]) -> list[str]:
    """Leave out what every run says."""
    usual = ("Looking at", "Asking for", "What was found", "What you can do", "Attached")
    return [line for line in told if not line.startswith(usual) and "planned" not in line][:6]
