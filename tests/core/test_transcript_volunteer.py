"""What a new volunteer does, from the documents' commands alone, at a terminal, from consent to deletion."""

import re
from pathlib import Path

import pytest
from tests.worlds.terminal import Person

from gatewatch import cli
from gatewatch.words import LANGUAGES, catalogue

ROOT = Path(__file__).parents[2]
pytest.importorskip("pexpect", reason="pexpect, which drives the terminal, is not installed")
if not hasattr(__import__("os"), "openpty"):
    pytest.skip("this system has no pseudo terminals", allow_module_level=True)


def commands(page: str) -> list[str]:
    """The commands that a page shows, in its order, each once."""
    text = (ROOT / page).read_text(encoding="utf-8")
    shown = re.findall(r"^ {4}(gatewatch [^#\n]*)|`(gatewatch [^`]+)`", text, re.MULTILINE)
    return list(dict.fromkeys(" ".join((block or quoted).split()) for block, quoted in shown))


PAGE = commands("docs/volunteers.md")


def test_the_readme_leads_the_same_way() -> None:
    readme = commands("README.md")
    for command in (
        "gatewatch consent --country KH",
        "gatewatch doctor",
        "gatewatch run --plan --country KH",
    ):
        assert command in readme and command in PAGE
    assert any(line.startswith("gatewatch run --country KH") for line in readme)


# In two scripts; every language's words are tested without a terminal (test_languages_path.py).
@pytest.mark.parametrize("code", ["en", "km"])
def test_from_consent_to_deletion(code: str, tmp_path: Path) -> None:
    said = catalogue.load(code).gettext
    menu = str(list(LANGUAGES).index(code) + 1)
    who = Person(tmp_path / "home")
    folder = who.home / ".local" / "share" / "gatewatch" / "runs"

    def shows(screen: str, *texts: str) -> None:
        flat = " ".join(screen.split())
        for text in texts:
            assert " ".join(said(text).split()) in flat, screen

    # Before anything: nothing is sent without consent, and without a line it is one sentence.
    assert "gatewatch run --country KH" in PAGE
    screen = who.types("gatewatch run --country KH")
    assert who.code == cli.NO_NETWORK and "no route to the outside" in screen

    assert PAGE[0] == "gatewatch consent --country KH"
    screen = who.types(
        PAGE[0],
        ("Bahasa Melayu", menu),
        (said("Nobody can see which sites gatewatch asks for."), "1"),
        (said(GENERAL_WRONG), "2"),
        (said("The results stay on this computer until I delete them or give them to somebody."), "1"),
        (said("Have you understood this, and do you agree?"), "1"),
        (said("Do you also want to measure sites of medium risk?"), "2"),
    )
    assert who.code == cli.DONE
    shows(screen, "What is sent", "Who can see it", "What is stored", "That is right.")
    shows(screen, "Order (Prakas) 170 on websites and social media")
    if code != "en":
        shows(screen, REVIEW)

    # The language that was chosen is spoken from here on.
    plan = "gatewatch run --plan --country KH"
    assert plan in PAGE
    screen = who.types(plan)
    assert who.code == cli.DONE and screen.count("https://") > 50
    shows(screen, "Nothing has been sent.", "low risk")
    assert not folder.exists()

    assert "gatewatch doctor" in PAGE
    screen = who.types("gatewatch doctor")
    assert who.code == cli.NO_NETWORK
    shows(screen, "Check the cable or the Wi-Fi, or ask your provider.")

    rehearsal = "gatewatch run --targets kh --lab kh-2024:smart"
    assert rehearsal in PAGE
    # In memory, and fewer sites: the kernel's way takes as long as the internet's would.
    screen = who.types(f"{rehearsal} --attach memory --limit 12 --seed 1 --traces 2")
    assert who.code == cli.DONE
    shows(screen, "Looking at your line", "Asking for web sites", "What was found", "What you can do")
    shows(screen, "Could not be reached, and it looks like blocking:", "very sure")
    assert "12/12" in screen and not any("\u2500" <= letter <= "\u257f" for letter in screen)

    assert "gatewatch results summary" in PAGE
    shows(who.types("gatewatch results summary"), "What was found")

    delete = "gatewatch results delete --all"
    assert delete in PAGE and len([path for path in folder.iterdir() if path.is_dir()]) == 1
    screen = who.types(delete, (said("No"), "1"))
    assert who.code == cli.DONE and len(re.findall(r"\b[0-9a-f]{64}\b", screen)) >= 3
    shows(screen, "Looked again: nothing of it is left.")
    assert [path.name for path in folder.iterdir()] == [".lock"]

    assert "gatewatch consent --withdraw" in PAGE
    shows(who.types("gatewatch consent --withdraw"), "You agree to nothing now; nothing will be measured.")
    assert list(who.home.rglob("consent*.json")) == []


GENERAL_WRONG = (
    "That is false. Your internet provider carries all that you send, and can see which sites it is for. "
    "gatewatch does not hide it."
)
REVIEW = (
    "This translation needs review by a native speaker. Where it is unclear, read the English text: add "
    "--lang en to the command."
)


def test_ctrl_c_at_a_question_agrees_to_nothing(tmp_path: Path) -> None:
    who = Person(tmp_path / "home", GATEWATCH_LANG="en")
    screen = who.types(PAGE[0], ("Is this true?", "\x03"))
    assert who.code == cli.NO_CONSENT and "Nothing was sent, and nothing was kept." in " ".join(
        screen.split()
    )
    assert list(who.home.rglob("consent*.json")) == []


def test_no_colour_and_plain_lines(tmp_path: Path) -> None:
    import pexpect

    who = Person(tmp_path / "home", GATEWATCH_LANG="en", NO_COLOR="1")
    words = [
        "run",
        "--targets",
        "kh",
        "--lab",
        "kh-2024:smart",
        "--attach",
        "memory",
        "--limit",
        "5",
        "--plain",
    ]
    screen = pexpect.spawn(
        str(who.home / "bin" / "gatewatch"), words, env=dict(who.environment), encoding="utf-8"
    )
    screen.expect(pexpect.EOF, timeout=60)
    assert "\x1b" not in screen.before and "Asking for web sites: 5/5" in screen.before
    screen.close()
