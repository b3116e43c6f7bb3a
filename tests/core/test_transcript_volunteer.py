"""What a new volunteer does, from the README's commands alone, at a terminal, from consent to deletion."""

import json
import re
from pathlib import Path

import pytest
from tests.worlds import readme
from tests.worlds.terminal import Person

from gatewatch import cli
from gatewatch.cli.consent import LOCATE_VERSION, VERSION
from gatewatch.words import LANGUAGES, catalogue

ROOT = Path(__file__).parents[2]
pytest.importorskip("pexpect", reason="pexpect, which drives the terminal, is not installed")
if not hasattr(__import__("os"), "openpty"):
    pytest.skip("this system has no pseudo terminals", allow_module_level=True)


def test_the_readme_is_covered_and_so_is_the_tutorial() -> None:
    told = readme.commands(readme.VOLUNTEERS)
    # What the tutorial says is in its own order, with more besides.
    tutorial = (ROOT / "docs" / "volunteers.md").read_text(encoding="utf-8")
    shown = {
        " ".join(each.split())
        for each in re.findall(r"(?:^ {4}|`)(gatewatch [^#\n`]*)", tutorial, re.MULTILINE)
    }
    assert {each.replace(" --asn 38623", "") for each in told} - shown == set()
    assert readme.left_over(readme.PARTS) == []


class Volunteer:
    """Somebody in Cambodia, on Metfone's line, who types what the README says, in a language of theirs.

    The line is the lab's, in memory; gatewatch takes it for the internet, so it asks for every consent.
    """

    def __init__(self, home: Path, code: str) -> None:
        self.home, self.lang = home, code
        self.said = catalogue.load(code).gettext
        self.who = Person(home, "kh-2024:metfone")
        self.runs = home / ".local" / "share" / "gatewatch" / "runs"

    def types(self, command: str, *answers: tuple[str, str], ends: int = cli.DONE) -> str:
        if command.startswith("gatewatch run --country") and (self.lang != "en" or "--risk" in command):
            # A whole list once is enough.
            command += " --limit 40 --seed 1"
        screen = self.who.types(command, *answers)
        assert self.who.code == ends, screen
        return screen

    def shows(self, screen: str, *texts: str) -> None:
        flat = " ".join(screen.split())
        for text in texts:
            assert " ".join(self.said(text).split()) in flat, screen

    def folders(self) -> list[str]:
        """The runs, by name."""
        return (
            sorted(path.name for path in self.runs.iterdir() if path.is_dir()) if self.runs.exists() else []
        )

    def refused(self, command: str) -> None:
        """Before anything is agreed to, with the cable pulled: one sentence, nothing sent, nothing kept."""
        self.who.plugs_in("")
        assert "no route to the outside" in self.types(command, ends=cli.NO_NETWORK)
        self.who.plugs_in("kh-2024:metfone")
        assert self.folders() == []

    def consent(self, command: str) -> None:
        said = self.said
        menu = str(list(LANGUAGES).index(self.lang) + 1)
        screen = self.types(
            command,
            ("Bahasa Melayu", menu),
            (said("Nobody can see which sites gatewatch asks for."), "1"),
            (said(GENERAL_WRONG), "2"),
            (said("The results stay on this computer until I delete them or give them to somebody."), "1"),
            (said("Have you understood this, and do you agree?"), "1"),
            (said("Do you also want to measure sites of medium risk?"), "1"),
        )
        self.shows(screen, "What is sent", "Who can see it", "What is stored", "That is right.")
        self.shows(screen, "Order (Prakas) 170 on websites and social media", "Sites of medium risk")
        assert (" ".join(said(REVIEW).split()) in " ".join(screen.split())) == (self.lang != "en")

    def doctor(self, command: str) -> None:
        self.shows(self.types(command), "the internet answers", "works without privileges")

    def plan(self, command: str) -> None:
        screen = self.types(command)
        assert screen.count("https://") > 50 and self.folders() == []
        # The language that was chosen is spoken from here on.
        self.shows(screen, "Nothing has been sent.", "low risk")

    def low(self, command: str) -> None:
        screen = self.types(command)
        self.shows(screen, "Looking at your line", "Asking for web sites", "What was found")
        self.shows(screen, "Nothing looked blocked.", "What you can do")
        assert not any("\u2500" <= letter <= "\u257f" for letter in screen)
        # No rehearsal, as far as gatewatch knows.
        about = json.loads((self.runs / self.folders()[0] / "run.json").read_text(encoding="utf-8"))
        assert about["lab"] is None and about["consent_version"] == VERSION
        assert (about["vantage"]["country"], about["vantage"]["asn"]) == ("KH", 38623)

    def medium(self, command: str) -> None:
        # There is a consent for it on file: nobody is asked again.
        screen = self.types(command)
        self.shows(screen, "Could not be reached, and it looks like blocking:", "very sure")
        # The command that it names can be copied as it stands.
        assert f"gatewatch locate --from {self.folders()[-1]}" in screen

    def summary(self, command: str) -> None:
        screen = self.types(command)
        self.shows(screen, "What was found", "Could not be reached, and it looks like blocking:")

    def list(self, command: str) -> None:
        screen = self.types(command)
        assert len(self.folders()) == 2 and all(run in screen for run in self.folders())

    def show(self, command: str) -> None:
        screen = self.types(command)
        assert "blocked(dns.redirect)" in screen and screen.count("https://") > 30

    def locate(self, command: str) -> None:
        # A consent of its own; first somebody who would rather not.
        question = self.said("Have you understood this, and do you agree?")
        screen = self.types(command, (question, "2"), ends=cli.NO_CONSENT)
        self.shows(
            screen,
            "Finding the place where a site is cut",
            "You did not agree. Nothing was sent, and nothing was kept.",
        )
        assert len(self.folders()) == 2
        screen = self.types(command, (question, "1"))
        self.shows(screen, "It is cut inside the network of your own provider.")
        # Whoever asks again is told again, and not that nothing was blocked.
        self.shows(self.types(command), "It is cut inside the network of your own provider.")
        run = json.loads((self.runs / self.folders()[-1] / "run.json").read_text(encoding="utf-8"))
        # On the line of the run that it is from, though nobody said so again.
        assert (run["vantage"]["country"], run["vantage"]["asn"]) == ("KH", 38623)
        assert run["locate_consent_version"] == LOCATE_VERSION

    def delete(self, command: str) -> None:
        screen = self.types(command, (self.said("No"), "1"))
        assert len(re.findall(r"\b[0-9a-f]{64}\b", screen)) >= 9
        self.shows(screen, "Looked again: nothing of it is left.")
        assert [path.name for path in self.runs.iterdir()] == [".lock"]

    def withdraw(self, command: str) -> None:
        self.shows(self.types(command), "You agree to nothing now; nothing will be measured.")
        assert list(self.home.rglob("consent*.json")) == []


# In two scripts; every language's words are tested without a terminal (test_languages_path.py).
@pytest.mark.parametrize("code", ["en", "km"])
def test_from_consent_to_deletion(code: str, tmp_path: Path) -> None:
    who = Volunteer(tmp_path / "home", code)
    who.refused(readme.commands(readme.VOLUNTEERS)[3])
    steps = (
        ("gatewatch consent --country", who.consent),
        ("gatewatch doctor", who.doctor),
        ("gatewatch run --plan", who.plan),
        ("gatewatch run --country", who.low),
        ("gatewatch run --country", who.medium),
        ("gatewatch results summary", who.summary),
        ("gatewatch results list", who.list),
        ("gatewatch results show", who.show),
        ("gatewatch locate", who.locate),
        ("gatewatch results delete", who.delete),
        ("gatewatch consent --withdraw", who.withdraw),
    )
    for command, step in readme.paired(readme.VOLUNTEERS, steps):
        step(command)


def test_a_rehearsal_says_that_it_is_one(tmp_path: Path) -> None:
    who = Person(tmp_path / "home", GATEWATCH_LANG="en")

    # In memory, and fewer sites: the kernel's way takes as long as the internet's would.
    def one(command: str) -> None:
        screen = who.types(f"{command} --attach memory --limit 12 --seed 1 --traces 2")
        assert who.code == cli.DONE and "This was a rehearsal in an emulated country." in screen
        assert "12/12" in screen

    def scored(command: str) -> None:
        screen = who.types(f"{command} --attach memory --isp sni-reset --limit 12 --traces 0")
        assert who.code == cli.DONE and re.search(r"(\d+) of \1 right \(100\.00%\)", screen), screen

    steps = (("gatewatch run --targets", one), ("gatewatch lab run", scored))
    for command, step in readme.paired(readme.REHEARSAL, steps):
        step(command)


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
    screen = who.types(readme.commands(readme.VOLUNTEERS)[0], ("Is this true?", "\x03"))
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
