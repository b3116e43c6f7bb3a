"""``python -m benchmarks [NAME] [--quick] [--json]``: measure goals beside a named peer, on this machine.

Without a name, all of them one after another, each in a process of its own; what they give is kept in
docs/figures.json, and ``--write`` makes docs/figures.md of it.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
from typing import Any

#: Name and what it measures.  Each is a module here with ``run(quick) -> {"goals", "peer", "detail"}``.
NAMES = {
    "schedule": "a third of 500 targets blackholed: wall time against the ideal, and one after another",
    "machine": "clock, sleep, interface, resolver, files, memory, signals during a run: lost, twice, blocked",
    "crash": "kill -9 at random moments of a run, then --resume",
    "faults": "a thousand deaths and power cuts in all that writes, each gone on from",
    "verdicts": "kh + global through every middlebox of the lab, against the scenario's truth",
    "rehearsal": "thirty emulated days to a report: what it finds of a gate, an outage, a quiet day",
    "scenarios": "the acceptance scenarios: as they are, with 20 seeds of loss, and in combinations",
    "attachments": "kernel and memory attachment of the lab: the same verdicts",
    "fetch": "GETs a second a core against bare trio sockets, on nginx",
    "resolve": "DNS questions a second a core, with dnsperf's ceiling",
    "memory": "resident memory of a run of 2,000 targets",
    "soak": "24 emulated hours of unattended runs, and 50,000 sites in real time: memory, leaks, disk",
    "crowd": "500 probes at once at the test helper: right answers, latency, memory, beside bare hypercorn",
    "hostile": "a thousand hostile requests to the test helper: answers, memory, and the next good one",
    "traps": "hostile servers and boxes beside innocent targets: what each costs, and whom it delays",
    "signs": "one page against all lists of block page signs, in milliseconds",
    "quic": "sites with and without QUIC through every box that interferes with it, against the truth",
    "throttling": "a name slowed ten to one, and poor lines that are not: stated ratios, false alarms",
    "locating": "locate in random worlds: exact and wrong links, triggers, without a capability",
    "loading": "OONI's lines to measurements with verdicts, beside oonidata, which only parses them",
    "gateway": "emulated countries: one gate, one hand, each ISP by itself, or none, against the truth",
    "lookup": "whose an address is: single and by the million, beside pyasn and maxminddb",
    "aggregate": "five million rows counted by group, beside pandas, polars and duckdb",
    "report": "the page of 100,000 measurements: seconds and megabytes",
    "shutdowns": "countries in which a network fails, is filtered or is not heard of, against the truth",
    "standing_in": "lab runs without their controls, judged by what other vantages saw",
    "deep": "deep mode in random worlds: in the path or beside it, and the fields of the box's packets",
    "tracing": "a thousand destinations traced at once: hops against the truth, wall time against scamper",
    "cables": "whose cable, in random worlds: truth within bounds, true system among candidates, widths",
    "observations": "OONI measurements to the observations table, a second and core; memory; cut lines",
    "datasets": "a Parquet build killed by kill -9 at random moments, against one left in peace",
    "fuzz": "ten million hostile inputs to every parser of wire data and of foreign files",
    "packets": "the lab's engine: packets a second, and how exact a 50 ms path is",
}


def machine() -> dict[str, Any]:
    """Say what it was measured on."""
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "load_1min": round(os.getloadavg()[0], 2),
    }


def main() -> int:
    """Run one benchmark, or all; 1 when a goal is not met."""
    listing = "\n".join(f"  {name:<12} {what}" for name, what in NAMES.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog=f"names:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="?", choices=[*NAMES, "all"], default="all", metavar="NAME")
    parser.add_argument(
        "--quick", action="store_true", help="fewer repeats, most within 45 s; locating takes three minutes"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", metavar="A,B", help="of all, only these; results of others stay kept")
    parser.add_argument("--write", action="store_true", help="of all: then write docs/figures.md")
    asked = parser.parse_args()
    if asked.name != "all":
        return one(asked.name, quick=asked.quick, as_json=asked.json)
    chosen = asked.only.split(",") if asked.only else list(NAMES)
    if unknown := [name for name in chosen if name not in NAMES]:
        parser.error(f"--only: no benchmark {', '.join(unknown)}")
    return everything(chosen, quick=asked.quick, as_json=asked.json, write=asked.write)


def everything(chosen: list[str], *, quick: bool, as_json: bool, write: bool) -> int:
    """Run many, each in its own process; 1 when a goal of one is not met or one failed."""
    from benchmarks import figures

    made = figures.every(chosen, quick=quick, told=not as_json)
    if write:
        figures.write(NAMES)
    if as_json:
        print(json.dumps(made))
    good = all("failed" not in result and all(g["met"] for g in result["goals"]) for result in made.values())
    return 0 if good else 1


def one(name: str, *, quick: bool, as_json: bool) -> int:
    """Run one here; 1 when a goal is not met."""
    before = machine()
    result = importlib.import_module(f"benchmarks.{name}").run(quick)
    if as_json:
        print(json.dumps({"benchmark": name, "quick": quick, **result, "machine": before}))
    else:
        for goal in result["goals"]:
            met = "met    " if goal["met"] else "NOT MET"
            print(f"{met} {goal['name']}: {goal['value']} (goal {goal['goal']})")
        for title in ("peer", "detail"):
            for what, value in result[title].items():
                lines = value if isinstance(value, list) else [value]
                print(f"        {title}: {what}: {lines[0] if len(lines) == 1 else ''}")
                for line in lines if len(lines) > 1 else ():
                    print(f"            {line}")
        print(f"        machine: {before}")
    return 0 if all(goal["met"] for goal in result["goals"]) else 1


if __name__ == "__main__":
    sys.exit(main())
