"""gatewatch run: how it ends, how one that ended goes on, and how it is started again in the lab."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.worlds.commands import LAB, here

from gatewatch import cli
from gatewatch.cli.consent import VERSION
from gatewatch.cli.run import _without
from gatewatch.runner.session import Outcome, Session
from gatewatch.store import StoreFull


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("done", cli.DONE),
        ("partial", cli.PARTIAL),
        ("interrupted", cli.PARTIAL),
        ("full", cli.PARTIAL),
        ("no_network", cli.NO_NETWORK),
    ],
)
def test_the_state_is_the_exit_code(monkeypatch: pytest.MonkeyPatch, state: Any, code: int) -> None:
    monkeypatch.setattr("gatewatch.runner.session.conduct", lambda *_: Outcome(state, "Because.", None, 0))
    done = here("run", *LAB, "--targets", "np", "--json", "--quiet")
    assert (done.exit_code, json.loads(done.stdout)["state"]) == (code, state)
    assert done.stderr == ("" if state == "done" else "Because.\n")


def ended(error: Exception) -> Callable[..., Outcome]:
    def conduct(*_: object) -> Outcome:
        raise error

    return conduct


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (StoreFull("/runs: No space left"), cli.PARTIAL, "/runs: No space left\n"),
        (PermissionError(13, "Permission denied", "/runs"), cli.USAGE, "Error: /runs: Permission denied\n"),
    ],
)
def test_a_root_that_cannot_be_written_is_said_so(
    monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, said: str
) -> None:
    monkeypatch.setattr("gatewatch.runner.session.conduct", ended(error))
    done = here("run", *LAB, "--targets", "np", "--quiet")
    assert (done.exit_code, done.stdout) == (code, "") and done.stderr.endswith(said)


def test_the_terminal_is_given_back_however_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    monkeypatch.setattr("gatewatch.cli.lines.Lines.close", lambda _: closed.append(1))
    monkeypatch.setattr("gatewatch.runner.session.conduct", ended(StoreFull("full")))
    here("run", *LAB, "--targets", "np")
    assert closed == [1]


def test_a_run_goes_on_where_and_as_it_was_begun(
    tmp_path: Path, online: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    from gatewatch.store import create

    plan = json.loads(here("run", "--plan", "--targets", "np", "--json").stdout)["plan"]
    vantage = {"country": "KH", "asn": 38623, "isp": "Viettel", "network_type": "mobile"}
    folder = create(tmp_path / "elsewhere", plan, {"vantage": vantage, "lab": None})
    folder.close("interrupted")
    monkeypatch.chdir(folder.path)
    done = here("run", "--resume", ".", "--consent", VERSION)
    assert done.exit_code == 0, done.stderr
    (session,) = online
    assert (session.resume, session.root) == (folder.path, tmp_path / "elsewhere")
    assert (session.vantage.country, session.vantage.asn, session.vantage.network_type) == (
        "KH",
        38623,
        "mobile",
    )
    done = here("run", "--resume", str(folder.path), *LAB)
    assert done.exit_code == cli.USAGE and "resume it without --lab" in done.stderr


def test_a_lab_run_is_not_resumed_on_the_internet_nor_in_another_lab(
    tmp_path: Path, online: list[Session]
) -> None:
    from gatewatch.store import create

    plan = json.loads(here("run", "--plan", "--targets", "np", "--json").stdout)["plan"]
    lab = {"scenario": "small", "isp": "blocked", "attach": "tun"}
    folder = create(tmp_path, plan, {"vantage": {"country": "KH"}, "lab": lab})
    folder.close("interrupted")
    for where in (("--consent", VERSION), LAB):
        done = here("run", "--resume", str(folder.path), *where)
        assert done.exit_code == cli.USAGE and "begun with --lab small:blocked" in done.stderr
    assert here("run", "--resume", str(folder.path), "--lab", "small:blocked", *LAB[2:]).exit_code == 0
    assert len(online) == 1


def test_the_command_is_started_again_in_the_lab_without_its_lab_options(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _without(["run", "--lab", "a:b", "--json", "--lab=c:d"], "--lab") == ["run", "--json"]
    became: list[list[str]] = []

    def execve(_: str, command: list[str], __: object) -> None:
        became.append(command)
        raise SystemExit(7)

    monkeypatch.setattr("os.execve", execve)
    monkeypatch.setattr("gatewatch.lab.rehearse.choose", lambda _: ("kernel", "Attached."))
    monkeypatch.setattr("sys.argv", ["gatewatch", "run", "--lab", "small:clear", "--attach=kernel", "--json"])
    assert here("run", "--lab", "small:clear", "--attach", "kernel", "--json").exit_code == 7
    (command,) = became
    assert command[3:7] == ["gatewatch.lab.inside", "small", "clear", "--"]
    assert command[8:] == ["-P", "-m", "gatewatch", "run", "--json"]
