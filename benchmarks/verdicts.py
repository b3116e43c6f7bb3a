"""verdicts: kh and global, about 1,890 real URLs, through every middlebox of the lab, against the truth.

The quick run takes a sample of the same lists, in memory.  The peer is OONI's vocabulary: every measurement
also carries OONI's ``blocking`` key, and how many words each of the two has for what was found is counted in
the very same lines.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.labrun import gatewatch, real_lists
from gatewatch.store import read

# Twelve ISPs times so many URLs: what two cores do in half a minute.
QUICK = 120


def run(quick: bool) -> dict[str, Any]:
    """Make the runs and score them."""
    with tempfile.TemporaryDirectory(prefix="gatewatch-bench-") as folder:
        options = [*real_lists("kh", "global"), "--traces", "0", "--quiet", "--seed", "1", "--root", folder]
        if quick:
            options += ["--limit", str(QUICK), "--attach", "memory"]
        about = gatewatch("lab", "run", "methods", "--score", *options)
        labels, words = _vocabularies([run["folder"] for run in about["runs"] if run["folder"]])
    score = about["score"]
    counted = score["total"]
    right = score["right"]
    return {
        "goals": [
            {
                "name": f"verdicts that equal the truth, of {counted} on {len(about['runs'])} ISPs",
                "value": right,
                "goal": f"= {counted}",
                "met": right == counted and all(run["state"] == "done" for run in about["runs"]),
            }
        ],
        "peer": {"OONI's words for the same blocks": sorted(words), "ours": sorted(labels)},
        "detail": {
            "false alarms": score["false_alarms"],
            "missed": score["missed"],
            "abstained": score["abstained"],
        },
    }


def _vocabularies(folders: list[str]) -> tuple[set[str], set[str]]:
    """Collect the labels of blocked targets, and what OONI's ``blocking`` says of the same ones."""
    labels, words = set(), set()
    for folder in folders:
        for line in map(json.loads, read(Path(folder))):
            verdict = line.get("x_gatewatch_verdict") or {}
            if verdict.get("status") == "blocked":
                labels.add(verdict["label"])
                words.add(str(line["test_keys"]["blocking"]))
    return labels, words
