"""verdicts: kh and global, about 1,890 real URLs, through every middlebox of the lab, against the truth.

The quick run takes a sample of the same lists, in memory.  The peer is OONI's own vocabulary: how many of the
methods it could have told apart, had each of its verdicts been right (reference: blocking = dns, tcp_ip,
http-failure, http-diff).
"""

from __future__ import annotations

import tempfile
from typing import Any

from benchmarks.labrun import gatewatch, real_lists

# Twelve ISPs times so many URLs: what two cores do in half a minute.
QUICK = 120


def run(quick: bool) -> dict[str, Any]:
    """Make the runs and score them."""
    with tempfile.TemporaryDirectory(prefix="gatewatch-bench-") as folder:
        options = [*real_lists("kh", "global"), "--traces", "0", "--quiet", "--seed", "1", "--root", folder]
        if quick:
            options += ["--limit", str(QUICK), "--attach", "memory"]
        about = gatewatch("lab", "run", "methods", "--score", *options)
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
        "peer": {"methods told apart by OONI's four words, of ours": "4 of 11"},
        "detail": {
            "false alarms": score["false_alarms"],
            "missed": score["missed"],
            "abstained": score["abstained"],
        },
    }
