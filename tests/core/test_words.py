"""Choosing a language, reading catalogues, and saying things."""

import gettext
import subprocess
from pathlib import Path
from shutil import which

import pytest
from tests.worlds.commands import here

from gatewatch.words import (
    LANGUAGES,
    Phrase,
    count,
    language,
    languages,
    numbers,
    phrase,
    po,
    say,
    use,
    worded,
)
from gatewatch.words.extract import NotALiteral, in_source, updated
from gatewatch.words.po import DamagedCatalogue, Entry

LITTLE = """# a comment
msgid ""
msgstr ""
"Plural-Forms: nplurals=2; plural=(n > 1);\\n"

#: somewhere.py
msgid "red"
msgstr "rouge"

msgid "{n} site"
msgid_plural "{n} sites"
msgstr[0] "{n} lieu"
msgstr[1] "{n} lieux"

msgid ""
"two\\n"
"lines with \\"quotes\\""
msgstr "l'un\\nl'autre"

msgid "later"
msgstr ""
"""


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for variable in ("GATEWATCH_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(variable, raising=False)
    use(None)


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "km_KH.UTF-8"}, "km"),
        ({"LANG": "km_KH.UTF-8", "LC_MESSAGES": "th_TH"}, "th"),
        ({"LC_MESSAGES": "th_TH", "LC_ALL": "ne_NP@devanagari"}, "ne"),
        ({"LC_ALL": "ne_NP", "LANGUAGE": "de:ms:en"}, "ms"),
        ({"LC_ALL": "ne_NP", "LANGUAGE": "de"}, "en"),
        ({"LC_ALL": "ne_NP", "LANGUAGE": "", "GATEWATCH_LANG": "KM"}, "km"),
        ({"LC_ALL": "ne_NP", "GATEWATCH_LANG": "tlh"}, "ne"),
        ({"LANG": "id_ID"}, "en"),
    ],
)
def test_the_order_in_which_a_language_is_looked_for(environment: dict[str, str], code: str) -> None:
    assert languages.chosen(environment) == code


def test_a_choice_is_remembered_and_a_variable_overrules_it() -> None:
    languages.remember("th")
    assert languages.chosen({"LANG": "km_KH"}) == "th"
    assert languages.chosen({"GATEWATCH_LANG": "en"}) == "en"


def test_the_option_overrules_all_and_holds_for_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWATCH_LANG", "ne")
    for words in (("--lang", "ms", "consent", "--show"), ("consent", "--show", "--lang", "ms")):
        assert here(*words).exit_code == 0
        assert language().code == "ms"
    here("consent", "--show")
    assert language().code == "ne"
    assert here("consent", "--lang", "tlh").exit_code == 2


def test_a_terminal_without_the_letters_gets_english(monkeypatch: pytest.MonkeyPatch) -> None:
    from gatewatch.cli import speaking

    class Latin:
        encoding = "latin-1"

    monkeypatch.setattr("sys.stdout", Latin())
    for code, kept in (("th", "en"), ("ms", "ms")):
        use(code)
        speaking.writable()
        assert language().code == kept


def test_a_catalogue_is_read_and_looked_up_as_gettext_does() -> None:
    found = po.translations(po.read(LITTLE))
    assert found.gettext("red") == "rouge" and found.gettext('two\nlines with "quotes"') == "l'un\nl'autre"
    assert [found.ngettext("{n} site", "{n} sites", n) for n in (0, 1, 2)] == [
        "{n} lieu",
        "{n} lieu",
        "{n} lieux",
    ]
    assert (found.gettext("later"), found.gettext("unknown")) == ("later", "unknown")


def test_what_is_written_is_read_the_same_and_gnu_gettext_agrees(tmp_path: Path) -> None:
    entries = po.read(LITTLE)
    assert po.read(po.written(entries)) == entries
    if which("msgfmt") is None:
        pytest.skip("GNU gettext's msgfmt is not installed")
    source, compiled = tmp_path / "a.po", tmp_path / "a.mo"
    source.write_text(po.written(entries))
    subprocess.run(["msgfmt", "-o", compiled, source], check=True)
    with compiled.open("rb") as file:
        theirs = gettext.GNUTranslations(file)
    ours = po.translations(entries)
    for entry in entries[1:]:
        assert theirs.gettext(entry.text) == ours.gettext(entry.text)
    assert theirs.ngettext("{n} site", "{n} sites", 5) == ours.ngettext("{n} site", "{n} sites", 5)


@pytest.mark.parametrize(
    "text",
    [
        'msgid "a"\nmsgstr "b"\n\nmsgid "a"\nmsgstr "c"\n',
        "msgid a\n",
        '"lonely"\n',
        'msgstr "b"\n',
        'msgid "\\"\n',
    ],
)
def test_a_damaged_catalogue_is_refused(text: str) -> None:
    with pytest.raises(DamagedCatalogue):
        po.read(text)


def test_texts_are_found_where_the_functions_are_ours() -> None:
    source = (
        "from gatewatch.words import count, mark, say\nsay('a {x}', x=1)\nmark('b')\ncount('c', 'd', n)\n"
    )
    found = {entry.text: entry.plural for entry in in_source(source, "m.py")}
    assert found == {"a {x}": None, "b": None, "c": "d"}
    assert list(in_source("def say(x): ...\nsay(y)\n'aa'.count('a')\n", "m.py")) == []
    with pytest.raises(NotALiteral, match=r"m\.py:2"):
        list(in_source("from gatewatch.words import say\nsay(f'{x}')\n", "m.py"))


def test_a_catalogue_is_kept_up_with_the_source() -> None:
    now = (Entry("green"), Entry("red"), Entry("{n} site", "{n} places"))
    new = {entry.text: entry for entry in updated(po.read(LITTLE), now)}
    assert list(new) == ["", "green", "red", "{n} site"]
    assert new["red"].translations == ("rouge",) and new["green"].translations == ("",)
    # Another plural is another text.
    assert new["{n} site"].translations == ("", "")


def test_what_is_filled_in_steers_no_terminal() -> None:
    use("en")
    assert say("seen at {url}", url="a\x1b[31m\u202eb") == "seen at a\\x1b[31m\\u202eb"
    assert worded("") == ""
    assert count("{n} site", "{n} sites", 1) == "1 site" and count("{n} site", "{n} sites", 0) == "0 sites"


def test_a_phrase_keeps_its_english_for_data() -> None:
    use("en")
    inner = phrase("about {n}", n=3)
    outer = phrase("took {time}", time=inner)
    assert str(outer) == outer.english == "took about 3" and isinstance(inner, Phrase)


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "1 second"), (119, "119 seconds"), (150, "2 minutes"), (10_000, "3 hours")]
)
def test_times(seconds: float, said: str) -> None:
    use("en")
    assert numbers.duration(seconds) == said


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (5, 9, "5 to 9 seconds"),
        (0.2, 0.4, "1 second"),
        (100, 400, "2 to 7 minutes"),
        (175, 185, "3 minutes"),
        (3000, 9000, "1 to 2 hours"),
    ],
)
def test_spans_of_time(low: float, high: float, said: str) -> None:
    use("en")
    assert numbers.between(low, high) == said


@pytest.mark.parametrize(
    ("number", "said"), [(7, "7 B"), (8_000, "8 kB"), (1_250_000, "1.2 MB"), (5e9, "5.0 GB")]
)
def test_sizes(number: float, said: str) -> None:
    assert numbers.size(number) == said


def test_five_languages() -> None:
    assert list(LANGUAGES) == ["en", "km", "ne", "th", "ms"]
