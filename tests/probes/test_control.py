"""The control's client: helpers with overlap, forged ones, blocked ones, and one inside the country."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import trio
from tests.worlds.authority import server, stranger
from tests.worlds.clock import run
from tests.worlds.country import measure
from tests.worlds.hosts import hosts, http
from tests.worlds.streams import RESET, SILENCE, Peer, Server, Streams, TlsServer, Turn, script

from gatewatch.net.wire import Wire
from gatewatch_probes.visit.control import BREATHER, PAUSE, REMEMBERED, Heard, Helpers
from gatewatch_probes.web import Web

ONE, TWO, THREE = "104.16.1.1", "104.16.1.2", "104.16.1.3"
NAMES = {"one.org": (ONE,), "two.org": (TWO,), "three.org": (THREE,)}
ANSWER = {
    "dns": {"addrs": ["104.16.9.9"], "failure": None},
    "http_request": {"failure": None, "status_code": 200},
    "tcp_connect": {},
}
REQUEST: dict[str, Any] = {"http_request": "http://a.org/", "tcp_connect": []}


def body(answer: object, status: str = "200 OK") -> Peer:
    return http(status, body=answer if isinstance(answer, str) else json.dumps(answer))


def secure(name: str, peer: Peer | None = None, **certificate: Any) -> TlsServer:
    return TlsServer(server(name, **certificate), peer or body(ANSWER))


def late(seconds: float, answer: object = ANSWER) -> Peer:
    def peer(request: bytes) -> Turn:
        return (seconds, *body(answer)(request))

    return peer


def ask(
    servers: Mapping[tuple[str, int], Server],
    *names: str,
    public: Mapping[str, tuple[str, ...]] | None = None,
    known: Mapping[str, tuple[str, ...]] = NAMES,
    twice: Callable[[Streams], float] | None = None,
    domestic: tuple[str, ...] = (),
) -> tuple[Heard, float, Streams]:
    """Ask the named helpers once (or, when ``twice`` gives a pause, a second time); gives what was heard."""

    async def main() -> tuple[Heard, float, Streams]:
        with hosts(known, servers, public=public) as (wire, world):
            wire.helpers = tuple(f"https://{name}/" for name in names)
            wire.domestic_helpers = tuple(f"https://{name}/" for name in domestic)
            helpers = Helpers()
            heard = await helpers.ask(wire, REQUEST)
            if twice is not None:
                await trio.sleep(twice(world))
                before = trio.current_time()
                heard = await helpers.ask(wire, REQUEST)
                return heard, trio.current_time() - before, world
            return heard, trio.current_time(), world

    return run(main)


def states(heard: Heard) -> list[tuple[str, str, str | None]]:
    return [(a.helper.split("/")[2], a.state, a.failure) for a in heard.tried]


def test_the_first_helper_that_answers_is_on_record_with_its_distance() -> None:
    heard, _, world = ask(
        {(ONE, 443): secure("one.org"), (TWO, 443): secure("two.org")}, "one.org", "two.org"
    )
    assert (heard.answer, heard.failure) == (ANSWER, None)
    about = heard.about()
    assert (about["helper"], about["rtt"]) == ("https://one.org/", 0.1)
    assert [row["state"] for row in about["tried"]] == ["answered"]
    assert TWO not in {a for a, _, _ in world.connected} and world.all_closed


@pytest.mark.parametrize(
    ("first", "state", "failure"),
    [
        (secure("one.org", body("no", "503 Busy")), "busy", "http_unexpected_status_code"),
        (secure("one.org", body("no", "429 Often")), "busy", "http_unexpected_status_code"),
        (secure("one.org", body("<html>", "403 No")), "broken", "http_unexpected_status_code"),
        (secure("one.org", body("<html>blocked")), "broken", "json_parse_error"),
        (secure("one.org", body([])), "broken", "json_parse_error"),
        (secure("one.org", body({"dns": {}})), "broken", "json_parse_error"),
        (secure("one.org", body("[" * 90_000)), "broken", "json_parse_error"),
        (secure("one.org", body(ANSWER), authority=stranger()), "blocked", "ssl_unknown_authority"),
        (secure("page.org", body(ANSWER)), "blocked", "ssl_invalid_hostname"),
        (OSError(111, "refused"), "unreachable", "connection_refused"),
    ],
    ids=range(10),
)
def test_a_helper_that_fails_is_followed_by_the_next_at_once(first: Server, state: str, failure: str) -> None:
    heard, took, world = ask({(ONE, 443): first, (TWO, 443): secure("two.org")}, "one.org", "two.org")
    assert heard.answer == ANSWER and heard.about()["helper"] == "https://two.org/"
    assert states(heard) == [("one.org", state, failure), ("two.org", "answered", None)]
    assert took < 3 and world.all_closed


def cut_by_name(request: bytes) -> Turn:
    """A filter on the way: it resets what names the helper."""
    return (RESET,) if b"one.org" in request else peer_of_another(request)


peer_of_another = TlsServer(server("example.com"), script()).accept()


def test_a_helper_whose_name_is_cut_is_blocked_and_one_whose_address_is_dead_may_be_down() -> None:
    heard, _, _ = ask({(ONE, 443): cut_by_name}, "one.org")
    assert states(heard) == [("one.org", "blocked", "connection_reset")]
    heard, _, _ = ask({(ONE, 443): script((RESET,), (RESET,))}, "one.org")
    assert states(heard) == [("one.org", "unreachable", "connection_reset")]
    heard, _, _ = ask({}, "one.org")
    assert states(heard) == [("one.org", "unreachable", "generic_timeout_error")]
    heard, _, _ = ask({}, "nowhere.org")
    assert states(heard) == [("nowhere.org", "no_name", "dns_nxdomain_error")]


def test_a_silent_helper_holds_up_the_next_for_three_seconds() -> None:
    heard, took, _ = ask({(TWO, 443): secure("two.org")}, "one.org", "two.org")
    assert heard.answer == ANSWER and 3 < took < 4.5


def test_a_helper_that_takes_its_time_is_waited_for() -> None:
    slow = {(ONE, 443): secure("one.org", late(12.0)), (TWO, 443): secure("two.org")}
    heard, took, world = ask(slow, "one.org", "two.org")
    assert heard.about()["helper"] == "https://one.org/" and 12 < took < 14
    assert TWO not in {a for a, _, _ in world.connected}


def test_but_not_for_ever() -> None:
    stuck = {(ONE, 443): secure("one.org", script(SILENCE)), (TWO, 443): secure("two.org")}
    heard, took, _ = ask(stuck, "one.org", "two.org")
    assert heard.about()["helper"] == "https://two.org/" and 15 < took < 18
    # The exchange as a whole ends with the wire's limit for helpers.
    heard, took, _ = ask({(ONE, 443): secure("one.org", script(SILENCE))}, "one.org")
    assert states(heard) == [("one.org", "slow", "generic_timeout_error")] and took < 32


def test_all_helpers_silent_take_twenty_seconds_together() -> None:
    heard, took, world = ask({}, "one.org", "two.org", "three.org")
    assert heard.answer is None and heard.failure == "generic_timeout_error"
    assert [state for _, state, _ in states(heard)] == ["unreachable"] * 3
    assert took < 20 and world.all_closed


def test_failed_helpers_rest_and_busy_ones_less() -> None:
    dead = {(ONE, 443): OSError(111, "refused")}
    heard, took, _ = ask(dead, "one.org", twice=lambda _: PAUSE / 2)
    assert (heard.tried, heard.failure, took) == ((), "connection_refused", 0.0)
    heard, _, _ = ask(dead, "one.org", twice=lambda _: PAUSE + 1)
    assert len(heard.tried) == 1
    busy = {(ONE, 443): secure("one.org", body("no", "503 Busy"))}
    assert len(ask(busy, "one.org", twice=lambda _: BREATHER + 1)[0].tried) == 1


def test_one_target_finds_out_whether_a_helper_is_back() -> None:
    async def main() -> None:
        with hosts(NAMES, {}) as (wire, world):
            wire.helpers = ("https://one.org/",)
            helpers = Helpers()
            await helpers.ask(wire, REQUEST)
            await trio.sleep(PAUSE + 1)
            before = len([1 for a, _, _ in world.connected if a == ONE])
            waited: list[float] = []

            async def one() -> None:
                start = trio.current_time()
                await helpers.ask(wire, REQUEST)
                waited.append(trio.current_time() - start)

            async with trio.open_nursery() as nursery:
                for _ in range(20):
                    nursery.start_soon(one)
            assert len([1 for a, _, _ in world.connected if a == ONE]) == before + 1
            assert sorted(waited)[:19] == [0.0] * 19 and max(waited) >= 10

    run(main)


def test_who_answered_is_asked_first_the_next_time() -> None:
    servers: dict[tuple[str, int], Server] = {(ONE, 443): script((RESET,)), (TWO, 443): secure("two.org")}

    def mended(world: Streams) -> float:
        servers[ONE, 443] = secure("one.org")
        return PAUSE + 1

    heard, _, _ = ask(servers, "one.org", "two.org", twice=mended)
    assert [a.helper for a in heard.tried] == ["https://two.org/"]


def test_a_lie_about_a_helpers_name_is_seen_and_gone_around() -> None:
    import base64

    from gatewatch.net import dnswire

    def doh(query: bytes) -> Turn:
        asked = query.partition(b"?dns=")[2].partition(b" ")[0]
        wire = base64.urlsafe_b64decode(asked + b"=" * (-len(asked) % 4))
        answer = dnswire.answer(wire, addresses=(ONE,))
        return (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer),)

    resolver = Wire().resolvers[0]
    servers: dict[tuple[str, int], Server] = {
        (ONE, 443): secure("one.org"),
        (resolver.ipv4[0], 443): TlsServer(server(resolver.doh.split("/")[2]), doh),
    }
    lies = {"one.org": ("202.58.101.80",)}
    heard, took, world = ask(servers, "one.org", known=lies, public={"one.org": ("202.58.101.81",)})
    assert heard.answer == ANSWER and heard.tried[0].lied and took < 2
    assert not {a for a, _, _ in world.connected} & {"202.58.101.80", "202.58.101.81"}


def test_names_are_looked_up_once_in_a_while() -> None:
    async def main() -> None:
        with hosts(NAMES, {(ONE, 443): secure("one.org")}) as (wire, _):
            wire.helpers = ("https://one.org/",)
            helpers = Helpers()
            looked = []
            for _ in range(3):
                await helpers.ask(wire, REQUEST)
                looked.append(helpers._known["https://one.org/"].looked_up)
            assert len(set(looked)) == 1
            await trio.sleep(REMEMBERED)
            await helpers.ask(wire, REQUEST)
            assert helpers._known["https://one.org/"].looked_up > looked[0]

    run(main)


def test_an_answer_that_is_too_large_to_be_one_is_not_read_to_its_end() -> None:
    bomb = b"HTTP/1.1 200 OK\r\n\r\n" + b'{"dns":"' + b"x" * 2_000_000
    heard, _, _ = ask({(ONE, 443): secure("one.org", script((bomb,)))}, "one.org")
    assert states(heard) == [("one.org", "broken", "json_parse_error")]


def test_the_helper_inside_the_country_is_asked_beside_the_one_abroad() -> None:
    inside = ANSWER | {"http_request": {"failure": "generic_timeout_error", "status_code": -1}}
    servers = {(ONE, 443): secure("one.org", late(2.0)), (TWO, 443): secure("two.org", late(3.0, inside))}
    heard, took, _ = ask(servers, "one.org", domestic=("two.org",))
    assert heard.answer == ANSWER and 3 < took < 4
    row = heard.keys()["x_gatewatch_control_domestic"]
    assert (row["helper"], row["answer"], row["failure"]) == ("https://two.org/", inside, None)
    heard, _, _ = ask({(ONE, 443): secure("one.org")}, "one.org", domestic=("two.org",))
    row = heard.keys()["x_gatewatch_control_domestic"]
    assert heard.answer == ANSWER and (row["answer"], row["failure"]) == (None, "generic_timeout_error")


def test_the_web_probe_writes_it_all_down() -> None:
    keys = measure(Web(), "http://lied.com/", "blocked", domestic_helpers=("https://1.th.ooni.org/",))
    about = keys.extra["x_gatewatch_control"]
    assert about["helper"] == "https://0.th.ooni.org/" and 0.04 < about["rtt"] < 0.06
    assert keys.extra["x_gatewatch_control_domestic"]["answer"]["dns"] == keys.extra["control"]["dns"]
    alone = measure(Web(), "http://lied.com/", "blocked")
    assert "x_gatewatch_control_domestic" not in alone.extra


def test_a_dead_site_keeps_its_control() -> None:
    # A real helper needs 10 s and more to say that a site is silent.
    answer = ANSWER | {"http_request": {"failure": "generic_timeout_error", "status_code": -1}}
    heard, took, _ = ask({(ONE, 443): secure("one.org", late(14.0, answer))}, "one.org")
    assert heard.answer == answer and took > 14
