"""gatewatch trace: what it says before it sends, and what it refuses."""

from pathlib import Path

import pytest
from tests.worlds.commands import gatewatch

from gatewatch import cli


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("GATEWATCH_LAB", raising=False)


def test_a_plan_is_shown_and_nothing_is_sent(tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("8.8.8.8\n# a comment\n1.1.1.1  # another\n\n8.8.8.8\n")
    done = gatewatch("trace", str(listed), "9.9.9.9", "--plan", "--rate", "10")
    assert done.returncode == cli.DONE and not done.stdout
    assert "3 destinations: about 147 UDP datagrams of 40 bytes to port 33434, at most 273" in done.stderr
    done = gatewatch("trace", "9.9.9.9", "--plan", "-P", "tcp", "--repeats", "1")
    assert "1 destination: about 17 TCP SYNs of 40 bytes to port 443" in done.stderr


def test_nothing_goes_out_without_consent() -> None:
    done = gatewatch("trace", "8.8.8.8")
    assert done.returncode == cli.NO_CONSENT and "No consent was given" in done.stderr


def test_odd_command_lines_are_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_text("# nothing\n")
    assert "nothing to trace" in gatewatch("trace", str(empty), "--plan").stderr
    assert "choose one" in gatewatch("trace", "8.8.8.8", "--json", "--atlas").stderr
    assert gatewatch("trace").returncode == cli.USAGE
