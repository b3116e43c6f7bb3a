"""The helper's parts: its guard, its table of networks, its look-ups, its cookies, its doors."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from tests.worlds.authority import server, trust
from tests.worlds.clock import run
from tests.worlds.hosts import hosts, http
from tests.worlds.streams import RESET, Server, TlsServer, Turn, script, streams

from gatewatch.helper.admission import Allowance, TooOften
from gatewatch.helper.fetch import Cookies, fetch
from gatewatch.helper.guard import Guard, source_of
from gatewatch.helper.names import Doh, by_system, over_https
from gatewatch.helper.networks import Networks
from gatewatch.helper.way import Way
from gatewatch.net import dnswire
from gatewatch.net.url import parse

SITE, OTHER = "104.16.1.1", "104.16.1.2"


def test_the_routing_table_knows_this_machine() -> None:
    assert source_of("127.0.0.1") == "127.0.0.1"
    assert Guard(lambda address: address).address("8.8.8.8") == "8.8.8.8 is the helper itself"
    assert Guard(lambda address: "8.8.4.4").address("8.8.8.8") is None
    assert not Guard(lambda address: None).reachable("8.8.8.8")
    behind_nat = Guard(lambda address: "192.168.1.2", own=["104.16.1.1", "2606:4700::1"])
    assert behind_nat.address("104.16.1.1") and behind_nat.address("2606:4700:0::1")
    assert behind_nat.address("104.16.1.2") is None


def table(folder: Path, text: str) -> Networks:
    path = folder / "prefixes.csv"
    path.write_text(text, encoding="utf-8")
    return Networks(path)


def test_the_longest_prefix_wins(tmp_path: Path) -> None:
    networks = table(
        tmp_path,
        "prefix,asn,country\n1.0.0.0/8,1,KH\n1.2.0.0/16,AS2,KH\n1.2.3.4/32,3,KH\n2001:db8::/32,4,\n"
        "2001:db8:1::/48,5,\n2001:db8:1::1/128,6,\n0.0.0.0/0,9,\n",
    )
    addresses = ("1.9.9.9", "1.2.9.9", "1.2.3.4", "9.9.9.9", "2001:db8:2::1", "2001:db8:1::1", "::1")
    assert [networks.asn_of(a) for a in addresses] == [1, 2, 3, 9, 4, 5, 0]


@pytest.mark.parametrize(
    "text", ["", "a,b\n", "prefix,asn\nx,1\n", "prefix,asn\n1.2.3.4/8,1\n", "prefix,asn\n1.0.0.0/8\n"]
)
def test_a_wrong_table_says_where(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"prefixes\.csv"):
        table(tmp_path, text)


def doh(addresses: tuple[str, ...], rcode: int = 0) -> TlsServer:
    def page(query: bytes) -> Turn:
        import base64

        asked = query.partition(b"?dns=")[2].partition(b" ")[0]
        wire = base64.urlsafe_b64decode(asked + b"=" * (-len(asked) % 4))
        kind = dnswire.question(wire)[2]
        mine = tuple(a for a in addresses if (":" in a) == (kind == dnswire.QTYPES["AAAA"]))
        answer = dnswire.answer(wire, addresses=mine, rcode=rcode)
        return (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer),)

    return TlsServer(server("dns.org"), page)


RESOLVERS = (Doh(parse("https://dns.org/q"), "9.9.9.9"), Doh(parse("https://dns.org/q"), "8.8.8.8"))


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        (doh((SITE, "2001:db8::1")), RESET, ((SITE, "2001:db8::1"), None)),
        (doh((), 3), doh((SITE,)), ((), "dns_nxdomain_error")),
        (doh(()), doh((SITE,)), ((), "dns_no_answer")),
        (RESET, doh((SITE,)), ((SITE,), None)),
        (script(()), doh((SITE,)), ((SITE,), None)),
        (RESET, RESET, ((), "connection_reset")),
        (doh((), 2), doh((), 2), ((), "dns_servfail_error")),
    ],
    ids=range(7),
)
def test_the_second_resolver_is_asked_when_the_first_is_not_there(
    first: Server, second: Server, found: tuple[tuple[str, ...], str | None]
) -> None:
    async def main() -> None:
        with streams({("9.9.9.9", 443): first, ("8.8.8.8", 443): second}):
            assert await over_https(RESOLVERS, trust())("a.org") == found

    run(main)


def test_an_answer_is_kept_for_a_minute_and_a_failure_is_not() -> None:
    async def main() -> None:
        with streams({("9.9.9.9", 443): doh((SITE,)), ("8.8.8.8", 443): RESET}) as world:
            look_up = over_https(RESOLVERS, trust())
            for _ in range(3):
                await look_up("a.org")
            assert len(world.connected) == 2
            await trio.sleep(61)
            await look_up("a.org")
            assert len(world.connected) == 4
            assert await look_up("104.16.9.9") == (("104.16.9.9",), None) and len(world.connected) == 4

    run(main)


def test_names_by_the_system() -> None:
    async def main() -> None:
        with hosts({"a.org": (SITE,)}, {}):
            assert await by_system()("a.org") == ((SITE,), None)
            assert await by_system()("b.org") == ((), "dns_nxdomain_error")

    run(main)


async def page(
    url: str, servers: dict[tuple[str, int], Server], names: dict[str, tuple[str, ...]]
) -> dict[str, object]:
    with hosts(names, servers) as (wire, world):
        got = await fetch(Way(wire.trust, by_system(), Guard(lambda _: "192.0.2.1")), parse(url), [])
        assert world.all_closed
        assert not {a for a, _, _ in world.connected} & {"127.0.0.1", "10.0.0.1", "169.254.169.254"}
    return got


@pytest.mark.parametrize(
    ("location", "failure"),
    [
        ("http://127.0.0.1/", "unknown_error"),
        ("http://10.0.0.1:8080/", "unknown_error"),
        ("http://169.254.169.254/latest/meta-data/", "unknown_error"),
        ("http://[::1]/", "unknown_error"),
        ("http://2130706433/", "unknown_error"),
        ("http://inside.org/", "unknown_error"),
        ("http://a.org:22/", "unknown_error"),
        ("ftp://a.org/", "unknown_error"),
        ("http://", "unknown_error"),
        ("/again", "unknown_error"),
        ("http://nowhere.org/", "dns_lookup_error"),
    ],
)
def test_redirects_lead_nowhere_near(location: str, failure: str) -> None:
    async def main() -> None:
        names = {"a.org": (SITE,), "inside.org": ("127.0.0.1", "10.0.0.1")}
        got = await page("http://a.org/", {(SITE, 80): http("302 Found", f"Location: {location}")}, names)
        assert got["failure"] == failure and got["status_code"] == -1

    run(main)


def test_a_name_that_resolves_elsewhere_the_second_time_is_looked_at_again() -> None:
    async def main() -> None:
        asked: list[str] = []

        async def rebinding(host: str) -> tuple[tuple[str, ...], str | None]:
            asked.append(host)
            return ((SITE,) if len(asked) == 1 else ("127.0.0.1",)), None

        with hosts({}, {(SITE, 80): http("302 Found", "Location: /two")}) as (wire, world):
            way = Way(wire.trust, rebinding, Guard(lambda _: "192.0.2.1"))
            got = await fetch(way, parse("http://a.org/"), [])
        assert got["failure"] == "unknown_error" and [a for a, _, _ in world.connected] == [SITE]

    run(main)


def test_the_second_address_is_tried_when_the_first_is_silent() -> None:
    async def main() -> float:
        got = await page("http://a.org/", {(OTHER, 80): http("200 OK", body="x")}, {"a.org": (SITE, OTHER)})
        assert got["status_code"] == 200
        return trio.current_time()

    assert 5 < run(main) < 6


def test_a_cookie_goes_back_to_the_host_that_set_it() -> None:
    async def main() -> None:
        asked: list[bytes] = []

        def peer(request: bytes) -> Turn:
            asked.append(request)
            if b"Cookie: seen=1\r\n" in request:
                return (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",)
            return (
                b"HTTP/1.1 302 F\r\nLocation: /\r\nSet-Cookie: seen=1; Path=/\r\nContent-Length: 0\r\n\r\n",
            )

        assert (await page("http://a.org/", {(SITE, 80): peer}, {"a.org": (SITE,)}))["status_code"] == 200
        assert len(asked) == 2

    run(main)


def test_cookies_are_bounded() -> None:
    jar = Cookies()
    jar.take("a.org", [("Set-Cookie", f"n{n}=" + "1" * 100) for n in range(1000)])
    assert 6_000 < len(jar.header("a.org")[0][1]) < 7_000 and jar.header("b.org") == []
    jar.take("a.org", [("Set-Cookie", "x=" + "y" * 9000)])
    assert jar.header("a.org") == []


@pytest.mark.parametrize("odd", ["a=1\rX-Role: admin", "a=1\x00", "a\x0b=1", "a=1\x7f"])
def test_a_cookie_writes_no_header_lines(odd: str) -> None:
    """Some servers end a line at a lone CR: the next address of the name would read a header."""
    jar = Cookies()
    jar.take("a.org", [("Set-Cookie", odd), ("Set-Cookie", "b=2\t;")])
    assert jar.header("a.org") == [("Cookie", "b=2")]


def test_an_allowance_forgets_who_owes_nothing() -> None:
    allowance = Allowance(rate=1, burst=10)
    for n in range(1000):
        allowance.spend(f"192.0.2.{n % 250}", 0.1, n / 1000)
    assert len(allowance._buckets) == 250
    allowance.spend("198.51.100.1", 1, 100.0)
    assert len(allowance._buckets) == 1
    with pytest.raises(TooOften) as error:
        allowance.spend("198.51.100.1", 20, 100.0)
    assert error.value.wait == 11.0
    assert all(b"192" not in key and len(key) == 8 for key in allowance._buckets)
