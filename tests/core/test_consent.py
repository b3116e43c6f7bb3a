"""Consent: text and version belong together, two questions are understood, and it can be taken back."""

import json
from pathlib import Path

import pytest
from tests.worlds.commands import here, python

from gatewatch import cli
from gatewatch.cli.consent import LOCATE_VERSION, MEDIUM_VERSION, VERSION
from gatewatch.consent import GENERAL, MEDIUM, Consent, laws, locating, stop_file
from gatewatch_targets.countries import countries

# Whoever changes a text gives it a new version, and then writes the new digest here: everybody is asked anew.
DIGESTS = {
    "2": "71ff9363e2ed07ea6edcfeb774744c6d0c5eccf90c194e9252ddb076224ded91",
    "2-medium": "7ae7ea63d6d3722eca451832de12c22fc9b4e0162ea355b17e0f64e315c5f7eb",
    "2-locate": "92df631aceead0a51b02fbf728e102f80a9969578888d7a06bc7cb87aa548fb8",
}
# Somewhere else; "nobody can see": false; "stays here": true; agreed; no medium risk.
AGREED = "5 2 1 1 2"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("GATEWATCH_LANG", "en")
    monkeypatch.setattr("gatewatch.cli.asking.can_ask", lambda: True)


def typed(text: str) -> str:
    return text.replace(" ", "\n") + "\n"


def state(*more: str) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads(here("consent", "--json", *more).stdout)
    return found


def test_consent_does_not_lie_where_one_happens_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert stop_file() == Path("/home/somebody/.local/state/gatewatch/stop")


@pytest.mark.parametrize("version", [VERSION, MEDIUM_VERSION, LOCATE_VERSION])
def test_every_text_can_be_read_without_a_terminal(version: str) -> None:
    shown = here("consent", "--show", "--consent-version", version)
    assert shown.exit_code == cli.DONE and shown.stdout.endswith(f"This is version {version} of the text.\n")
    assert ("Finding the place" in shown.stdout) is (version == LOCATE_VERSION)
    assert here("consent", "--show", "--consent-version", "1").exit_code == cli.NO_CONSENT


@pytest.mark.parametrize("consent", [GENERAL, MEDIUM, locating(12, 3)], ids=lambda c: c.name)
def test_a_text_that_changes_needs_a_new_version(consent: Consent) -> None:
    assert DIGESTS[consent.version] == consent.digest


@pytest.mark.parametrize("typed_before", ["", "1", "1 5", "1 5 2", "1 5 2 1"])
def test_whoever_leaves_a_question_is_asked_no_other(
    typed_before: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GATEWATCH_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    done = here("consent", stdin=typed(typed_before) if typed_before else "")
    assert done.exit_code == cli.NO_CONSENT and done.stderr.count("You did not agree.") == 1
    # The input ended at the last question that was put; Ctrl-C is the same there.
    assert done.stderr.count("Type a number") == len(typed_before.split()) + 1
    assert not (tmp_path / "gatewatch" / "consent.json").exists()


def test_figures_and_folders_are_no_change_of_the_text() -> None:
    assert locating(12, 3).digest == locating(4, 1).digest


def test_two_questions_then_yes_and_it_is_on_file(tmp_path: Path) -> None:
    done = here("consent", stdin=typed(AGREED))
    assert done.exit_code == cli.DONE and "Question 1 of 2." in done.stderr and done.stdout == ""
    assert done.stderr.count("That is right.") == 2
    kept = json.loads((tmp_path / "gatewatch" / "consent.json").read_text())
    assert (kept["version"], kept["language"], kept["digest"]) == (VERSION, "en", GENERAL.digest)
    assert {name: row["good"] for name, row in state().items()} == {
        "general": True,
        "medium": False,
        "locate": False,
    }
    again = here("consent")
    assert (
        again.exit_code == cli.DONE and f"You agreed to this text, version {VERSION}, on 20" in again.stderr
    )


def test_a_wrong_answer_is_explained_and_asked_again() -> None:
    done = here("consent", stdin=typed("5 1 2 2 1 1 2"))
    assert done.exit_code == cli.DONE
    said = " ".join(done.stderr.split())
    assert said.count("Question 1 of 2.") == said.count("Question 2 of 2.") == 2
    assert said.count("That is false. Your internet provider carries all that you send") == 1
    assert said.count("That is true. Nothing is uploaded unless you set that up.") == 1


@pytest.mark.parametrize("answers", ["5", "5 2", "5 2 1", "5 2 1 2", "5 2 1 9 x no"])
def test_whoever_breaks_off_or_says_no_agrees_to_nothing(tmp_path: Path, answers: str) -> None:
    assert here("consent", stdin=typed(answers)).exit_code == cli.NO_CONSENT
    assert list(tmp_path.rglob("consent*")) == []


def test_answers_may_be_typed_as_words_and_in_digits_of_any_script() -> None:
    # Devanagari 5, Khmer 2, a word, Thai 1.
    assert here("consent", stdin=typed("\u096b \u17e2 true \u0e51 no")).exit_code == cli.DONE
    assert state()["general"]["good"]


def test_the_law_of_the_country_is_shown_with_its_sources_and_elsewhere_nothing_is_claimed() -> None:
    for code in laws.KNOWN:
        said = " ".join(here("consent", "--show", "--country", code.lower()).stdout.split())
        about = countries()[code]
        assert all(law.name in said and law.says in said for law in about.laws) and about.laws
        assert all(risk.says in said for risk in about.risks) and about.risks
        sources = here("consent", "--sources", "--country", code).stdout
        assert sources.count("https://") >= len(about.laws)
    for code in ("FR", "ZZ", ""):
        said = here("consent", "--show", "--country", code).stdout
        assert "We do not know the law there." in said and "since" not in said.partition("The law")[2]


def test_no_fact_of_the_law_rests_on_memory() -> None:
    for code in laws.KNOWN:
        for law in countries()[code].laws:
            assert set(law.source.split()) - {"recall"}, law.name


def test_who_agreed_elsewhere_is_shown_the_law_here(monkeypatch: pytest.MonkeyPatch) -> None:
    here("consent", "--country", "MY", stdin=typed("2 1 1 2"))
    assert state("--country", "MY")["general"]["good"] and state()["general"]["good"]
    assert not state("--country", "TH")["general"]["good"]
    done = here("consent", "--country", "TH", stdin=typed("2 1 1 2"))
    assert "The text has changed since you agreed to it." in done.stderr and "section 112" in done.stderr
    assert all(state("--country", code)["general"]["good"] for code in ("MY", "TH"))
    # A law that changes is read again, by those whose law it is.
    digest = laws.digest
    monkeypatch.setattr(laws, "digest", lambda code: "new" if code == "TH" else digest(code))
    assert not state("--country", "TH")["general"]["good"] and state("--country", "MY")["general"]["good"]


def test_another_version_on_file_is_asked_anew(tmp_path: Path) -> None:
    file = tmp_path / "gatewatch" / "consent.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"version": "1", "given": "2026-11-01T00:00:00Z"}))
    assert state()["general"] == {
        "text": VERSION,
        "agreed": "1",
        "when": "2026-11-01T00:00:00Z",
        "good": False,
    }
    done = here("consent", stdin=typed(AGREED))
    assert "The text has changed since you agreed to it." in done.stderr and state()["general"]["good"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--yes",), cli.USAGE),
        (("--consent-version", VERSION), cli.USAGE),
        (("--yes", "--consent-version", "1"), cli.NO_CONSENT),
        (("--yes", "--consent-version", MEDIUM_VERSION), cli.USAGE),
        (("--yes", "--consent-version", VERSION), cli.DONE),
    ],
)
def test_unattended_only_with_the_version_that_was_read(words: tuple[str, ...], code: int) -> None:
    assert here("consent", *words).exit_code == code
    assert state()["general"]["good"] == (code == cli.DONE)


def test_unattended_for_the_other_texts_after_the_general_one() -> None:
    for version in (VERSION, MEDIUM_VERSION, LOCATE_VERSION):
        assert here("consent", "--yes", "--consent-version", version).exit_code == cli.DONE
    assert all(row["good"] for row in state().values())


def test_taken_back_is_gone(tmp_path: Path) -> None:
    here("consent", stdin=typed("5 2 1 1 1"))
    assert state()["medium"]["good"]
    done = here("consent", "--withdraw")
    assert done.exit_code == cli.DONE and done.stderr.count("Deleted: ") == 2
    assert "gatewatch results delete --all" in done.stderr
    assert list(tmp_path.rglob("consent*")) == [] and not state()["general"]["good"]


def test_the_language_is_asked_for_once_by_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATEWATCH_LANG")
    for variable in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(variable, raising=False)
    done = here("consent", stdin=typed("2"))
    assert all(name in done.stderr for name in ("ខ្មែរ", "नेपाली", "ไทย", "Bahasa Melayu"))
    again = here("consent", stdin=typed("5"))
    assert "नेपाली" not in again.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--targets", "np"),
        ("run", "--targets", "np", "--consent", "1"),
        ("run", "--targets", "np", "--risk", "medium", "--consent", VERSION),
        ("run", "--targets", "np", "--unattended"),
        ("locate", "https://a.example/", "--consent", VERSION),
        ("trace", "a.example"),
        ("targets", "check", "--live", "LIST"),
    ],
    ids=" ".join,
)
def test_nothing_is_sent_before_consent(tmp_path: Path, words: tuple[str, ...]) -> None:
    # An audit hook sees every socket call of the process (PEP 578) and cannot be got around.
    code = """
import os, sys
SENDING = {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"}
sys.addaudithook(lambda event, _: os._exit(99) if event in SENDING else None)
import gatewatch.runner.line
gatewatch.runner.line.has_route = lambda *_: True
from gatewatch.cli import main
main(sys.argv[1:])
"""
    sites = tmp_path / "sites.txt"
    sites.write_text("https://a.example/\n")
    done = python(code, *(str(sites) if word == "LIST" else word for word in words))
    assert done.returncode == cli.NO_CONSENT, (done.returncode, done.stderr)
