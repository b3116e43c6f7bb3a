"""Four catalogues that say all that is said: the same placeholders, commands and figures, one vocabulary."""

import csv
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from gatewatch.words import LANGUAGES, catalogue, extract, po, use, worded
from gatewatch.words.po import Entry

ROOT = Path(__file__).parents[2]
CODES = [each.code for each in LANGUAGES.values() if each.translated]
SAID = {entry.text: entry for entry in extract.texts()}
# What a person types or looks up, and what a letter of another script would make another thing.
LITERAL = re.compile(r"--[a-z-]+|Ctrl-C|update\.toml|docs/\S+\.md|\b(?:IPv[46]|QUIC|NTP|Linux|VPN|URL|CC)\b")
# Letters of each script that must be there: a catalogue in the wrong language passes no test by being whole.
SCRIPTS = {"km": "[\u1780-\u17ff]", "ne": "[\u0900-\u097f]", "th": "[\u0e00-\u0e7f]", "ms": "[a-z]"}


@pytest.fixture(autouse=True)
def no_language_left() -> Iterator[None]:
    yield
    use(None)


@cache
def entries(code: str) -> tuple[Entry, ...]:
    return po.read(catalogue.path(code).read_text(encoding="utf-8"))


def pairs(code: str) -> Iterator[tuple[str, str]]:
    """Each text with each of its translations; the plural names every placeholder."""
    for entry in entries(code)[1:]:
        for translation in entry.translations:
            yield entry.plural or entry.text, translation


def of_analysis(entry: Entry) -> bool:
    """Whether only the analysis says it: it may not be installed, the catalogues hold it anyway."""
    return all(place.startswith("#: gatewatch_analysis/") for place in entry.comments)


@pytest.mark.parametrize("code", CODES)
def test_every_text_is_translated_and_nothing_else(code: str) -> None:
    found = {entry.text: entry for entry in entries(code)[1:]}
    assert sorted(SAID.keys() - found.keys()) == [], "run: python -m gatewatch.words.extract"
    if not extract.with_analysis():
        found = {text: entry for text, entry in found.items() if text in SAID or not of_analysis(entry)}
    assert sorted(found.keys() - SAID.keys()) == [], "run: python -m gatewatch.words.extract"
    assert [text for text, entry in found.items() if not all(t.strip() for t in entry.translations)] == []
    assert [text for text, entry in found.items() if entry.plural != SAID[text].plural] == []


def test_the_report_is_read_where_the_analysis_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    there = [entry for entry in SAID.values() if of_analysis(entry)]
    assert bool(there) == extract.with_analysis()
    monkeypatch.setattr(extract, "find_spec", lambda name: None)
    without = {entry.text for entry in extract.texts()}
    assert without == {text for text, entry in SAID.items() if not of_analysis(entry)}


@pytest.mark.parametrize("code", CODES)
def test_as_many_forms_as_the_language_has(code: str) -> None:
    forms = extract.plural_forms(entries(code)[0])
    assert [e.text for e in entries(code)[1:] if len(e.translations) != (forms if e.plural else 1)] == []


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize(
    "pattern",
    [r"\{\w+\}", LITERAL, r"\d+", r"gatewatch(?: (?:run|consent|doctor|results delete|locate))?\b"],
    ids=["placeholders", "literals", "figures", "commands"],
)
def test_what_must_be_the_same_is(code: str, pattern: str) -> None:
    found = re.compile(pattern).findall
    different = [(text, said) for text, said in pairs(code) if set(found(text)) != set(found(said))]
    assert different == []


@pytest.mark.parametrize("code", CODES)
def test_in_its_own_script(code: str) -> None:
    without = [
        translation
        for text, translation in pairs(code)
        if re.search(r"[a-z]{3}", re.sub(r"\{\w+\}", "", text)) and not re.search(SCRIPTS[code], translation)
    ]
    assert without == []
    if code != "ms":
        # No sentence is left in English: of English words there are only those that are names of things.
        kept = re.compile(
            r"\{\w+\}|--[\w-]+|gatewatch(?: [a-z]+)*|update\.toml|docs/\S+|raw socket|root|quic|437bis|NTP"
        )
        left = [t for _, t in pairs(code) if re.search(r"\b[a-z]{3,}\b", kept.sub("", t))]
        assert left == []


@pytest.mark.parametrize("code", CODES)
def test_one_word_for_one_thing(code: str) -> None:
    """The glossary's words are used wherever the English text uses its own."""
    glossary = catalogue.FOLDER / "glossary.csv"
    wrong = []
    for row in csv.DictReader(glossary.read_text(encoding="utf-8").splitlines()):
        assert all(row.values())
        term = re.compile(rf"\b(?:{row['match']})\b", re.IGNORECASE)
        words = row[code].casefold().split("|")
        for entry in entries(code)[1:]:
            # Commands and placeholders are no words.
            if term.search(re.sub(r"gatewatch \w+( \w+)?( --\w+)*|\{\w+\}", "", entry.text)):
                wrong += [
                    (row["en"], text)
                    for text in entry.translations
                    if not any(w in text.casefold() for w in words)
                ]
    assert wrong == []


@pytest.mark.parametrize("code", CODES)
def test_each_says_that_it_needs_review(code: str) -> None:
    header = extract.fields(entries(code)[0])
    assert header["X-Gatewatch-Review"] == "needed" and header["Language"] == code
    assert any("Needs review by a native speaker" in line for line in entries(code)[0].comments)
    use(code)
    assert worded("Yes") != "Yes"


def test_the_readme_and_the_docs_say_so_too() -> None:
    for page in ("README.md", "docs/volunteers.md"):
        text = " ".join((ROOT / page).read_text(encoding="utf-8").split())
        assert re.search(r"translations[^.]* need review by (?:a )?native speakers?", text), page


def test_catalogues_lie_in_the_wheel() -> None:
    # Whatever lies in a package's folder is packed (hatchling); that it lies there is what can go wrong.
    assert sorted(path.name for path in catalogue.FOLDER.iterdir()) == [
        "glossary.csv",
        *sorted(f"{c}.po" for c in CODES),
    ]
