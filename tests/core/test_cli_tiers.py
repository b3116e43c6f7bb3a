"""Risk tiers in action: low by default, medium after consent, high one by one."""

import json
from pathlib import Path

import pytest
from tests.worlds.commands import here

from gatewatch import cli
from gatewatch.cli.consent import MEDIUM_VERSION, VERSION
from gatewatch.runner.session import Outcome, Session
from gatewatch_targets import load, risk_in

THAI = load("th")
HIGH = [t.url for t in THAI if risk_in(t, "TH") == "high"]
WORDS = ("run", "--targets", "th", "--country", "TH", "--consent", VERSION, "--traces", "0")


@pytest.fixture
def sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    """A machine with a route and nobody to ask, where sessions are kept instead of held."""
    kept: list[Session] = []

    def conduct(session: Session, _: object) -> Outcome:
        kept.append(session)
        return Outcome("done", "Done.", None, 0)

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr("gatewatch.runner.line.has_route", lambda *_: True)
    monkeypatch.setattr("gatewatch.runner.session.conduct", conduct)
    return kept


def tiers(session: Session) -> set[str]:
    return {risk_in(item.target, "TH") for item in session.plan.items}


def urls(session: Session) -> set[str]:
    return {item.target.url for item in session.plan.items}


def test_low_by_default(sessions: list[Session]) -> None:
    done = here(*WORDS)
    assert done.exit_code == cli.DONE and tiers(sessions[0]) == {"low"} and len(HIGH) > 2
    assert "of a higher risk than low are left out." in done.stderr


def test_medium_after_a_consent_of_its_own(sessions: list[Session]) -> None:
    done = here(*WORDS, "--risk", "medium")
    assert (done.exit_code, sessions) == (cli.NO_CONSENT, [])
    assert "Sites of medium risk" in done.stderr and f"--medium-consent {MEDIUM_VERSION}" in done.stderr
    assert here(*WORDS, "--risk", "medium", "--medium-consent", VERSION).exit_code == cli.NO_CONSENT
    assert here(*WORDS, "--risk", "medium", "--medium-consent", MEDIUM_VERSION).exit_code == cli.DONE
    assert tiers(sessions[0]) == {"low", "medium"}
    # Whoever agreed to it in `gatewatch consent` is not asked again.
    here("consent", "--yes", "--consent-version", VERSION, "--country", "TH")
    here("consent", "--yes", "--consent-version", MEDIUM_VERSION)
    assert here(*WORDS, "--risk", "medium").exit_code == cli.DONE and len(sessions) == 2


def test_high_only_where_it_is_named(sessions: list[Session]) -> None:
    agreed = (*WORDS, "--medium-consent", MEDIUM_VERSION)
    done = here(*agreed, "--risk", "high")
    assert done.exit_code == cli.DONE and tiers(sessions[0]) == {"low", "medium"}
    assert f"{len(HIGH)} sites of high risk are left out. To measure one, name it: --high URL" in done.stderr
    here(*agreed, "--high", HIGH[0], "--high", HIGH[1])
    assert set(HIGH) & urls(sessions[1]) == set(HIGH[:2]) and tiers(sessions[1]) == {"low", "high"}
    assert here(*agreed, "--high", "https://not-listed.example/").exit_code == cli.USAGE
    assert here(*agreed, "--high", "ftp://x/").exit_code == cli.USAGE and len(sessions) == 2


def test_high_is_asked_for_one_at_a_time(sessions: list[Session], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewatch.cli.asking.can_ask", lambda: True)
    answers = [number == 1 for number in range(len(HIGH))]
    stdin = "".join("1\n" if yes else "2\n" for yes in answers)
    done = here(*WORDS, "--medium-consent", MEDIUM_VERSION, "--risk", "high", stdin=stdin)
    assert done.exit_code == cli.DONE and " ".join(done.stderr.split()).count(
        "It may be punished where you are."
    ) == len(HIGH)
    assert len(set(HIGH) & urls(sessions[0])) == 1


def test_a_plan_shows_all_of_them_with_their_tier_and_asks_nothing() -> None:
    done = here("run", "--plan", "--targets", "th", "--country", "TH", "--risk", "high", "--traces", "0")
    lines = [line for line in done.stdout.splitlines() if line.startswith("http")]
    assert len(lines) == len(THAI) and sum(line.endswith("high risk)") for line in lines) == len(HIGH)


def test_a_plan_counts_hosts_packets_bytes_and_seconds() -> None:
    words = ("run", "--plan", "--targets", "-", "--risk", "medium", "--json", "--traces", "0", "--rate", "1")
    plan = json.loads(here(*words, "--probe", "web", "--probe", "resolve", stdin="a.org\nb.org\n").stdout)
    assert (plan["hosts"], plan["items"], plan["seconds"]) == (2, 4, 4)
    assert plan["packets"] == 2 * (60 + 15) and plan["bytes"] == 2 * (80_000 + 2_000)
    assert plan["traffic"]["web"]["packets_each"] == 60


def test_the_packets_of_a_plan_are_what_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in the lab, whose pages are smaller than the internet's: never more, and not much less."""
    from gatewatch.lab.memory.internet import MemoryInternet

    sent = 0
    transmit = MemoryInternet.transmit

    def counted(self: MemoryInternet, packet: bytes) -> None:
        nonlocal sent
        sent += 1
        transmit(self, packet)

    monkeypatch.setattr(MemoryInternet, "transmit", counted)
    words = ("--targets", "kh", "--limit", "12", "--seed", "3", "--traces", "4", "--json")
    plan = json.loads(here("run", "--plan", "--risk", "high", "--country", "KH", *words).stdout)
    lab = ("--lab", "kh-2024:metfone", "--attach", "memory", "--root", str(tmp_path), "--quiet")
    assert here("run", *words, *lab).exit_code == cli.DONE
    print(f"planned {plan['packets']} packets, sent {sent}")
    assert plan["packets"] / 2 < sent <= plan["packets"]
