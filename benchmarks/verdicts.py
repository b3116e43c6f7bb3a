"""verdicts: kh and global, about 1,890 real URLs, through every middlebox of the lab, against the truth.

The quick run takes every sixth URL of the same lists.  The peer is OONI's own vocabulary: how many of the
methods it could have told apart, had each of its verdicts been right (reference: blocking = dns, tcp_ip,
http-failure, http-diff).
"""

from __future__ import annotations

import tempfile
from typing import Any

from benchmarks.labrun import gatewatch, real_lists


def run(quick: bool) -> dict[str, Any]:
    """Make the runs and score them."""
    with tempfile.TemporaryDirectory(prefix="gatewatch-bench-") as folder:
        options = [*real_lists("kh", "global"), "--traces", "0", "--quiet", "--seed", "1", "--root", folder]
        if quick:
            options += ["--limit", "320", "--attach", "memory"]
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
