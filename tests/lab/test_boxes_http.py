"""HTTP boxes: pages of every make, redirects, FIN and silence, blocked pages of free hosts."""

from __future__ import annotations

from typing import Any

import pytest
from tests.lab.behind import NOTICE, blocks, web
from tests.lab.village import SERVER_MS, Village, bench, box, read, run, scenario, tcp

from gatewatch.lab.boxes.loopback import ask
from gatewatch.lab.boxes.request import target
from gatewatch.lab.country.scenario import Box
from gatewatch.lab.path import packet as p
from gatewatch.lab.path.engine import Engine
from gatewatch.records import TestKeys

BAD = "1.0.0.2"
AT_BOX = 3.0


def request(name: str, path: str = "/") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode()


def first(keys: TestKeys) -> Any:
    found = next(iter(keys.requests or ()))
    assert found.response is not None
    return found


URL = "http://example.org/"


def test_a_fin_answers_the_request_and_lets_the_client_close() -> None:
    engine, village = bench(box("http-eof"))
    ((_, syn_ack),) = run(engine, tcp(BAD, 80, flags=p.SYN, seq=999), until=0.1)
    ours, trigger = read(syn_ack).seq + 1, request("bad.com")
    got = run(engine, tcp(BAD, 80, flags=p.ACK, seq=1000, ack=ours, data=trigger), until=0.1)
    fin, end = read(got[0][1]), 1000 + len(trigger)
    assert (got[0][0], fin.flags, fin.seq, fin.ack) == (AT_BOX, p.FIN | p.ACK, ours, end)
    bye = tcp(BAD, 80, flags=p.FIN | p.ACK, seq=end, ack=ours + 1)
    ((when, packet),) = run(engine, bye, until=0.1)
    assert (when, read(packet).flags, read(packet).ack) == (AT_BOX, p.ACK, end + 1)
    assert village.heard == b"" and engine.finished == 1


def test_a_swallowed_request_stays_unanswered() -> None:
    engine, village = bench(box("http-drop"))
    trigger = tcp(BAD, 80, flags=p.ACK, ack=7, data=request("bad.com"))
    assert run(engine, trigger, trigger) == []
    assert village.heard == b""


@pytest.mark.parametrize(
    ("kind", "failure", "label"),
    [
        ("http-eof", "eof_error", "blocked(http.eof)"),
        ("http-drop", "generic_timeout_error", "blocked(http.timeout)"),
        ("http-reset", "connection_reset", "blocked(http.reset)"),
    ],
)
def test_what_a_measurement_makes_of_it(kind: str, failure: str, label: str) -> None:
    keys, found = web(URL, blocks(kind))
    assert (first(keys).failure, found) == (failure, label)


def test_a_page_with_status_and_headers_of_its_own() -> None:
    page = blocks("http-blockpage", status=451, headers=("Server: gate", "X-Order: 12"), title="Stop")
    keys, label = web(URL, page)
    response = first(keys).response
    assert (response.code, response.headers["Server"], response.headers["X-Order"]) == (451, "gate", "12")
    assert "<title>Stop</title>" in response.body
    assert label == "blocked(http.blockpage)"


def test_a_body_that_is_markup_is_sent_as_it_stands_and_no_title_leaves_none() -> None:
    keys, _ = web(URL, blocks("http-blockpage", body="<html><h1>Web Page Blocked</h1></html>"))
    assert first(keys).response.body == "<html><h1>Web Page Blocked</h1></html>"
    keys, _ = web(URL, blocks("http-blockpage", title=""))
    assert "<title>" not in first(keys).response.body


def test_a_page_with_every_header_of_the_origin_is_found_all_the_same() -> None:
    free, _ = web(URL)
    forged, label = web(URL, blocks("http-blockpage", copies_headers=True, title="No go"))
    own = {"Content-Length", "Transfer-Encoding", "Content-Encoding"}
    expected = {name: value for name, value in first(free).response.headers.items() if name not in own}
    got = first(forged).response.headers
    # The date is the moment's, and nobody asks the box where its client is.
    changing = {"Date", "X-Client-IP"}
    assert {n: v for n, v in got.items() if n not in own | changing} == {
        n: v for n, v in expected.items() if n not in changing
    }
    assert set(expected) <= set(got) and len(expected) > 4
    assert label == "blocked(http.blockpage)"


def test_a_redirect_to_the_page_of_a_host() -> None:
    keys, label = web(URL, blocks("http-redirect", location=f"http://{NOTICE}/notice?x=1"))
    rows = list(keys.requests or ())
    codes = [row.response.code for row in rows if row.response]
    assert codes.count(302) == 1
    assert label == "blocked(http.blockpage)"


def test_only_some_pages_of_a_host_are_blocked() -> None:
    page = blocks("http-blockpage", paths=("/news/1", "/search?q="))
    for path, blocked in (("/", False), ("/news/", False), ("/news/17", True), ("/search?q=x", True)):
        keys, label = web(f"http://example.org{path}", page)
        body = first(keys).response.body
        body = body if isinstance(body, str) else body.decode()
        assert ("order of the authorities" in body) is blocked, path
        assert label == ("blocked(http.blockpage)" if blocked else "ok")


def test_what_a_request_asks_for() -> None:
    assert target(b"GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n") == "/a?b"
    assert target(b"GET") == ""


def test_asking_nobody_gives_nothing() -> None:
    village = Village()
    assert ask(village, "1.0.0.1", 80, b"x") == b"hello from 1.0.0.1"
    assert ask(village, "1.0.0.1", 81, b"x") == b""


def test_several_boxes_on_one_path_each_do_their_part() -> None:
    boxes = (box("http-reset", hop=4), box("sni-reset", hop=3), Box("endpoint-drop", 2, ports=(853,)))
    engine = Engine(scenario(*boxes), "bench", Village(), clock=lambda: 0.0)
    assert run(engine, tcp(BAD, 853, flags=p.SYN), until=0.5) == []
    got = run(engine, tcp(BAD, 80, flags=p.ACK, ack=7, data=request("bad.com")), until=0.5)
    assert [when for when, _ in got] == [6.0]
    got = run(engine, tcp(BAD, 80, flags=p.ACK, ack=7, data=request("good.com"), sport=9), until=0.5)
    assert [when for when, _ in got] == [2 * SERVER_MS]
