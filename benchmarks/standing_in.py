"""standing_in: lab runs whose controls are taken away, judged again by what other vantages saw.

Each way of blocking of the scenario ``methods`` is measured with a test helper, and so is the clear line,
which then serves as two vantages abroad.  The helper's answers are struck from every measurement of the
blocked line, and what the rules say with the other vantages in their place is held against what they said
with the helper.  No peer: nobody else judges one probe's measurement by another's record.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.labrun import gatewatch
from gatewatch.records import Measurement, dumps, loads
from gatewatch.store import read
from gatewatch_analysis.controls import judge_again
from gatewatch_analysis.loading import load

CLEAR = "clear"
WAYS = (
    *("dns-nxdomain", "dns-bogon", "dns-redirect", "dns-drop", "tcp-drop", "tcp-reset", "sni-reset"),
    *("sni-drop", "sni-eof", "tls-mitm", "http-blockpage", "http-reset", "http-eof", "http-drop"),
)
GOAL_SAME = 0.9


def run(quick: bool) -> dict[str, Any]:
    """Measure, strike, judge again; gives goals and detail."""
    ways = WAYS[::5] if quick else WAYS
    total: Counter[str] = Counter()
    detail: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="gatewatch-bench-") as folder:
        clear = list(_measured(CLEAR, folder))
        for way in ways:
            seen = _again(way, list(_measured(way, folder)), clear, Path(folder))
            detail[way] = ", ".join(f"{what}: {count}" for what, count in seen.most_common())
            total += seen
    in_need = sum(total.values())
    goals = [
        {
            "name": "verdicts without a control that come out as with a helper",
            "value": f"{total['same']} of {in_need}",
            "goal": f"at least {GOAL_SAME:.0%}",
            "met": total["same"] >= GOAL_SAME * in_need > 0,
        },
        {
            "name": "called blocked where the helper's control denies it",
            "value": total["wrongly blocked"],
            "goal": "0",
            "met": not total["wrongly blocked"],
        },
    ]
    return {"goals": goals, "peer": {}, "detail": detail}


def _measured(isp: str, folder: str) -> Iterator[Measurement]:
    about = gatewatch(
        *("run", "--lab", f"methods:{isp}", "--attach", "memory", "--targets", "kh", "--traces", "0"),
        *("--quiet", "--root", f"{folder}/runs"),
    )
    for line in read(Path(about["folder"])):
        measurement, _ = loads(line)
        if measurement.test_name == "web_connectivity":
            yield measurement


def _again(way: str, mine: list[Measurement], clear: list[Measurement], folder: Path) -> Counter[str]:
    """Count what becomes of the measurements that need a control."""
    told = {m.input: str((m.x_gatewatch_verdict or {}).get("label")) for m in mine}
    start = mine[0].measurement_start_time
    lines = [dumps(_struck(m)) for m in mine]
    for asn in (64500, 64501):
        abroad: dict[str, Any] = {"probe_cc": "SG", "probe_asn": f"AS{asn}", "measurement_start_time": start}
        lines += [dumps(replace(m, id=f"{asn}/{m.id}", **abroad)) for m in clear]
    file = folder / f"{way}.jsonl"
    file.write_bytes(b"".join(lines))
    before = load([file]).measurements
    after = judge_again(before, [file])
    need = (before["label"] == "inconclusive(no_control)") & (before["country"] != "SG")
    seen: Counter[str] = Counter()
    for target, label in after.loc[need, ["input", "label"]].itertuples(index=False, name=None):
        if label == told[target]:
            seen["same"] += 1
        elif str(label).startswith("inconclusive"):
            seen["undecided"] += 1
        elif str(label).startswith("blocked") and not told[target].startswith("blocked"):
            seen["wrongly blocked"] += 1
        else:
            seen["another word"] += 1
    return seen


def _struck(m: Measurement) -> Measurement:
    """Take the helper's answer, and the verdict that rests on it, away."""
    extra = {**m.test_keys.extra, "control": None, "control_failure": "generic_timeout_error"}
    extra.pop("x_gatewatch_control_domestic", None)
    return replace(m, test_keys=replace(m.test_keys, extra=extra), x_gatewatch_verdict=None)
