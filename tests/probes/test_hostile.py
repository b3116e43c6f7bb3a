"""A hostile network costs only its own budget: every trap of the lab beside innocent targets, exact times.

Each row is two sessions in memory, with the trap and without; what is asserted is in the table of
:mod:`benchmarks.trapping_cases` and in docs/hardening.md.
"""

import json

import pytest
from benchmarks.trapping import Case, session
from benchmarks.trapping_cases import ROWS
from benchmarks.traps import RECORD, beside

from gatewatch.lab.country.traps import TRAPS
from gatewatch.records import loads

# The most that is read of a trap: pages and their second controls, each as much as a response may take.
READ = 7 << 20


@pytest.mark.parametrize("name", ROWS)
def test_a_trap_costs_its_own_budget_and_nobody_else(name: str) -> None:
    row = ROWS[name]
    ran, alone, ratio = beside(row, 2)
    # Nothing was raised, dropped or left behind.
    assert (ran.state, ran.skipped, ran.lines) == (alone.state, {}, alone.lines) == ("done", {}, 3)
    assert (ran.open_sockets, ran.tasks_left) == (0, 0)
    # It ended in time, and so did the others: to the microsecond when they do without it.
    assert ran.seconds[row.case.url] <= row.seconds
    assert ratio <= 1 + 1e-6
    # What is kept of it is bounded, can be read back, and says what is right.
    assert len(ran.line) < RECORD and ran.received < READ
    again, problems = loads(ran.line)
    assert problems == () and again.input == row.case.url
    assert ran.label.startswith(row.right), (ran.label, ran.rule)


def test_every_trap_is_met() -> None:
    assert set(TRAPS) <= set(ROWS)


def test_only_who_forges_on_the_path_is_called_a_block() -> None:
    blocked = {name for name, row in ROWS.items() if any(word.startswith("blocked") for word in row.right)}
    assert {name.split()[0] for name in blocked} == {"dns", "carriers", "app"}


def test_no_chain_of_redirects_outlasts_the_items_budget() -> None:
    row = ROWS["redirect-slow"]
    ran, _, _ = beside(row, 2)
    keys = json.loads(ran.line)["test_keys"]
    assert "too long on redirects" in keys["x_gatewatch_redirect_failure"]
    assert 45 < ran.seconds[row.case.url] < 69


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_portal_that_dribbles_is_told_before_anything_is_measured(scheme: str) -> None:
    case = Case("web", f"{scheme}://innocent.org/", "portal")
    ran = session(case, (case.url,))
    assert (ran.state, ran.lines, ran.open_sockets, ran.tasks_left) == ("no_network", 0, 0, 0)
