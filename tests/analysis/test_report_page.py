"""The report as a browser shows it: nothing is fetched, and strangers' words stay words."""

from __future__ import annotations

import struct
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.analysis.runs import PREFIXES, trace, web, write_run
from tests.worlds.browser import shoot, visit
from tests.worlds.commands import here
from tests.worlds.marker import MARKUP as MARK

from gatewatch_analysis.loading import load
from gatewatch_analysis.page.report import report

SECTIONS = ["answer", "blocked", "where", "exits", "cables", "method", "tables"]


def runs(tmp_path: Path) -> list[Path]:
    """Two ISPs; whatever a stranger can write holds markup."""
    path = [("192.168.1.1", 0.5), ("36.37.130.14", 3.5), ("63.218.10.5", 12.25), ("104.16.1.1", 20.0)]
    lines = [
        web("https://a.example/", "tls.reset"),
        web(f"https://b.example/{MARK}", "dns.nxdomain", category=MARK),
        web("https://ok.example/", "ok"),
        trace("104.16.1.1", path),
        trace("104.16.1.1", path, start="2024-07-01 12:00:00"),
    ]
    other = [
        web("https://a.example/", "ok", asn=45498, name=MARK),
        trace("104.16.1.1", path, asn=45498, name=MARK),
    ]
    return [
        write_run(tmp_path / "one", lines, isp=MARK, prefixes=PREFIXES),
        write_run(tmp_path / "two", other, isp=None, prefixes=PREFIXES),
    ]


class Ids(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_every_section_is_there_and_strangers_words_stay_words(tmp_path: Path) -> None:
    read = Ids(report(load(runs(tmp_path))))
    assert [name for name in read.ids if name in SECTIONS] == SECTIONS
    assert not {"script", "img", "iframe", "form", "object"} & set(read.tags)
    assert MARK in read.text and read.tags.count("h1") == 1 and "polyline" in read.tags


def test_a_dataset_without_anything(tmp_path: Path) -> None:
    read = Ids(report(load([write_run(tmp_path / "r", [])])))
    assert [name for name in read.ids if name in SECTIONS] == SECTIONS


def test_a_browser_fetches_nothing_and_has_no_complaint(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(report(load(runs(tmp_path))), encoding="utf-8")
    seen = visit(page, tmp_path)
    assert "owned" not in seen.dom.partition("</title>")[0]
    assert "gatewatch report" in seen.dom.partition("</title>")[0]
    empty, loud = tmp_path / "empty.html", tmp_path / "loud.html"
    empty.write_text("<title>x</title>")
    loud.write_text("<title>x</title><img src=https://evil.example/x><script>console.error('x')</script>")
    # What a browser asks for by itself is not the page's; and that the page could be seen asking is shown.
    own = visit(empty, tmp_path).asked
    assert seen.asked - own == frozenset() and seen.console == ()
    there = visit(loud, tmp_path)
    assert "evil.example" in there.asked and there.console


@pytest.mark.parametrize(("width", "options"), [(390, ()), (1200, ()), (1200, ("--force-dark-mode",))])
def test_it_can_be_looked_at(tmp_path: Path, width: int, options: tuple[str, ...]) -> None:
    page = tmp_path / "report.html"
    page.write_text(report(load(runs(tmp_path))), encoding="utf-8")
    picture = shoot(page, tmp_path, width, 1500, *options).read_bytes()
    assert picture.startswith(b"\x89PNG") and struct.unpack(">II", picture[16:24]) == (width, 1500)
    # An empty page of this size is a few kilobytes.
    assert len(picture) > 30_000


def test_nothing_is_wider_than_a_phone(tmp_path: Path) -> None:
    """Wide tables scroll within themselves: the page as a whole is as wide as the screen."""
    inner = report(load(runs(tmp_path)))
    page = tmp_path / "report.html"
    # A frame of a phone's width; the page's own policy forbids scripts, so a page around it measures.
    page.write_text(inner, encoding="utf-8")
    around = tmp_path / "around.html"
    around.write_text(
        '<iframe id="f" src="report.html" width="390" height="800"></iframe>'
        "<script>onload = () => { const d = document.getElementById('f').contentDocument;"
        " document.title = d.documentElement.scrollWidth; }</script>"
    )
    seen = visit(around, tmp_path, "--allow-file-access-from-files")
    assert int(seen.dom.partition("<title>")[2].partition("</title>")[0]) <= 390


def test_the_command(tmp_path: Path) -> None:
    folder = runs(tmp_path)[0]
    got = here("report", str(folder), "-o", str(tmp_path / "r.html"))
    assert got.exit_code == 0 and "MB" in got.stderr
    assert (tmp_path / "r.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert not (tmp_path / "r.html.part").exists()
    got = here("report", str(folder), "-o", str(tmp_path / "nowhere" / "r.html"))
    assert got.exit_code == 2
