"""What a page is made of: nothing breaks out of it, nothing is fetched, and drawings are told in words."""

from __future__ import annotations

import base64
from datetime import date
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewatch_analysis.page.chart import chart
from gatewatch_analysis.page.document import Section, document
from gatewatch_analysis.page.element import Element, download, element, foreign
from gatewatch_analysis.page.hops import Stop, way
from gatewatch_analysis.page.map import Drawn, region
from gatewatch_analysis.page.tables import as_csv, cell, table


class Read(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def text(built: Element) -> str:
    return "".join(built.render())


HOSTILE = [
    "</p><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "&lt;b&gt;",
    "\u202eevil",
    "a\x00\x1b[2Jb",
]


@pytest.mark.parametrize("said", HOSTILE)
def test_what_strangers_wrote_stays_text(said: str) -> None:
    read = Read(text(element("p", foreign(said), title=said)))
    assert read.tags == ["p", "bdi"] and [name for name, _ in read.attributes] == ["title"]
    assert "\u202e" not in read.text and "\x1b" not in read.text


@given(st.text())
def test_any_text_is_text(said: str) -> None:
    assert Read(text(element("p", said))).tags == ["p"]


def test_what_loads_or_runs_or_leads_away_cannot_be_written() -> None:
    for tag in ("script", "img", "iframe", "form", "link", "style", "object", "base"):
        with pytest.raises(ValueError, match="no such tag"):
            element(tag)
    for name in ("onclick", "style", "src", "srcset", "action", "xlink:href"):
        with pytest.raises(ValueError, match="no such attribute"):
            element("p", **{name: "x"})
    for link in ("https://example.org/", "javascript:alert(1)", "//example.org", "data:text/html,x"):
        with pytest.raises(ValueError, match="nothing outside"):
            element("a", "x", href=link)


def test_a_file_lies_in_the_page() -> None:
    read = Read(text(download("all", "all.csv", "a,b\n1,ក\n")))
    data = dict(read.attributes)["href"] or ""
    assert base64.b64decode(data.partition("base64,")[2]).decode() == "a,b\n1,ក\n"


def test_the_page_as_a_whole() -> None:
    page = document(
        "A & B",
        [Section("one", "First", (element("p", "x"),))],
        language="km",
        skip="Skip",
        contents="Contents",
    )
    read = Read(page)
    assert ("lang", "km") in read.attributes and ("href", "#one") in read.attributes
    policies = [value for name, value in read.attributes if name == "content" and "default-src" in str(value)]
    assert len(policies) == 1 and str(policies[0]).startswith("default-src 'none'; style-src 'sha256-")
    assert "script" not in read.tags
    assert read.tags.count("h1") == read.tags.count("main") == 1 and "A & B" in read.text


def test_tables_for_eyes_ears_and_spreadsheets() -> None:
    built = text(table("Cap", ["ISP", "n"], [["<b>", 1], ["B", None]], numbers=[1]))
    assert "<caption>Cap</caption>" in built and 'scope="col"' in built and 'scope="row"' in built
    assert "&lt;b&gt;" in built and 'class="number">1<' in built and "–" in built
    assert cell(0.123456) == "0.123" and cell(pd.NA) == "–" and cell(True) == "✓"
    frame = pd.DataFrame({"host": ["=cmd()", "@x", "-1", "ok"], "n": [1, 2, None, -4]})
    assert as_csv(frame).splitlines() == ["host,n", "'=cmd(),1.0", "'@x,2.0", "'-1,", "ok,-4.0"]


def test_drawings_are_told_in_words() -> None:
    line = chart(
        "HHI", {"KH": [(date(2024, 1, 1), 0.2), (date(2024, 6, 1), 0.9)]}, [(date(2024, 3, 1), "start")]
    )
    assert line is not None
    read = Read(text(line))
    assert "KH: 0.2 to 0.9" in read.text and "start" in read.text and read.tags.count("polyline") == 1
    assert chart("HHI", {"KH": [(date(2024, 1, 1), 0.2)]}) is None
    stops = [Stop(ttl, (f"hop {ttl}",), ttl > 6) for ttl in range(1, 12)]
    drawn = text(way("Path", stops, (6, 7), "cut between 6 and 7"))
    assert drawn.count('class="cut"') == 1 and "✕" in drawn and "cut between 6 and 7" in drawn
    shown = text(
        region("Map", [Drawn("One", ((10.6, 103.5), (22.2, 114.3)), True, True)], ["KH"], "One cable")
    )
    assert 'class="candidate chinese"' in shown and 'class="here"' in shown and len(shown) < 40_000
