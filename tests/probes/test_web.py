import json
from dataclasses import replace

import pytest
from tests.worlds.authority import server
from tests.worlds.clock import run
from tests.worlds.country import measure
from tests.worlds.hosts import hosts, http
from tests.worlds.streams import RESET, Server, Streams, TlsServer, script

from gatewatch.net.wire import SILENT_NAMES, Limits, Wire
from gatewatch.records import Connect, TestKeys, Transaction
from gatewatch_probes.web import Web
from gatewatch_targets import Target

SITE, OTHER, LIE = "104.16.1.1", "104.16.1.2", "202.58.101.80"


async def visit(wire: Wire, url: str) -> TestKeys:
    return await Web().measure(Target(url), wire)


def endpoints(keys: TestKeys) -> list[str]:
    return [f"{c.ip}:{c.port}" for c in keys.tcp_connect or () if visited(c)]


def urls(keys: TestKeys) -> list[tuple[str | None, str | None]]:
    return [(r.request.url, r.failure) for r in reversed(keys.requests or ()) if visited(r)]


def visited(record: Connect | Transaction) -> bool:
    """Whether it was part of the visit, and no second try or second control."""
    return not {"again", "second"} & set(record.tags or ())


def test_every_address_is_tried_and_one_page_fetched() -> None:
    async def main() -> None:
        both = {(a, 80): http("200 OK", body="hello") for a in (SITE, OTHER)}
        with hosts({"a.org": (SITE, OTHER)}, both) as (wire, world):
            keys = await visit(wire, "http://a.org/")
        assert sorted(endpoints(keys)) == [f"{SITE}:80", f"{OTHER}:80"]
        assert {c.tags for c in keys.tcp_connect or () if visited(c)} == {("classic", "depth=0")}
        assert urls(keys) == [("http://a.org/", None)] and world.all_closed
        assert (keys.extra["control"], keys.extra["control_failure"]) == (None, "unknown_failure: no helper")

    run(main)


def test_an_address_that_only_public_resolvers_give_is_tried_too() -> None:
    async def main() -> None:
        servers: dict[tuple[str, int], Server] = {
            (SITE, 443): TlsServer(server("a.org"), http("200 OK")),
            (LIE, 443): RESET,
        }
        with hosts({"a.org": (LIE,)}, servers, public={"a.org": (SITE,)}) as (wire, _):
            keys = await visit(wire, "https://a.org/")
        tried = {(c.ip, c.status.failure, c.tags) for c in keys.tcp_connect or ()}
        assert (LIE, "connection_reset", ("classic", "depth=0")) in tried
        assert (SITE, None, ("depth=0",)) in tried
        assert [(r.address, r.failure) for r in keys.requests or ()] == [(f"{SITE}:443", None)]

    run(main)


def test_bogons_are_never_connected_to_and_said_to_be_skipped() -> None:
    async def main() -> None:
        with hosts({"a.org": ("127.0.0.1", "10.0.0.1")}, {}) as (wire, world):
            keys = await visit(wire, "http://a.org/")
        assert keys.extra["x_gatewatch_skipped"] == [
            {"address": "127.0.0.1", "port": 80, "reason": "bogon"},
            {"address": "10.0.0.1", "port": 80, "reason": "bogon"},
        ]
        assert not {address for address, _, _ in world.connected} & {"127.0.0.1", "10.0.0.1"}

    run(main)


@pytest.mark.parametrize("location", ["http://127.0.0.1/", "http://home.a.org/"])
def test_a_redirect_to_a_bogon_is_not_followed_there(location: str) -> None:
    async def main() -> Streams:
        names = {"a.org": (SITE,), "home.a.org": ("192.168.1.1",)}
        with hosts(names, {(SITE, 80): http("302 Found", f"Location: {location}")}) as (wire, world):
            keys = await visit(wire, "http://a.org/")
        assert urls(keys) == [("http://a.org/", None)]
        return world

    assert not {a for a, _, _ in run(main).connected} & {"127.0.0.1", "192.168.1.1"}


def test_redirects_are_followed_step_by_step_to_the_cap() -> None:
    async def main() -> None:
        with hosts({"a.org": (SITE,)}, {(SITE, 80): http("302 Found", "Location: /again")}) as (wire, _):
            keys = await visit(wire, "http://a.org/")
        requests = list(reversed(keys.requests or ()))
        assert len(requests) == 11
        assert [r.tags for r in requests] == [("classic", f"depth={n}") for n in range(11)]
        assert (
            keys.extra["x_gatewatch_redirect_failure"] == "unknown_failure: stopped after too many redirects"
        )
        # Each step has its own lookup.
        assert {t for q in keys.queries or () for t in q.tags or ()} >= {f"depth={n}" for n in range(11)}

    run(main)


def test_ten_redirects_are_not_too_many() -> None:
    async def main() -> None:
        steps = iter(range(10))

        def peer(_: bytes) -> tuple[bytes, ...]:
            more = next(steps, None)
            return (
                (b"HTTP/1.1 302 F\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",)
                if more is not None
                else last
            )

        last = (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",)
        with hosts({"a.org": (SITE,)}, {(SITE, 80): peer}) as (wire, _):
            keys = await visit(wire, "http://a.org/")
        assert len(urls(keys)) == 11 and keys.extra["x_gatewatch_redirect_failure"] is None

    run(main)


def test_a_redirect_that_leads_nowhere_is_said_to() -> None:
    async def main() -> None:
        with hosts({"a.org": (SITE,)}, {(SITE, 80): http("302 Found", "Location: http://")}) as (wire, _):
            keys = await visit(wire, "http://a.org/")
        assert keys.extra["x_gatewatch_redirect_failure"] == "http_invalid_redirect_location_host"

    run(main)


def test_an_endpoint_silent_for_other_names_is_skipped_at_no_cost() -> None:
    async def main() -> None:
        names = {f"n{n}.org": (LIE,) for n in range(SILENT_NAMES + 1)}
        with hosts(names, {}) as (wire, world):
            for n in range(SILENT_NAMES):
                keys = await visit(wire, f"http://n{n}.org/")
                failures = [c.status.failure for c in keys.tcp_connect or () if visited(c)]
                assert failures == ["generic_timeout_error"]
            before = len([1 for a, _, _ in world.connected if a == LIE])
            keys = await visit(wire, f"http://n{SILENT_NAMES}.org/")
            assert endpoints(keys) == [] and len([1 for a, _, _ in world.connected if a == LIE]) == before
            assert keys.extra["x_gatewatch_skipped"] == [
                {"address": LIE, "port": 80, "reason": "silent for other names"}
            ]

    run(main)


CONTROL = {
    "dns": {"addrs": [SITE, "cdn.a.org", 7], "failure": None},
    "http_request": {"failure": None, "status_code": 200},
    "tcp_connect": {},
}


def helper(answer: object, status: str = "200 OK") -> TlsServer:
    return TlsServer(server("th.org"), http(status, body=json.dumps(answer)))


async def with_control(answer: object, status: str = "200 OK") -> tuple[TestKeys, Streams]:
    names = {"a.org": (LIE,), "th.org": (OTHER,)}
    servers: dict[tuple[str, int], Server] = {
        (OTHER, 443): helper(answer, status),
        (SITE, 80): http("200 OK", body="the site"),
        (LIE, 80): http("200 OK", body="blocked"),
    }
    with hosts(names, servers) as (wire, world):
        wire.helpers = ("https://th.org/",)
        return await visit(wire, "http://a.org/"), world


def test_over_http_a_lie_is_answered_by_a_second_page_from_an_address_that_the_control_knows() -> None:
    async def main() -> None:
        keys, world = await with_control(CONTROL)
        assert keys.extra["control"] == CONTROL and keys.extra["control_failure"] is None
        pages = [(r.tags, r.address, r.response and r.response.body) for r in reversed(keys.requests or ())]
        assert pages == [
            (("classic", "depth=0"), f"{LIE}:80", "blocked"),
            (("trusted", "depth=0"), f"{SITE}:80", "the site"),
        ]
        # The system's address is asked for a certificate, which would prove it after all.
        assert [(c.ip, c.port) for c in keys.tcp_connect or () if "validate" in (c.tags or ())] == [
            (LIE, 443)
        ]
        # A name among the helper's addresses is not resolved and connected to.
        assert {a for a, _, _ in world.connected} <= {SITE, OTHER, LIE} | {
            r.ipv4[0] for r in Wire().resolvers
        }

    run(main)


@pytest.mark.parametrize(
    ("answer", "status", "failure"),
    [
        ("<html>", "403 Forbidden", "http_unexpected_status_code"),
        ([1], "200 OK", "json_parse_error"),
        (CONTROL | {"dns": "odd"}, "200 OK", "json_parse_error"),
        (CONTROL | {"dns": {"addrs": None}}, "200 OK", "json_parse_error"),
        (CONTROL | {"dns": {"addrs": {"a": 1}}}, "200 OK", "json_parse_error"),
        (CONTROL | {"ip_info": {"1.2.3.4": "odd"}}, "200 OK", None),
    ],
)
def test_a_helper_that_says_odd_things_stops_nothing(
    answer: object, status: str, failure: str | None
) -> None:
    async def main() -> None:
        keys, _ = await with_control(answer, status)
        assert keys.extra["control_failure"] == failure and urls(keys)[0] == ("http://a.org/", None)

    run(main)


@pytest.mark.parametrize("body", ["{", "[" * 50_000], ids=["cut", "nested"])
def test_a_helper_that_speaks_no_json_stops_nothing(body: str) -> None:
    async def main() -> None:
        servers: dict[tuple[str, int], Server] = {
            (OTHER, 443): TlsServer(server("th.org"), http("200 OK", body=body)),
            (SITE, 80): http("200 OK"),
        }
        with hosts({"a.org": (SITE,), "th.org": (OTHER,)}, servers) as (wire, _):
            wire.helpers = ("https://th.org/",)
            keys = await visit(wire, "http://a.org/")
        assert (keys.extra["control"], keys.extra["control_failure"]) == (None, "json_parse_error")

    run(main)


def test_all_helpers_blocked_costs_a_pause_and_no_result() -> None:
    async def main() -> None:
        names = {"a.org": (SITE,), "b.org": (SITE,), "one.org": (OTHER,), "two.org": (LIE,)}
        servers: dict[tuple[str, int], Server] = {(SITE, 80): http("200 OK"), (OTHER, 443): script((RESET,))}
        with hosts(names, servers) as (wire, world):
            wire.helpers = ("https://one.org/", "https://two.org/")
            wire.limits = replace(Limits(), helper=7.0)
            web = Web()
            first = await web.measure(Target("http://a.org/"), wire)
            assert first.extra["control"] is None
            assert first.extra["control_failure"] == "generic_timeout_error"
            assert urls(first) == [("http://a.org/", None)]
            tried = len([1 for a, _, _ in world.connected if a in (OTHER, LIE)])
            second = await web.measure(Target("http://b.org/"), wire)
            assert second.extra["control_failure"] == "generic_timeout_error"
            assert len([1 for a, _, _ in world.connected if a in (OTHER, LIE)]) == tried

    run(main)


def test_an_address_as_target_asks_nobody_for_a_name() -> None:
    async def main() -> None:
        with hosts({}, {(SITE, 80): http("200 OK")}) as (wire, _):
            keys = await visit(wire, f"http://{SITE}/")
        assert keys.queries == () and urls(keys) == [(f"http://{SITE}/", None)]

    run(main)


def test_the_control_of_the_lab_is_asked_about_the_endpoints_that_were_found() -> None:
    keys = measure(Web(), "http://lied.com/", "blocked")
    request, control = keys.extra["x_control_request"], keys.extra["control"]
    assert request["http_request"] == "http://lied.com/"
    assert request["tcp_connect"] == [
        "127.0.0.1:443", "127.0.0.1:80", "104.23.96.142:443", "104.23.96.142:80",
    ]  # fmt: skip
    assert control["dns"]["addrs"] == ["104.23.96.142"] and control["http_request"]["status_code"] == 200
    assert keys.extra["client_resolver"] == "36.37.242.53"
    assert keys.extra["x_gatewatch_line"] == {
        "ipv4": True,
        "ipv6": False,
        "clock_offset": None,
    }
