"""attachments: the same scenario through the kernel and in memory must give the same verdicts."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.labrun import gatewatch
from gatewatch.store import read

ISPS = ("dns-nxdomain", "tcp-drop", "sni-reset", "http-blockpage")


def run(quick: bool) -> dict[str, Any]:
    """Measure both ways and compare line by line."""
    limit = "60" if quick else "313"
    found: dict[str, dict[tuple[str, str], str]] = {}
    with tempfile.TemporaryDirectory(prefix="gatewatch-bench-") as folder:
        for attach in ("kernel", "memory"):
            options = ["--attach", attach, "--root", f"{folder}/{attach}", "--limit", limit, "--seed", "1"]
            isps = [word for isp in ISPS for word in ("--isp", isp)]
            lists = [word for name in ("global", "kh", "np", "th", "my") for word in ("--targets", name)]
            about = gatewatch("lab", "run", "methods", *isps, *options, *lists, "--traces", "0", "--quiet")
            found[attach] = {
                (run["isp"], line["input"]): line["x_gatewatch_verdict"]["label"]
                for run in about["runs"]
                for line in map(json.loads, read(Path(run["folder"])))
            }
    kernel, memory = found["kernel"], found["memory"]
    same = sum(kernel[key] == memory.get(key) for key in kernel)
    return {
        "goals": [
            {
                "name": "verdicts equal in both attachments",
                "value": f"{same}/{len(kernel)}",
                "goal": "all",
                "met": same == len(kernel) == len(memory) and same > 0,
            }
        ],
        "peer": {},
        "detail": {
            "different": [
                [*key, kernel[key], memory.get(key)] for key in kernel if kernel[key] != memory.get(key)
            ][:20]
        },
    }
