"""Faults of the machine on the real kernel: the benchmark's own, a few of them, all at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from benchmarks.machine import cannot, one
from benchmarks.machine.faults import FAULTS, Fault

from gatewatch.lab import kernel
from gatewatch.runner.failures import FILES
from gatewatch.runner.machine import ASLEEP, CHANGED

# So few that the runs end soon, so many that some are under way when it happens.
_SITES = 14
TOLD = {
    # The interface is away meanwhile, and on a busy machine that may be noticed first.
    "suspend 4 h": (ASLEEP, CHANGED),
    "no address": (CHANGED,),
    "no files": (FILES,),
}


def faults() -> list[Fault]:
    return [fault for fault in FAULTS if fault.name in TOLD]


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, Any]]:
    """What came of each: they mostly wait, so they wait together."""
    if kernel.available() is None:
        pytest.skip(f"no kernel attachment: {kernel.why()}")
    wanted = [fault for fault in faults() if not cannot(fault)]
    with ThreadPoolExecutor(len(wanted) or 1) as pool:
        rows = pool.map(lambda fault: one(fault, _SITES), wanted)
    return {row["fault"]: row for row in rows}


@pytest.mark.parametrize("fault", faults(), ids=lambda fault: fault.name)
def test_nothing_is_lost_or_twice_or_blocked_and_the_user_is_told(
    found: dict[str, dict[str, Any]], fault: Fault
) -> None:
    if why := cannot(fault):
        pytest.skip(why)
    row = found[fault.name]
    assert "trouble" not in row, row["trouble"]
    assert row["state"] in fault.states, row
    counts = [row["planned"], row["measured"], row["lost"], row["twice"], row["blocked"]]
    assert counts == [_SITES, _SITES, 0, 0, 0], row
    assert not row.get("elsewhere"), row
    assert any(words in line for line in row["told"] for words in TOLD[fault.name]), row["told"]
    # Measurements keep the clock of their run's start.
    assert len(row["years"]) == 1


def test_a_run_through_real_lists_fits_into_a_group_of_256_mb() -> None:
    if kernel.available() is None:
        pytest.skip(f"no kernel attachment: {kernel.why()}")
    fault = next(fault for fault in FAULTS if fault.memory)
    if why := cannot(fault):
        pytest.skip(why)
    row = one(fault)
    assert "trouble" not in row, row["trouble"]
    assert row["state"] == "done" and row["group"]["killed"] == 0
    assert [row["lost"], row["twice"], row["blocked"]] == [0, 0, 0] and row["measured"] == row["planned"] > 0
    # The group counted it: a run takes more than an interpreter does.
    assert row["group"]["peak_mb"] is None or 20 < row["group"]["peak_mb"] <= 256
