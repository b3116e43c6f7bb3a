"""`gatewatch schedule` as it is typed: refused now rather than in the night, installed, shown, taken away."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from tests.worlds.commands import here
from tests.worlds.crontab import Table

from gatewatch import cli
from gatewatch.cli.consent import VERSION
from gatewatch.schedule import cron


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Table:
    if sys.platform == "win32":
        pytest.skip("there is no cron on Windows")
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return Table(tmp_path / "bin")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("GATEWATCH_RESULTS", str(tmp_path / "runs"))
    return tmp_path


def printed(*more: str) -> str:
    done = here("schedule", "install", "--system", "cron", "--print", "--at", "2:17", *more)
    assert done.exit_code == 0, done.stderr
    return done.stdout


def test_print_shows_and_writes_nothing(home: Path, table: Table) -> None:
    before = sorted(home.rglob("*"))
    text = printed("--country", "KH", "--consent", VERSION, "--every", "12h")
    assert f"run --unattended --every 12h --jitter 3600 --root {home / 'runs'} --country KH" in text
    assert "17 2,14 * * *" in text and sys.executable in text
    assert sorted(home.rglob("*")) == before and table.text == ""


def test_what_run_would_refuse_is_refused_now(home: Path, table: Table) -> None:
    for words, code, said in (
        (("--country", "KH"), cli.NO_CONSENT, f"--consent {VERSION}"),
        (("--consent", "1999-01"), cli.NO_CONSENT, "not 1999-01"),
        (("--consent", VERSION, "--rate", "fast"), cli.USAGE, "--rate"),
        (("--consent", VERSION, "--frobnicate"), cli.USAGE, "--frobnicate"),
        (("--consent", VERSION, "--ping", "http://monitor.example/x"), cli.USAGE, "not an https address"),
        (("--consent", VERSION, "--at", "25:00"), cli.USAGE, "not a time"),
        (("--consent", VERSION, "--country", "Cambodia"), cli.USAGE, "two-letter code"),
        (("--consent", VERSION, "--targets", "nolist"), cli.USAGE, "nolist: no such file"),
        (("--consent", VERSION, "--probe", "wob"), cli.USAGE, "no probe 'wob'"),
        (("--consent", VERSION, "--country", "KH", "--risk", "medium"), cli.NO_CONSENT, "--medium-consent"),
        (("--consent", VERSION, "--targets", "-"), cli.USAGE, "name a file"),
    ):
        done = here("schedule", "install", "--system", "cron", *words)
        assert done.exit_code == code and said in done.stderr, (words, done.stderr)
    assert table.text == "" and not (home / "runs").exists()


def test_install_status_remove(home: Path, table: Table) -> None:
    table.path.write_text("1 1 * * * mine\n")
    done = here("schedule", "install", "--system", "cron", "--consent", VERSION, "--json")
    assert (done.exit_code, json.loads(done.stdout)["system"]) == (0, "cron")
    assert (home / "runs").is_dir() and cron.BEGIN in table.text
    done = here("schedule", "status", "--json")
    about = json.loads(done.stdout)
    assert (done.exit_code, list(about["installed"])) == (cli.PARTIAL, ["cron"])
    assert about["wrong"] == ["no run was made yet"]
    assert here("schedule", "remove").stdout.startswith("Removed from cron: ")
    assert table.text == "1 1 * * * mine\n"
    assert "nothing is installed" in here("schedule", "status").stdout
    assert here("schedule", "remove").stderr == "Nothing was installed.\n"


def test_a_file_named_from_here_is_found_again(
    home: Path, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "lists").mkdir()
    (home / "lists" / "mine.txt").write_text("url,category,risk\nhttps://a.example/,NEWS,low\n")
    monkeypatch.chdir(home / "lists")
    assert f"cd {home / 'lists'} " in printed("--consent", VERSION, "--targets", "mine.txt")
    assert f"cd {home / 'lists'} " in printed("--consent", VERSION, "--targets=mine.txt")
    assert f"cd {home} " in printed("--consent", VERSION, "--targets", "kh")


def test_without_any_system_it_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform in ("darwin", "win32"):
        pytest.skip("this system always has one")
    monkeypatch.setenv("PATH", str(home))
    done = here("schedule", "install", "--consent", VERSION)
    assert done.exit_code == cli.PARTIAL and "neither systemd" in done.stderr
