"""signs: how long it takes to look for every known block page sign in a page of 64 KiB.

The lists are those of the package and, where given (``GATEWATCH_FINGERPRINTS``, files separated as in PATH),
OONI's and Censored Planet's.  The peer is the same search text by text, as ``in`` does it.
"""

from __future__ import annotations

import os
import random
import time
from typing import Any

from benchmarks.beside import beside
from gatewatch.verdict.likeness import signs
from gatewatch_targets import Fingerprint, fingerprints, read_signs

# A run judges each page once, between network waits of seconds.
GOAL_MS = 10.0
_WORDS = ("page", "news", "<p>", "</p>", "<a href='http://example.org/", "blocked", "access", "the", "</a>")


def _lists() -> list[Fingerprint]:
    named = os.environ.get("GATEWATCH_FINGERPRINTS", "")
    return [sign for path in named.split(os.pathsep) if path for sign in read_signs(path).signs]


def run(quick: bool) -> dict[str, Any]:
    """Time the search; gives the goal, the peer and what was searched."""
    others = _lists()
    signs.use(others)
    page = " ".join(random.Random(1).choices(_WORDS, k=20_000))[:65_536]
    rounds = 20 if quick else 200
    began = time.perf_counter()
    signs.shown(page, "", {}, "KH")
    built = time.perf_counter() - began
    began = time.perf_counter()
    for _ in range(rounds):
        signs.shown(page, "", {}, "KH")
    each = (time.perf_counter() - began) / rounds * 1000
    bodies = [s for s in (*fingerprints(), *others) if s.where == "http.body"]
    began = time.perf_counter()
    for sign in bodies:
        sign.matches(page)
    plainly = (time.perf_counter() - began) * 1000
    return {
        "goals": [
            {
                "name": f"a page of 64 KiB against {len(bodies)} texts",
                "value": f"{each:.2f} ms",
                "goal": f"< {GOAL_MS:.0f} ms",
                "met": each < GOAL_MS,
                "beside": beside("text by text, ms", each, plainly),
            }
        ],
        "peer": {"text by text": f"{plainly:.1f} ms"},
        "detail": {"building the tables, once a run": f"{built * 1000:.0f} ms"},
    }
