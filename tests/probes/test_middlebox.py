"""Is there a proxy on this line, and how is Host read: in the lab, behind boxes of every kind."""

from __future__ import annotations

from typing import Any

import pytest
from tests.lab.behind import blocks, country, verdict
from tests.worlds.clock import run
from tests.worlds.country import attached, measure

from gatewatch.lab.country.scenario import Box
from gatewatch.records import OddRequest, TestKeys, decode
from gatewatch_probes.middlebox import Middlebox
from gatewatch_probes.visit.echoes import _changes, _told
from gatewatch_targets import Target

URL = "http://example.org/"


def rows(keys: TestKeys) -> list[OddRequest]:
    found = [decode(OddRequest, row) for row in keys.extra["x_gatewatch_middlebox"]]
    assert all(problems == () for _, problems in found)
    return [row for row, _ in found]


def look(*boxes: Box, url: str = URL, **changes: Any) -> tuple[list[OddRequest], str]:
    keys = measure(Middlebox(seed=1), url, "clear", country(*boxes), **changes)
    return rows(keys), verdict(keys, url, "middlebox")


def outcomes(found: list[OddRequest], *kinds: str) -> list[str]:
    return [row.outcome for row in found if row.kind in kinds]


def test_a_clear_line_has_no_proxy_and_costs_three_requests_a_target() -> None:
    found, label = look()
    assert label == "ok"
    assert [row.kind for row in found] == [
        *("echo", "invalid_method", "invalid_fields", "invalid_long"),
        *("beacon", "beacon_invalid") * 2,
        *("host_control", "host", "host_case"),
    ]
    assert outcomes(found[:4], *(row.kind for row in found[:4])) == ["echoed"] * 4
    assert all(row.changes == () for row in found)
    # Times are those of the path: 40 ms there and back.
    assert {round(1000 * (row.connect or 0)) for row in found} == {round(1000 * (found[0].connect or 0))}
    assert all((row.wait or 0) >= (row.connect or 0) for row in found)


def test_a_transparent_proxy_shows_by_what_it_rewrites_and_answers() -> None:
    found, label = look(Box("http-proxy", 3))
    assert label == "tampered(http.proxied)"
    echo = found[0]
    assert (echo.kind, echo.outcome) == ("echo", "echoed")
    assert echo.changes == ("added via", "added x-forwarded-for", "spelling of names")
    assert outcomes(found, "invalid_method", "invalid_fields") == ["answered", "answered"]
    assert {row.code for row in found if row.kind in ("invalid_method", "beacon_invalid")} == {400}


def test_without_a_helper_a_proxy_shows_by_its_nearness() -> None:
    found, label = look(Box("http-proxy", 3), helpers=())
    assert label == "tampered(http.proxied)"
    assert not outcomes(found, "echo")
    (near, *_) = [row for row in found if row.kind == "beacon_invalid"]
    assert 0 < (near.wait or 1) < 0.5 * (near.connect_tls or 0)


def test_without_a_helper_a_clear_line_cannot_be_told_clear() -> None:
    _, label = look(helpers=())
    assert label == "inconclusive(no_cooperating_server)"
    _, label = look(helpers=("https://example.com/",))  # no helper of ours answers there
    assert label == "inconclusive(no_cooperating_server)"


def test_a_pass_through_proxy_for_tls_is_none_for_http() -> None:
    assert look(Box("sni-proxy", 3))[1] == "ok"


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        ("http-reset", "blocked(http.reset)"),
        ("http-eof", "blocked(http.eof)"),
        ("http-drop", "blocked(http.timeout)"),
    ],
)
def test_a_filter_that_reads_host_as_servers_do_cuts_every_spelling(kind: str, label: str) -> None:
    found, judged = look(blocks(kind))
    assert judged == label
    assert set(outcomes(found, "host_control")) == {"answered"}
    assert "answered" not in outcomes(found, "host", "host_case", "host_name_case", "host_tab", "host_dot")
    # Of two Host headers this one reads the first, which is another's.
    assert outcomes(found, "host_twice") == ["answered"]


def test_a_filter_that_reads_only_what_browsers_write_is_passed_by_the_rest() -> None:
    found, judged = look(blocks("http-reset", literal=True))
    assert judged == "blocked(http.reset)"
    passed = [row.kind for row in found if row.kind.startswith("host_") and row.outcome == "answered"]
    assert {"host_case", "host_name_case", "host_tab", "host_dot"} <= set(passed)


def test_a_page_for_one_spelling_and_another_for_the_rest_is_a_block_page() -> None:
    found, judged = look(blocks("http-blockpage", literal=True))
    assert judged == "blocked(http.blockpage)"
    assert outcomes(found, "host") == ["answered"] * 2


def test_a_block_page_for_every_spelling_shows_by_its_nearness() -> None:
    found, judged = look(blocks("http-blockpage"))
    assert judged == "blocked(http.blockpage)"
    assert outcomes(found, "host") == ["answered"] * 2


def test_before_a_name_is_repeated_another_must_pass() -> None:
    box = blocks("http-reset", residual=45.0, residual_action="reset")
    keys = measure(Middlebox(seed=1), URL, "clear", country(box))
    waits = keys.extra["x_gatewatch_residual"]
    assert waits and all(wait["passed"] for wait in waits)
    assert waits[0]["waits"] == [30.0, 60.0]
    assert verdict(keys, URL, "middlebox") == "blocked(http.reset)"


def test_the_line_is_looked_at_once_a_run() -> None:
    probe = Middlebox(seed=1)

    async def twice() -> list[TestKeys]:
        async with attached("clear", country(Box("http-proxy", 3))) as (wire, _):
            return [await probe.measure(Target(url), wire) for url in (URL, "https://other.com/")]

    first, second = run(twice)
    assert len(first.requests or ()) > len(second.requests or ()) == 3
    again = [row for row in rows(second) if not row.kind.startswith("host")]
    assert [row.kind for row in again] == [row.kind for row in rows(first)][: len(again)]
    assert {row.t for row in again} == {None}
    assert verdict(second, "https://other.com/", "middlebox") == "tampered(http.proxied)"


def test_what_cannot_be_measured_is_left_out() -> None:
    fits = Middlebox().fits
    assert fits(Target("http://a.org:8080/")) and fits(Target("https://a.org/"))
    assert not fits(Target("http://9.9.9.9/")) and not fits(Target("https://a.org:8443/"))


def test_what_a_helper_got_is_compared_with_what_was_sent() -> None:
    sent = [("hOsT", "a"), ("X-a", "1"), ("b", "2")]
    assert _changes("GET / HTTP/1.1", sent, "GET / HTTP/1.1", list(sent)) == ()
    told = [("X-a", "7"), ("Host", "a"), ("New\x1b", "x")]
    assert _changes("GET / HTTP/1.1", sent, "GET / HTTP/1.0", told) == (
        "request line",
        "removed b",
        "spelling of names",
        "value of x-a",
        "order",
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"request_line": 1, "headers_list": [], "peer_port": 1}',
        b'{"request_line": "a", "headers_list": [[1]], "peer_port": 1}',
        b'{"request_line": "a", "headers_list": [], "peer_port": null}',
        b"[" * 5000,
    ],
)
def test_what_is_no_echo_is_none(body: bytes) -> None:
    assert _told(body) is None
