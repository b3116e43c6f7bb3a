"""Uploading for a year: nobody's login is sent, and no single measurement or run holds the rest up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.worlds import spool
from tests.worlds.collector import Collector, collector
from tests.worlds.netrc import everywhere

from gatewatch.store.files import read_json
from gatewatch.upload import config
from gatewatch.upload.config import Destination, Protocol
from gatewatch.upload.deliver import Clock, Result, deliver
from gatewatch.upload.ledger import Ledger
from gatewatch.upload.spool import may_go, waiting


@pytest.fixture
def there() -> Iterator[Collector]:
    with collector() as running:
        yield running


def to(there: Collector, protocol: Protocol = "submit") -> Destination:
    return replace(config.collector(there.url, protocol), lab=True)


@pytest.mark.parametrize("protocol", ["submit", "report"])
def test_nobodys_login_is_sent(
    tmp_path: Path, there: Collector, protocol: Protocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    everywhere(tmp_path, monkeypatch)
    spool.run(tmp_path, 2)
    assert deliver(tmp_path, [to(there, protocol)], within=10)[0].stored == 2
    assert there.requests and not any(b"authorization" in each.lower() for each in there.requests)


# -- what no collector takes


def delivered(root: Path, destination: Destination, rounds: int) -> Result:
    """Deliver so many times, hours apart, with time for one attempt each."""
    time = [1e9]
    for _ in range(rounds):
        time[0] += 30 * 3600
        clock = Clock(lambda: time[0], lambda: time[0])
        (result,) = deliver(root, [destination], within=1, clock=clock)
    return result


@pytest.mark.parametrize("protocol", ["submit", "report"])
def test_a_measurement_at_which_a_collector_stumbles_keeps_no_other_from_it(
    tmp_path: Path, there: Collector, protocol: Protocol
) -> None:
    runs = sorted([spool.run(tmp_path, 3), spool.run(tmp_path, 3)])
    uids = spool.uids(*runs)
    there.stumbles = frozenset((uids[0], uids[1], uids[4]))
    result = delivered(tmp_path, to(there, protocol), 20)
    assert set(there.kept) == set(uids) - there.stumbles
    assert (result.waiting.measurements, result.waiting.doubtful) == (3, 3)
    # Each of the three has had its turn again and again.
    tried = Counter(uid for each in there.requests for uid in there.stumbles if uid.encode() in each)
    assert min(tried.values()) > 3
    there.stumbles = frozenset()
    assert delivered(tmp_path, to(there, protocol), 1).stored == 3
    assert there.times == Counter(uids)
    if protocol == "report":
        assert there.closed == set(there.reports)


def test_of_a_run_that_is_through_only_the_last_line_is_read(
    tmp_path: Path, there: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [spool.run(tmp_path, 2), spool.run(tmp_path, 2)]
    there.modes.extend(["refuse"])
    assert deliver(tmp_path, [to(there)], within=10)[0].refused == 1
    opened: list[Path] = []
    monkeypatch.setattr(Ledger, "open", lambda run, _key: opened.append(run))
    (again,) = deliver(tmp_path, [to(there)], within=10)
    assert (again.waiting.measurements, again.waiting.refused, opened) == (0, 1, [])
    assert all(may_go(run, [to(there)]) for run in runs) and opened == []


def test_no_plan_is_read_to_see_what_waits(
    tmp_path: Path, there: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.run(tmp_path, 2)
    spool.run(tmp_path, 3, state="")
    read: list[str] = []

    def noted(path: Path) -> dict[str, Any]:
        found = read_json(path)
        read.append(path.name)
        return found

    monkeypatch.setattr("gatewatch.store.runs.read_json", noted)
    # Of one that was killed, its lines are counted as long as it waits, and no longer.
    assert waiting(tmp_path, to(there)).measurements == 5
    assert deliver(tmp_path, [to(there)], within=10)[0].stored == 5
    monkeypatch.setattr("gatewatch.upload.spool.read", lambda run: pytest.fail(f"{run} is read"))
    assert waiting(tmp_path, to(there)).measurements == 0
    assert set(read) == {"run.json"}


# -- runs that cannot be read


def test_a_run_that_cannot_be_read_keeps_no_other_waiting(tmp_path: Path, there: Collector) -> None:
    first, second = sorted([spool.run(tmp_path, 2), spool.run(tmp_path, 2)])
    # A file of another user's, or on a disk that fails, is an error of the same kind.
    (first / "measurements.jsonl.gz").rename(tmp_path / "aside")
    (first / "measurements.jsonl.gz").mkdir()
    said: list[str] = []
    (result,) = deliver(
        tmp_path, [to(there)], within=10, told=lambda _to, answer, count: said.append(answer.why)
    )
    assert set(there.kept) == set(spool.uids(second)) and result.waiting.measurements == 2
    assert any(why.startswith("a run cannot be read: ") for why in said)
    (first / "measurements.jsonl.gz").rmdir()
    (tmp_path / "aside").rename(first / "measurements.jsonl.gz")
    assert deliver(tmp_path, [to(there)], within=10)[0].stored == 2
