"""What the tests of `gatewatch run` share: own folders, and sessions that are kept instead of held."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatewatch.runner.session import Outcome, Session


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("GATEWATCH_RESULTS", str(tmp_path / "runs"))


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    """A machine with a route, where sessions are kept instead of held."""
    sessions: list[Session] = []

    def conduct(session: Session, _: object) -> Outcome:
        sessions.append(session)
        return Outcome("done", "Done.", None, 0)

    monkeypatch.setattr("gatewatch.runner.line.has_route", lambda *_: True)
    monkeypatch.setattr("gatewatch.runner.session.conduct", conduct)
    return sessions
