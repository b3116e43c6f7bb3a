"""gatewatch run --unattended, as cron and systemd call it: consents, budgets, what it says, how it ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.worlds.commands import gatewatch, here
from tests.worlds.duty import events

from gatewatch import cli
from gatewatch.consent import GENERAL, LOCATE_VERSION, MEDIUM, MEDIUM_VERSION, VERSION, ledger, locating
from gatewatch.runner.session import Outcome, Session
from gatewatch.unattended.log import LOG
from gatewatch.unattended.status import Status

LAB = ("--lab", "small:clear", "--attach", "memory", "--targets", "kh", "--limit", "2", "--traces", "0")


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
