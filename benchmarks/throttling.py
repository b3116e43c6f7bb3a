"""throttling: a name that is slowed ten to one through the lab's lines, and lines that are only poor.

In memory, on the lab's clock: 20 ms jitter, loss, a box that queues or drops.  The peer is a bare
threshold: one transfer of each name, and ten times slower is called extreme (OONI dd-007).  It is computed
from the first pair of the very same transfers.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import replace
from statistics import median
from typing import Any

import trio
from trio.testing import MockClock

from gatewatch.lab import memory
from gatewatch.lab.country.host import Host
from gatewatch.lab.country.scenario import Box, Scenario, load
from gatewatch.net.trust import Trust
from gatewatch.net.wire import Wire
from gatewatch.records import Measurement
from gatewatch.verdict import judge
from gatewatch.verdict.reading import features
from gatewatch_probes.throttle import Throttle
from gatewatch_targets import Target

# The access line and the throttle, in kbit/s; a page larger than what is transferred.
LINE, SLOW, SIZE = 10_000.0, 1_000.0, 600_000
NAME = "slow.org"
# OONI dd-007: throttling that makes ten times slower is extreme.
EXTREME = 10.0
# How far from the truth a stated ratio may be.
NEAR = 0.2
_SHAPER = {"kbps": SLOW, "queue_ms": 5000.0}
_POLICER = {"kbps": SLOW, "burst": 16_000.0}


def _country(seed: int, throttle: dict[str, float] | None, *, loss: float, jitter: float) -> Scenario:
    small = load("small")
    boxes = () if throttle is None else (Box("throttle", 3, frozenset({NAME}), **throttle),)  # type: ignore[arg-type]
    isps = tuple(replace(isp, boxes=boxes, down_kbps=LINE, loss=loss, jitter_ms=jitter) for isp in small.isps)
    return replace(small, isps=isps, hosts=(Host((NAME,), size=SIZE),), seed=seed)


def _measure(country: Scenario) -> Measurement:
    """One measurement of the slowed name, as `gatewatch run --probe throttle` makes it."""

    async def main() -> Measurement:
        async with memory.attached(country, country.isps[-1].id) as internet:
            with tempfile.NamedTemporaryFile(suffix=".pem") as bundle:
                bundle.write(internet.world.ca_pem())
                bundle.flush()
                trust = Trust(bundle.name)
            wire = Wire(trust=trust, own_resolvers=(), helpers=("https://0.th.ooni.org/",))
            url = f"https://{NAME}/"
            # The budget of one item, as a campaign sets it.
            with trio.fail_after(180):
                keys = await Throttle().measure(Target(url), wire)
        return Measurement(
            input=url,
            measurement_start_time="2026-11-01 00:00:00",
            software_version="",
            test_keys=keys,
            test_name=Throttle.test_name,
            test_start_time="2026-11-01 00:00:00",
        )

    return trio.run(main, clock=MockClock(autojump_threshold=0))


def _first_pair(m: Measurement) -> float:
    """What one transfer of each name says: the ratio of the first pair."""
    rows = m.test_keys.extra["x_gatewatch_throttle"]["transfers"] if m.test_keys else ()
    first = {row["arm"]: row["kbps"] for row in rows if row["pair"] == 0 and row["arm"] != "trial"}
    return float(first["neutral"]) / float(first["named"])


def run(quick: bool) -> dict[str, Any]:
    """Measure both kinds of lines."""
    goals: list[dict[str, Any]] = []
    detail: dict[str, Any] = {}
    slowed: list[float] = []
    poor: list[float] = []
    seeds = range(3 if quick else 20)
    for name, box, jitter in (
        ("a shaper", _SHAPER, 0.0),
        ("a shaper, 20 ms jitter", _SHAPER, 20.0),
        ("a policer, 20 ms jitter", _POLICER, 20.0),
    ):
        found = [_measure(_country(seed, box, loss=0.0, jitter=jitter)) for seed in seeds]
        slowed += [_first_pair(m) for m in found]
        called = sum(judge(m).label == "tampered(throttled)" for m in found)
        goals.append(
            _goal(f"{name}: found, of {len(found)}", called, f"= {len(found)}", called == len(found))
        )
        ratios = [features(m).pace_ratio for m in found]
        if box is _SHAPER:
            off = max(abs(ratio / (LINE / SLOW) - 1) for ratio in ratios)
            goals.append(_goal(f"{name}: stated ratio off by", f"{off:.1%}", f"<= {NEAR:.0%}", off <= NEAR))
        # TCP cannot use up a rate that drops: what it gets differs by more than the rates do.
        told = f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        detail[f"{name}: stated ratio, median and range"] = told
    found = [_measure(_country(seed, _SHAPER, loss=0.01, jitter=20.0)) for seed in seeds]
    # There the loss alone takes most of the line, so that little is left to throttle.
    detail["a shaper, 1% loss, 20 ms jitter: verdicts"] = dict(Counter(judge(m).label for m in found))
    lossy = range(100, 104 if quick else 125)
    for loss in (0.01, 0.03):
        found = [_measure(_country(seed, None, loss=loss, jitter=20.0)) for seed in lossy]
        poor += [_first_pair(m) for m in found]
        labels = Counter(judge(m).label for m in found)
        alarms = labels["tampered(throttled)"]
        name = f"{loss:.0%} loss, 20 ms jitter"
        goals.append(_goal(f"{name}, not slowed: alarms in {len(found)}", alarms, "= 0", not alarms))
        highest = max(features(m).pace_low for m in found)
        detail[f"{name}: highest lower bound (alarm from 1.5 on)"] = f"{highest:.2f}"
        detail[f"{name}: verdicts"] = dict(labels)
    extreme = sum(ratio >= EXTREME for ratio in slowed)
    return {
        "goals": goals,
        "peer": {
            f"first pair alone, called from {EXTREME:.0f} on: found": f"{extreme} of {len(slowed)}",
            "first pair alone on poor lines: largest ratio": f"{max(poor):.2f}",
        },
        "detail": detail,
    }


def _goal(name: str, value: Any, goal: str, met: bool) -> dict[str, Any]:
    return {"name": name, "value": value, "goal": goal, "met": met}
