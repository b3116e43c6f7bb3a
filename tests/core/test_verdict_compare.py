"""Titles, lengths and headers, hostile ones too."""

from __future__ import annotations

import time

import pytest

from gatewatch.verdict.likeness import compare


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ("<title>A b</title>", "A b"),
        ("<TITLE lang=km>\n A  &amp;\tb </TITLE>", "A & b"),
        (b"<title>\xe1\x9e\x80</title>", "ក"),
        (b"<title>\xff\xfe</title>", "\ufffd\ufffd"),
        ("<title>never closed", "never closed"),
        ("<titles>no</titles>", ""),
        ("<title>", ""),
        (" " * 70_000 + "<title>too late</title>", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_title(body: str | bytes | None, title: str) -> None:
    assert compare.title(body) == title


@pytest.mark.parametrize(
    "hostile", ["<title " * 100_000, "<title" + " " * 500_000, "<title>" + "&" * 500_000, "<" * 500_000]
)
def test_title_of_a_hostile_page_costs_little(hostile: str) -> None:
    started = time.process_time()
    compare.title(hostile)
    # Two hundred times what it takes; a pattern that backtracks takes minutes.
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize(
    ("ours", "control", "likeness"),
    [
        ("", "", "unusable"),
        ("News", "News", "same"),
        ("NEWS  today", "news today", "same"),
        ("(3) Daily news", "Daily news", "same"),
        ("Hi all", "No go", "different"),
        ("This page is not here", "This site is great", "different"),
        ("Blocked", "", "different"),
        ("", "News", "different"),
        ("x" * 300, "", "unusable"),
        ("a\ufffdb", "a\ufffd\ufffdb", "same"),
        ("Tom &amp; Jerry", "Tom & Jerry", "same"),
    ],
)
def test_same_title(ours: str, control: str, likeness: str) -> None:
    assert compare.same_title(ours, control) == likeness


def test_body_proportion() -> None:
    assert compare.body_proportion(188, 1533) == pytest.approx(0.1226, abs=1e-4)
    assert compare.body_proportion(1533, 188) == compare.body_proportion(188, 1533)
    assert (compare.body_proportion(0, 0), compare.body_proportion(-1, 5)) == (1.0, -1.0)
    assert (compare.body_length("é"), compare.body_length(b"\xff"), compare.body_length(None)) == (2, 1, 0)


def test_headers_that_any_server_sends_are_no_likeness() -> None:
    common = {"Content-Length": "5", "Connection": "close", "Date": "now", "Server": "nginx"}
    assert compare.same_headers(common, {**common, "X-Request-Id": "1"}) == "different"
    assert compare.same_headers({"x-request-id": "2"}, {**common, "X-Request-Id": "1"}) == "same"
    assert compare.same_headers(common, common) == "unusable"
    assert compare.same_headers({"Server": "IIS"}, common) == "different"
    assert compare.same_server({"server": "nginx/1.25"}, common)
    assert not compare.same_server({}, {})
