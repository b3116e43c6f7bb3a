"""The helper as an application, in an emulated country: what it measures, and what else it answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import trio
from tests.worlds.asgi import Answer, ask
from tests.worlds.clock import run
from tests.worlds.helper import helper, post, question

from gatewatch.helper.admission import Allowance
from gatewatch.helper.app import HEAD, App
from gatewatch.helper.way import Limits
from gatewatch.lab.country.scenario import load


def test_hello() -> None:
    async def main() -> Answer:
        async with helper() as (app, _):
            return await ask(app)

    answer = run(main)
    assert (answer.status, answer.json) == (200, {"message": "Hello OONItarian!"})


def test_a_living_site() -> None:
    answer = post("https://live.com/", "104.21.38.91:443").json
    assert answer["tcp_connect"] == {"104.21.38.91:443": {"status": True, "failure": None}}
    assert answer["tls_handshake"]["104.21.38.91:443"]["failure"] is None
    assert answer["ip_info"] == {"104.21.38.91": {"asn": 0, "flags": 1 | 2 | 8}}
    assert answer["http_request"]["status_code"] == 200 and "x_gatewatch_refused" not in answer


def test_a_silent_site_takes_ten_seconds_and_no_more() -> None:
    async def main() -> tuple[float, Any]:
        async with helper() as (app, _):
            start = trio.current_time()
            answer = await ask(app, "POST", body=question("https://vanished.com/"))
            return trio.current_time() - start, answer.json

    took, answer = run(main)
    assert 10 < took < 11
    assert [o["failure"] for o in answer["tcp_connect"].values()] == ["generic_timeout_error"]
    assert answer["http_request"]["failure"] == "generic_timeout_error"


def test_a_client_that_leaves_ends_the_measuring() -> None:
    async def main() -> tuple[float, int]:
        async with helper() as (app, _):
            start = trio.current_time()
            answer = await ask(app, "POST", body=question("https://vanished.com/"), leaves_after=1.0)
            return trio.current_time() - start, answer.status

    took, status = run(main)
    assert took == pytest.approx(1.0) and status == 0


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("DELETE", "/", 405),
        ("POST", "/bytes/5", 405),
        ("BREW", "/echo", 405),
        ("GET", "/nothing", 404),
        ("GET", "/../etc/passwd", 404),
        ("GET", "/bytes/", 404),
        ("GET", "/bytes/-1", 404),
        ("GET", "/bytes/2000000", 400),
        ("GET", "/bytes/99999999999", 404),
    ],
)
def test_other_requests(method: str, path: str, status: int) -> None:
    async def main() -> Answer:
        async with helper() as (app, _):
            return await ask(app, method, path)

    answer = run(main)
    assert answer.status == status and set(answer.json) == {"error"}
    assert status != 405 or answer.headers["allow"]


def test_random_bytes_cost_by_their_size() -> None:
    async def main() -> None:
        async with helper(allowance=Allowance(rate=1, burst=18)) as (app, _):
            page = await ask(app, path="/bytes/1048576")
            assert page.status == 200 and len(page.body) == 1 << 20 == int(page.headers["content-length"])
            assert len(set(page.body)) == 256 and "no-transform" in page.headers["cache-control"]
            assert (await ask(app, path="/bytes/0")).body == b""
            assert (await ask(app, path="/bytes/65536")).status == 429

    run(main)


def test_the_echo_tells_the_raw_head_or_what_is_left_of_it() -> None:
    async def main() -> None:
        async with helper() as (app, _):
            raw = b"GET  /echo HTTP/1.1\r\nhOsT:x\r\n\r\n"
            told = await ask(app, path="/echo", state={HEAD: raw}, client=("192.0.2.7", 4711))
            assert told.json == {
                "request_line": "GET  /echo HTTP/1.1",
                "headers_list": [["hOsT", "x"]],
                "peer_port": 4711,
            }
            rebuilt = await ask(app, path="/echo?a=b", headers=[("A", "b")])
            assert rebuilt.json["request_line"] == "GET /echo?a=b HTTP/1.1"
            assert rebuilt.json["headers_list"] == [["A", "b"]]

    run(main)


def test_a_mistake_of_ours_is_no_story_for_strangers() -> None:
    class Broken:
        async def measure(self, value: Any) -> Any:
            raise KeyError("192.0.2.7")

    async def main() -> Answer:
        return await ask(App(Broken()), "POST", body=b"{}")  # type: ignore[arg-type]

    answer = run(main)
    assert (answer.status, answer.json) == (500, {"error": "the helper made a mistake"})


def test_limits_may_be_shorter() -> None:
    async def main() -> float:
        async with helper(limits=Limits(connect=2.0, fetch=3.0)) as (app, _):
            start = trio.current_time()
            await ask(app, "POST", body=question("https://vanished.com/"))
            return trio.current_time() - start

    assert 3 < run(main) < 4


def test_quic_is_tried_when_a_probe_asks_for_it() -> None:
    pytest.importorskip("aioquic", reason="QUIC needs aioquic: pip install 'gatewatch[quic]'")
    small = load("small")
    sites = replace(small.sites, quic=frozenset({"live.com"}))
    country = replace(small, sites=sites)

    async def main() -> list[Any]:
        async with helper(scenario=country) as (app, _):
            asked = [
                question("https://live.com/", "10.0.0.1:443", x_quic_enabled=True),
                question("http://refused.com/", x_quic_enabled=True),
                question("https://live.com/"),
            ]
            return [(await ask(app, "POST", body=body)).json["quic_handshake"] for body in asked]

    with_it, without, not_asked = run(main)
    address = "104.21.38.91:443"
    assert with_it == {address: {"server_name": "live.com", "status": True, "failure": None}}
    assert [o["failure"] for o in without.values()] in (["connection_refused"], ["generic_timeout_error"])
    assert not_asked == {}
