"""The report in five languages: nothing of the page is left in English but what is marked as English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from tests.analysis.runs import PREFIXES, trace, web, write_run

from gatewatch.words import LANGUAGES, Phrase, extract, use, worded
from gatewatch_analysis.loading import load
from gatewatch_analysis.page.contents import Contents, gather
from gatewatch_analysis.page.report import written
from gatewatch_analysis.report.overview import to_json

TEXTS = [entry.text for entry in extract.in_analysis()]
TRANSLATED = [code for code, each in LANGUAGES.items() if each.translated]


@pytest.fixture(autouse=True)
def no_language_left() -> Iterator[None]:
    yield
    use(None)


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """Two ISPs, one in the lab, with sites blocked on one of them and paths over the border in two months."""
    folder = tmp_path_factory.mktemp("tongues")
    path = [("192.168.1.1", 0.5), ("36.37.130.14", 3.5), ("63.218.10.5", 12.25), ("104.16.1.1", 20.0)]
    lines = [
        web("https://a.example/", "tls.reset"),
        web("https://ok.example/", "ok"),
        trace("104.16.1.1", path),
        trace("104.16.1.1", path, start="2024-07-01 12:00:00"),
    ]
    other = [web("https://a.example/", "ok", asn=45498), trace("104.16.1.1", path, asn=45498)]
    runs = [
        write_run(folder / "one", lines, prefixes=PREFIXES),
        write_run(folder / "two", other, prefixes=PREFIXES),
    ]
    return gather(load(runs))


class Read(HTMLParser):
    """What is read out of a page, without what is marked as English, and without files that lie in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.language: str | None = None
        self.texts: list[str] = []
        self._skipped: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        given = dict(attrs)
        if tag == "html":
            self.language = given["lang"]
        if self._skipped or tag == "style" or given.get("lang", self.language) != self.language:
            self._skipped.append(tag)
        elif "aria-label" in given:
            self.texts.append(given["aria-label"])

    def handle_endtag(self, tag: str) -> None:
        if self._skipped and self._skipped[-1] == tag:
            self._skipped.pop()

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.texts.append(data)


def as_pattern(text: str) -> re.Pattern[str]:
    """Give what a text looks like, whatever is filled in."""
    return re.compile(".+?".join(map(re.escape, re.split(r"\{\w+\}", text))))


def said(texts: list[str], page: Read) -> set[str]:
    return {text for text in texts if any(as_pattern(text).fullmatch(each) for each in page.texts)}


@pytest.mark.parametrize("code", TRANSLATED)
def test_no_text_is_left_in_english(contents: Contents, code: str) -> None:
    use("en")
    there = said(TEXTS, Read(written(contents)))
    # That the texts are looked for where they stand is shown by the page in English.
    assert {"What is blocked", "Method and limits", "Contents", "share"} <= there and len(there) > 50
    use(code)
    page = Read(written(contents))
    assert page.language == code
    assert sorted(text for text in said(TEXTS, page) if worded(text) != text) == []
    assert worded("What is blocked") in page.texts


def test_a_text_that_stays_english_says_so(contents: Contents) -> None:
    use("th")
    thai = written(contents)
    assert '<bdi lang="en">' in thai
    use("en")
    assert 'lang="en"' not in written(contents).partition("<body>")[2]


def test_a_finding_is_worded_on_the_page_and_english_in_data(contents: Contents) -> None:
    english = [finding.text for finding in contents.analysis.findings]
    phrases = [f.said for f in contents.analysis.findings if isinstance(f.said, Phrase)]
    assert any(text.startswith("Metfone") and "decided targets" in text for text in english)
    for code in TRANSLATED:
        use(code)
        page = Read(written(contents))
        assert [f["text"] for f in to_json(contents.analysis)["findings"]] == english
        assert phrases and all(str(said) != said.english and str(said) in page.texts for said in phrases)
