"""An unattended run on a clock of its own: delays, looks, the lock, the log, the status file, retention."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from pathlib import Path

import pytest
from tests.worlds.duty import BEGAN, ITEM, Time, ending, events, orders
from tests.worlds.monitor import monitor

from gatewatch.runner.observer import Observer
from gatewatch.runner.session import Outcome
from gatewatch.store import Locked, StoreFull, lock
from gatewatch.unattended.duty import Clock, Duty
from gatewatch.unattended.log import LOG
from gatewatch.unattended.status import STATUS, Status, faults


def test_a_run_that_is_done(tmp_path: Path) -> None:
    time = Time()
    ended = Duty(orders(tmp_path, time, every_hours=6)).do(ending(tmp_path, "done", time=time))
    assert (ended.code, ended.run) == (0, "20260301T120000Z-aaaaaa")
    status = json.loads((tmp_path / STATUS).read_bytes())
    assert {
        key: status[key] for key in ("state", "exit_code", "measured", "planned", "pauses", "failures")
    } == {
        "state": "ended",
        "exit_code": 0,
        "measured": 2,
        "planned": 2,
        "pauses": 1,
        "failures": 0,
    }
    assert (status["started"], status["ended"]) == ("2026-03-01T12:00:00Z", "2026-03-01T12:01:00Z")
    assert (status["next_due"], status["last_success"]) == ("2026-03-01T18:00:00Z", "2026-03-01T12:00:00Z")
    assert [event["event"] for event in events(tmp_path)] == [
        "start",
        "measuring",
        "paused",
        "resumed",
        "end",
    ]
    assert [event["time"] for event in events(tmp_path)][3:] == ["2026-03-01T12:01:00Z"] * 2
    assert (tmp_path / STATUS).stat().st_mode & 0o777 == (tmp_path / LOG).stat().st_mode & 0o777 == 0o600


def test_the_start_is_put_off_by_chance_and_never_longer(tmp_path: Path) -> None:
    delays = []
    for seed in range(40):
        time = Time()
        given = orders(tmp_path, time, jitter=600.0, clock=time.clock(seed))
        Duty(given).do(ending(tmp_path, "done"))
        delays.append(time.slept[0])
    assert max(delays) <= 600 and min(delays) < 100 and max(delays) > 500 and len(set(delays)) == 40


def test_a_network_that_comes_late_is_waited_for(tmp_path: Path) -> None:
    time = Time()
    hold = ending(tmp_path, "no_network", "no_network", "done")
    assert Duty(orders(tmp_path, time)).do(hold).code == 0
    assert time.slept == [0, 60, 60]
    time = Time()
    ended = Duty(orders(tmp_path, time)).do(ending(tmp_path, *["no_network"] * 9))
    assert (ended.code, time.slept) == (4, [0, 60, 60, 60, 60])


YEAR = 365 * 86_400.0


@pytest.mark.parametrize(
    ("jump", "offset", "gone"),
    [
        (0.0, 0.4, ["old"]),
        # The clock is set during the run, forward and back: by the run's own clock all was well.
        (YEAR, 0.4, []),
        (-YEAR, 0.4, []),
        # It was wrong from the start, and the pages' dates said so; or none was seen.
        (0.0, YEAR, []),
        (0.0, None, []),
        # It was wrong, and a time server put it right during the run: in truth nothing is old yet.
        (-YEAR, YEAR, []),
    ],
)
def test_a_clock_that_jumps_deletes_no_years_results(
    tmp_path: Path, jump: float, offset: float | None, gone: list[str]
) -> None:
    time = Time()
    made = {
        "old": f"{BEGAN - timedelta(days=50):%Y%m%dT%H%M%SZ}-aaaaaa",
        "young": f"{BEGAN - timedelta(days=5):%Y%m%dT%H%M%SZ}-bbbbbb",
        "new": f"{BEGAN:%Y%m%dT%H%M%SZ}-aaaaaa",
    }
    for name in made.values():
        (tmp_path / name).mkdir()
        (tmp_path / name / "plan.json").write_text("{}")
    (tmp_path / made["new"] / "run.json").write_text(json.dumps({"clock_offset_s": offset}))
    wall = [0.0]
    clock = Clock(
        lambda: time.now + timedelta(seconds=wall[0]),
        lambda: time.now.timestamp(),
        time.sleep,
        random.Random(1),
    )

    def hold(observer: Observer) -> Outcome:
        wall[0] += jump
        return ending(tmp_path, "done")(observer)

    ended = Duty(orders(tmp_path, time, keep_days=30, clock=clock)).do(hold)
    assert ended.code == 0
    left = {path.name for path in tmp_path.iterdir() if path.is_dir()}
    assert left == set(made.values()) - {made[name] for name in gone}


def test_a_machine_that_slept_has_no_wrong_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "20260301T120000Z-aaaaaa").mkdir()
    (tmp_path / "20260301T120000Z-aaaaaa" / "run.json").write_text('{"clock_offset_s": 0.5}')
    time, awake = Time(), Clock().monotonic()

    def hold(observer: Observer) -> Outcome:
        # A night with the lid down: the kernel's own clocks tell it, but for the one that stops meanwhile.
        time.sleep(8 * 3600)
        monkeypatch.setattr("time.clock_gettime", lambda _: awake + 8 * 3600)
        return ending(tmp_path, "done")(observer)

    Duty(orders(tmp_path, time, clock=Clock(lambda: time.now, sleep=time.sleep))).do(hold)
    status = Status.read(tmp_path)
    assert status is not None and status.clock_offset_s == pytest.approx(0.5, abs=60)
    assert faults(status, time.now, going_on=False) == []


def test_failures_in_a_row_are_counted_and_the_last_success_is_kept(tmp_path: Path) -> None:
    time = Time()
    for state in ("done", "partial", "interrupted"):
        Duty(orders(tmp_path, time)).do(ending(tmp_path, state))
        time.now += timedelta(hours=6)
    status = Status.read(tmp_path)
    assert status and (status.failures, status.outcome, status.exit_code) == (2, "interrupted", 1)
    assert status.last_success == "2026-03-01T12:00:00Z"


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [
        (StoreFull("/home/somebody/runs: full"), "full", 1),
        (OSError(13, "Permission denied", "/home/somebody/runs"), "failed", 1),
    ],
)
def test_what_prevents_a_run_is_written_down_without_its_path(
    tmp_path: Path, error: Exception, outcome: str, code: int
) -> None:
    def hold(_: Observer) -> Outcome:
        raise error

    assert Duty(orders(tmp_path, Time())).do(hold).code == code
    status = Status.read(tmp_path)
    assert status and status.outcome == outcome
    assert "somebody" not in (tmp_path / STATUS).read_text() + (tmp_path / LOG).read_text()


def test_a_mistake_of_ours_is_written_down_and_goes_on_its_way(tmp_path: Path) -> None:
    def hold(_: Observer) -> Outcome:
        raise KeyError("/home/somebody")

    with pytest.raises(KeyError):
        Duty(orders(tmp_path, Time())).do(hold)
    status = Status.read(tmp_path)
    assert status and (status.outcome, status.reason, status.state) == ("failed", "KeyError", "ended")


def test_a_second_run_leaves_the_status_to_the_first(tmp_path: Path) -> None:
    Duty(orders(tmp_path, Time())).do(ending(tmp_path, "done"))
    before = (tmp_path / STATUS).read_bytes()

    def hold(_: Observer) -> Outcome:
        raise Locked("held")

    with monitor() as there:
        assert Duty(orders(tmp_path, Time(), ping=there.url)).do(hold).code == 75
        with lock(tmp_path):
            assert Duty(orders(tmp_path, Time(), ping=there.url)).do(ending(tmp_path, "done")).code == 75
    # Who was seen before it began is not told of, either: it would seem to have begun and never ended.
    assert there.told == ["/key/start"]
    assert (tmp_path / STATUS).read_bytes() == before
    assert events(tmp_path)[-1]["event"] == "locked"


def test_the_status_file_follows_a_run_but_not_every_measurement(tmp_path: Path) -> None:
    time = Time()
    seen: list[int] = []

    def hold(observer: Observer) -> Outcome:
        observer.started(600, 0)
        for _ in range(600):
            time.sleep(1)
            observer.measured(ITEM, None)
            status = Status.read(tmp_path)
            assert status and status.state == "measuring"
            seen.append(status.measured)
        return Outcome("done", "Done.", None, 600)

    Duty(orders(tmp_path, time)).do(hold)
    assert sorted(set(seen)) == [0, *range(60, 601, 60)]
