"""An unattended run on a clock of its own: delays, looks, the lock, the log, the status file, retention."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from tests.worlds.commands import gatewatch, here
from tests.worlds.monitor import monitor

from gatewatch import cli
from gatewatch.consent import GENERAL, LOCATE_VERSION, MEDIUM, MEDIUM_VERSION, VERSION, ledger, locating
from gatewatch.runner.observer import Observer
from gatewatch.runner.plan import Item
from gatewatch.runner.session import Outcome, Session, State
from gatewatch.store import Locked, StoreFull, lock
from gatewatch.unattended.duty import Clock, Delivered, Duty, Orders
from gatewatch.unattended.log import LOG
from gatewatch.unattended.ping import address, checked
from gatewatch.unattended.status import STATUS, Status, faults
from gatewatch_targets import Target

BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LAB = ("--lab", "small:clear", "--attach", "memory", "--targets", "kh", "--limit", "2", "--traces", "0")
ITEM = Item("web-1", "web", Target("https://site.org/"))


@dataclass
class Time:
    """A clock that stands still until somebody sleeps."""

    now: datetime = BEGAN
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)

    def clock(self, seed: int = 1) -> Clock:
        return Clock(lambda: self.now, lambda: self.now.timestamp(), self.sleep, random.Random(seed))


def orders(root: Path, time: Time, **more: Any) -> Orders:
    codes = {"done": 0, "no_network": 4, "locked": 75}
    return Orders(**{"root": root, "codes": codes, "otherwise": 1, "clock": time.clock(), **more})


def ending(
    root: Path, *states: str, lasting: float = 60, time: Time | None = None
) -> Callable[[Observer], Outcome]:
    """Sessions that end in these states, one after another; a good one measures two items."""
    left = list(states)

    def hold(observer: Observer) -> Outcome:
        state = cast(State, left.pop(0))
        if state == "no_network":
            return Outcome(state, "There is no internet connection.", None, 0)
        observer.started(2, 0)
        observer.paused("down")
        if time:
            time.sleep(lasting)
        observer.resumed()
        observer.measured(ITEM, None)
        observer.measured(ITEM, None)
        return Outcome(state, "Done.", root / "20260301T120000Z-aaaaaa", 2)

    return hold


def events(root: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (root / LOG).read_bytes().splitlines()]


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


# -- uploading is none of measuring's business


def test_uploading_comes_after_measuring_and_cannot_spoil_it(tmp_path: Path) -> None:
    def deliver() -> Delivered:
        with lock(tmp_path):  # measuring's lock is free
            raise RuntimeError("/home/somebody: broken")

    ended = Duty(orders(tmp_path, Time(), deliver=deliver)).do(ending(tmp_path, "done"))
    assert ended.code == 0
    assert [event["event"] for event in events(tmp_path)][-2:] == ["upload failed", "end"]
    assert "somebody" not in (tmp_path / LOG).read_text()
    status = Status.read(tmp_path)
    assert status and status.state == "ended"


def test_what_waits_is_in_the_status_file(tmp_path: Path) -> None:
    done = Delivered(3, 7, 9000, "2026-02-01 00:00:00", ({"name": "ooni", "refused": 2},))
    Duty(orders(tmp_path, Time(), deliver=lambda: done)).do(ending(tmp_path, "done"))
    status = Status.read(tmp_path)
    assert status and (status.spool_measurements, status.spool_bytes) == (7, 9000)
    assert status.spool_oldest == "2026-02-01 00:00:00"
    assert faults(status, BEGAN, going_on=False) == ["ooni refused 2 measurements"]


# -- the monitor


def test_a_monitor_is_told_start_and_end(tmp_path: Path) -> None:
    with monitor() as there:
        Duty(orders(tmp_path, Time(), ping=there.url)).do(ending(tmp_path, "done"))
        Duty(orders(tmp_path, Time(), ping=there.url)).do(ending(tmp_path, "partial"))
    assert there.told == ["/key/start", "/key", "/key/start", "/key/fail"]


@pytest.mark.parametrize("status", [500, 302, 0])
def test_a_monitor_that_is_broken_fails_no_run(tmp_path: Path, status: int) -> None:
    with monitor(status or 200) as there:
        pass_on = there.url
        if status:
            Duty(orders(tmp_path, Time(), ping=pass_on)).do(ending(tmp_path, "done"))
    if not status:
        # Nobody listens there any more.
        Duty(orders(tmp_path, Time(), ping=pass_on)).do(ending(tmp_path, "done"))
    failed = [event["trouble"] for event in events(tmp_path) if event["event"] == "ping failed"]
    assert failed == ([f"status {status}"] * 2 if status else ["ConnectionError"] * 2)
    assert "/elsewhere" not in there.told and "key" not in (tmp_path / LOG).read_text()
    assert (status_ := Status.read(tmp_path)) and status_.exit_code == 0


def test_addresses_of_a_monitor() -> None:
    assert address("https://m.example/key/?a=1", "fail") == "https://m.example/key/fail?a=1"
    assert checked("http://127.0.0.1:8000/x") and checked("https://m.example/x")
    for wrong in ("http://m.example/x", "ftp://m.example", "m.example", "https:///x"):
        with pytest.raises(ValueError, match="not an https address"):
            checked(wrong)


# -- the command


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("GATEWATCH_RESULTS", str(tmp_path / "runs"))
    return tmp_path


def test_the_command_is_silent_when_all_is_well(home: Path) -> None:
    done = gatewatch("run", "--unattended", "--every", "6h", *LAB)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    status = Status.read(home / "runs")
    assert status and (status.measured, status.outcome, status.every_hours) == (2, "done", 6)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Session]]:
    """Sessions are kept, and not held: nothing is sent, whatever goes wrong here."""
    sessions: list[Session] = []

    def conduct(session: Session, _: object) -> Outcome:
        sessions.append(session)
        return Outcome("done", "Done.", None, 0)

    monkeypatch.setattr("gatewatch.runner.session.conduct", conduct)
    before = signal.getsignal(signal.SIGTERM)
    yield sessions
    signal.signal(signal.SIGTERM, before)


def test_the_consents_on_file_are_not_crons(home: Path, held: list[Session]) -> None:
    for consent in (GENERAL, MEDIUM, locating(12, 3)):
        ledger.keep(consent, "ZZ", "en")

    def code(*words: str) -> int:
        return here("run", "--unattended", "--targets", "np", *words).exit_code

    assert f"--consent {VERSION}" in here("run", "--unattended", "--targets", "np").stderr
    words: tuple[str, ...] = ("--risk", "high", "--probe", "locate")
    assert code(*words, "--consent", "1999-01") == code(*words) == cli.NO_CONSENT
    for option, version in (
        ("--consent", VERSION),
        ("--medium-consent", MEDIUM_VERSION),
        ("--locate-consent", LOCATE_VERSION),
    ):
        assert code(*words) == cli.NO_CONSENT
        words = (*words, option, version)
    assert held == [] and not (home / "runs").exists()
    assert code(*words) == cli.DONE
    assert [session.locate_consent_version for session in held] == [LOCATE_VERSION]


def test_options_of_unattended_runs_are_not_passed_over(home: Path, held: list[Session]) -> None:
    done = here("run", "--targets", "np", "--consent", VERSION, "--keep-days", "30")
    assert done.exit_code == cli.USAGE and "belong to --unattended" in done.stderr and held == []


def test_budgets_are_set_where_none_are_given(home: Path, held: list[Session]) -> None:
    agreed = ("--targets", "np", "--consent", VERSION)
    here("run", "--unattended", *agreed)
    here("run", "--unattended", *agreed, "--max-time", "9", "--max-bytes", "8")
    assert [(s.budget.run, s.budget.total_bytes) for s in held] == [(4 * 3600, 1_000_000_000), (9, 8)]


def test_without_a_network_it_says_so_once(home: Path) -> None:
    """In a namespace without any network; the looks come one after another, without the minutes between."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rn", "true"], check=False).returncode:
        pytest.skip("this system forbids network namespaces")
    code = (
        "import sys, gatewatch.unattended.duty as duty; duty._BETWEEN_LOOKS = 0.0\n"
        "from gatewatch.cli import main; main(sys.argv[1:])"
    )
    agreed = ("--consent", VERSION)
    done = subprocess.run(
        ["unshare", "-rn", sys.executable, "-c", code, "run", "--unattended", "--targets", "np", *agreed],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (cli.NO_NETWORK, "")
    assert done.stderr.startswith("gatewatch: no_network: ") and done.stderr.count("\n") == 1
    assert [event["event"] for event in events(home / "runs")] == ["start", *["no network"] * 4, "end"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that can be caught")
def test_sigterm_before_the_start_is_written_down(home: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "gatewatch", "run", "--unattended", "--jitter", "80000", *LAB],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            while not (home / "runs" / LOG).exists():
                assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 1
        finally:
            process.kill()
    status = Status.read(home / "runs")
    assert status and (status.outcome, status.state) == ("interrupted", "ended")
