"""Pieces over processes: order, errors, and deaths that are told."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from gatewatch_analysis.loading.spread import WorkerDied, spread


def square(n: int) -> int:
    print("to nobody's harm")  # what work prints must not damage the answers
    return n * n


def who(_: int) -> int:
    return os.getpid()


def refuse(n: int) -> int:
    raise ValueError(n)


def die_at_three(n: int) -> int:
    if n == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return n


def die_once(marker: str) -> str:
    if not Path(marker).exists():
        Path(marker).touch()
        os._exit(7)
    return marker


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_order(processes: int) -> None:
    assert list(spread(square, range(9), processes)) == [(n, n * n) for n in range(9)]


def test_work_is_done_elsewhere_by_as_many_as_were_asked_for() -> None:
    pids = {pid for _, pid in spread(who, range(12), 2)}
    assert 1 <= len(pids) <= 2
    assert os.getpid() not in pids
    assert [pid for _, pid in spread(who, [1], 1)] == [os.getpid()]


@pytest.mark.parametrize("processes", [1, 2])
def test_what_work_raises_is_raised_here(processes: int) -> None:
    with pytest.raises(ValueError, match="4"):
        list(spread(refuse, [4], processes))


def test_a_piece_that_kills_is_told_and_the_rest_goes_on() -> None:
    results = dict(spread(die_at_three, range(6), 2))
    died = results.pop(3)
    assert isinstance(died, WorkerDied)
    assert "SIGKILL" in str(died)
    assert results == {n: n for n in range(6) if n != 3}


def test_a_process_that_dies_once_costs_nothing(tmp_path: Path) -> None:
    marker = str(tmp_path / "died")
    assert list(spread(die_once, [marker], 2)) == [(marker, marker)]
