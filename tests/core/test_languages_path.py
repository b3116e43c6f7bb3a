"""Each language's way from consent to summary: every word that reaches the terminal comes from a catalogue.

The catalogue in use puts a mark around each text that it knows.  Whatever human word is left outside of marks
was never translated, or never given to a catalogue at all; data (addresses, names of probes, commands) are
taken out first.
"""

import io
import re
from collections.abc import Iterator
from gettext import NullTranslations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from tests.worlds.commands import here

from gatewatch import cli
from gatewatch.cli.consent import VERSION
from gatewatch.runner.line import Look
from gatewatch.runner.plan import Plan, make
from gatewatch.runner.probes import available
from gatewatch.words import LANGUAGES, catalogue, extract, language, po, use
from gatewatch_targets import Target

OPEN, CLOSE = "\u27e6", "\u27e7"
LAB = ("--lab", "kh-2024:smart", "--attach", "memory", "--seed", "1", "--traces", "2")
# Somewhere else... in Cambodia the first question is wrong at first; then yes, and no medium risk.
ANSWERS = "1\n2\n1\n1\n2\n"

ADDRESSES = re.compile(r"https?://\S+|/[\w./~-]*\w|\b[\w-]+\.(?:jsonl|json|gz|csv|txt)\b|\b[0-9a-f]{64}\b")
RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")
COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# Names of probes and of languages in themselves, units, and the doctor's sign: the same in every language.
NAMES = {word for each in LANGUAGES.values() for word in (*each.name.split(), each.word)}
SAME = {*available(), *NAMES, "ok", "kB", "MB", "GB"}


class Marking(NullTranslations):
    """Marks what is translated; what is not comes out bare."""

    def __init__(self, texts: dict[str, tuple[str, ...]], real: NullTranslations) -> None:
        super().__init__()
        self.texts, self.real = texts, real
        self.used: set[str] = set()

    def gettext(self, message: str) -> str:
        self.used.add(message)
        return f"{OPEN}{self.real.gettext(message)}{CLOSE}" if self._known(message) else message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        self.used.add(msgid1)
        said = self.real.ngettext(msgid1, msgid2, n)
        return f"{OPEN}{said}{CLOSE}" if self._known(msgid1) else said

    def _known(self, message: str) -> bool:
        return all(self.texts.get(message, ("",)))


# Before anything puts another in its place.
REAL = {code: catalogue.load(code) for code in LANGUAGES}
SAID: dict[str, tuple[str, ...]] = {entry.text: (entry.text,) for entry in extract.texts()}


def marking(code: str) -> Marking:
    real = REAL[code]
    if code == "en":
        return Marking(SAID, real)
    entries = po.read(catalogue.path(code).read_text(encoding="utf-8"))
    return Marking({entry.text: entry.translations for entry in entries}, real)


def bare(text: str) -> list[str]:
    """The words outside of marks."""
    text = RUN_ID.sub(" ", COLOURS.sub("", text))
    inside = re.compile(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}")
    while inside.search(text):
        # What is filled in has marks of its own, so from the inside out.
        text = inside.sub(" ", text)
    text = ADDRESSES.sub(" ", text)
    words = re.findall(r"[^\W\d_]+", text)
    return [word for word in words if len(word) > 1 and word not in SAME]


@pytest.fixture(params=list(LANGUAGES))
def marks(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Marking]:
    found = marking(request.param)
    for variable, folder in (
        ("XDG_STATE_HOME", "state"),
        ("XDG_DATA_HOME", "data"),
        ("XDG_CONFIG_HOME", "config"),
    ):
        monkeypatch.setenv(variable, str(tmp_path / folder))
    monkeypatch.setenv("GATEWATCH_LANG", request.param)
    monkeypatch.setenv("GATEWATCH_RESULTS", str(tmp_path / "runs"))
    monkeypatch.setattr(catalogue, "load", lambda code: found)
    monkeypatch.setattr("gatewatch.cli.asking.can_ask", lambda: True)
    yield found
    use(None)


def said(*words: str, stdin: str = "", code: int = cli.DONE) -> str:
    done = here(*words, stdin=stdin)
    assert done.exit_code == code, done.output
    return done.output


def test_the_marks_catch_what_is_not_translated_and_what_was_never_marked(
    marks: Marking, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bare("https://a.example/x  (web, trace) 7 MB ok") == [] and bare("Hello \u1794\u17b7\u1791") != []
    monkeypatch.setitem(marks.texts, "What is sent", ("",))
    assert bare(said("consent", "--show")) == ["What", "is", "sent"]
    monkeypatch.setattr("gatewatch.consent.laws.heading", lambda _: "The law, unmarked")
    assert bare(said("consent", "--show"))[-3:] == ["The", "law", "unmarked"]


def test_from_consent_to_summary(marks: Marking) -> None:
    told = {
        "consent": said("consent", "--country", "KH", stdin=ANSWERS),
        "plan": said("run", "--plan", "--country", "KH", "--probe", "web", "--probe", "resolve"),
        "run": said("run", "--targets", "kh", "--limit", "15", *LAB),
        "summary": said("results", "summary"),
        "deletion": said("results", "delete", "--all", stdin="1\n"),
        "withdrawal": said("consent", "--withdraw"),
    }
    assert {name: bare(text) for name, text in told.items() if bare(text)} == {}
    assert len(marks.used) > 100


@pytest.mark.parametrize("country", ["KH", "NP", "TH", "MY", "FR"])
def test_the_law(marks: Marking, country: str) -> None:
    assert bare(said("consent", "--show", "--country", country)) == []


def test_who_is_asked_for_the_first_time(marks: Marking, monkeypatch: pytest.MonkeyPatch) -> None:
    code = catalogue.load("").real.info().get("language", "en")  # type: ignore[attr-defined]
    monkeypatch.delenv("GATEWATCH_LANG")
    monkeypatch.setattr("gatewatch.words.languages.of_locale", lambda _environment: None)
    number = list(LANGUAGES).index(code) + 1
    told = said("consent", stdin=f"{number}\n9\n5\n2\n1\n2\n", code=cli.NO_CONSENT)
    assert bare(told) == [] and language().code == code


def test_what_is_wrong_with_a_line(marks: Marking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewatch.runner.line.has_route", lambda *_: False)
    assert bare(said("run", "--targets", "np", code=cli.NO_NETWORK)) == []
    assert bare(said("doctor", code=cli.NO_NETWORK)) == []


@pytest.mark.parametrize(
    "look",
    [
        Look(True, ("udp 8.8.8.8",), clock_offset=0.4),
        Look(True, ("page x",), portal=True, clock_offset=-3600.0),
        Look(True),
        Look(False),
    ],
    ids=["well", "portal", "silent", "cut"],
)
@pytest.mark.parametrize("able", [True, False])
def test_the_doctor(marks: Marking, monkeypatch: pytest.MonkeyPatch, look: Look, able: bool) -> None:
    from gatewatch.lab.rehearse import NoLab
    from gatewatch.net import quic
    from gatewatch.words import phrase

    async def found(_: Any) -> Look:
        return look

    def no_quic() -> Any:
        raise quic.Unavailable("it is missing")

    def no_lab(_: Any) -> Any:
        raise NoLab("it is missing")

    monkeypatch.setattr("gatewatch.runner.line.Line.look", found)
    monkeypatch.setattr("gatewatch.net.wire.system_resolvers", lambda: ("192.168.0.1",) if able else ())
    monkeypatch.setattr("gatewatch.net.capture.why", lambda: "" if able else "it needs a capability")
    monkeypatch.setattr("gatewatch.net.errqueue.AVAILABLE", able)
    monkeypatch.setattr("os.geteuid", lambda: int(able))
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=10**9 if able else 1))
    monkeypatch.setattr(
        "gatewatch.lab.rehearse.choose", (lambda _: ("memory", phrase("x"))) if able else no_lab
    )
    if not able:
        monkeypatch.setattr("gatewatch.net.quic.require", no_quic)
    here("consent", "--yes", "--consent-version", VERSION)
    assert bare(here("doctor").output) == []


def a_plan() -> Plan:
    targets = [Target(f"https://{n}.example/", "NEWS") for n in range(2)]
    probes = ("web", "app", "trace", "locate", "sni")
    return make(targets, probes, seed=1, settings={})


@pytest.mark.parametrize("plain", [True, False])
def test_progress(marks: Marking, capsys: pytest.CaptureFixture[str], plain: bool) -> None:
    from gatewatch.cli.lines import Lines
    from gatewatch.cli.stages import Stages
    from gatewatch.summary import reasons

    out, plan = io.StringIO(), a_plan()
    # rich keeps how it first wrote a colour, so all tests ask for the same kind.
    console = Console(file=out, force_terminal=True, width=120, highlight=False, color_system="256")
    watching = Lines(plan) if plain else Stages(plan, console)
    watching.started(len(plan.items), 1)
    for beginning, _ in reasons._REASONS:
        watching.skipped(plan.items[0], f"{beginning} x")
    watching.paused(Look(True, ("x",), full=True).reason)
    watching.resumed()
    for item in plan.items:
        watching.began(item)
        watching.measured(item, None)
    watching.close()
    told = out.getvalue() + capsys.readouterr().err
    assert bare(told) == [] and told.count(OPEN) > 5


def test_locating_asks_in_the_same_language(marks: Marking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewatch.runner.line.has_route", lambda *_: True)
    told = said("locate", "https://a.org/", "--consent", VERSION, stdin="2\n", code=cli.NO_CONSENT)
    assert bare(told) == []
    told = said(
        "run",
        "--targets",
        "th",
        "--country",
        "TH",
        "--risk",
        "high",
        "--consent",
        VERSION,
        stdin="2\n" * 9,
        code=cli.NO_CONSENT,
    )
    assert bare(told) == []
