"""``python -m benchmarks NAME [--quick] [--json]``: measure goals beside a named peer, on this machine."""

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
    """Run one benchmark; 1 when a goal is not met."""
    listing = "\n".join(f"  {name:<12} {what}" for name, what in NAMES.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog=f"names:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--quick", action="store_true", help="end within 45 s, with fewer repeats")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    before = machine()
    result = importlib.import_module(f"benchmarks.{asked.name}").run(asked.quick)
    if asked.json:
        print(json.dumps({"benchmark": asked.name, "quick": asked.quick, **result, "machine": before}))
    else:
        for goal in result["goals"]:
            met = "met    " if goal["met"] else "NOT MET"
            print(f"{met} {goal['name']}: {goal['value']} (goal {goal['goal']})")
        for title in ("peer", "detail"):
            for name, value in result[title].items():
                lines = value if isinstance(value, list) else [value]
                print(f"        {title}: {name}: {lines[0] if len(lines) == 1 else ''}")
                for line in lines if len(lines) > 1 else ():
                    print(f"            {line}")
        print(f"        machine: {before}")
    return 0 if all(goal["met"] for goal in result["goals"]) else 1


if __name__ == "__main__":
    sys.exit(main())
