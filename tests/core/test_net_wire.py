from pathlib import Path

import pytest
import trio
from tests.worlds.clock import run

from gatewatch.net.address import endpoint, is_address, is_bogon
from gatewatch.net.url import parse, redirected
from gatewatch.net.wire import RESIDUE, SILENT_NAMES, Turns, Wire, comparison_resolvers, system_resolvers


@pytest.mark.parametrize(
    ("address", "bogon"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("100.64.0.1", True),
        ("100.128.0.1", False),
        ("192.168.255.255", True),
        ("0.0.0.0", True),
        ("255.255.255.255", True),
        ("104.16.1.1", False),
        ("::1", True),
        ("::ffff:104.16.1.1", True),
        ("fe80::1", True),
        ("2606:4700::1", False),
        ("no address", False),
    ],
)
def test_bogons(address: str, bogon: bool) -> None:
    assert is_bogon(address) is bogon


def test_addresses_and_endpoints() -> None:
    assert is_address("::1") and is_address("1.2.3.4") and not is_address("example.org")
    assert endpoint("1.2.3.4", 80) == "1.2.3.4:80" and endpoint("::1", 80) == "[::1]:80"


@pytest.mark.parametrize(
    ("text", "host", "port", "target", "netloc"),
    [
        ("http://example.org", "example.org", 80, "/", "example.org"),
        ("https://example.org:8443/a?b#c", "example.org", 8443, "/a?b", "example.org:8443"),
        ("https://[2606:4700::1]/", "2606:4700::1", 443, "/", "[2606:4700::1]"),
        ("http://example.org?a=/b", "example.org", 80, "/?a=/b", "example.org"),
    ],
)
def test_a_url_as_it_is_requested(text: str, host: str, port: int, target: str, netloc: str) -> None:
    url = parse(text)
    assert (url.host, url.port, url.target, url.netloc) == (host, port, target, netloc)
    assert parse(str(url)) == url


@pytest.mark.parametrize(
    ("location", "leads_to"),
    [
        ("/b", "https://example.org/b"),
        ("c?d", "https://example.org/a/c?d"),
        ("//other.org/x", "https://other.org/x"),
        (" http://other.org#top ", "http://other.org/"),
        ("?q", "https://example.org/a/b?q"),
    ],
)
def test_where_a_location_leads(location: str, leads_to: str) -> None:
    assert str(redirected(parse("https://example.org/a/b"), location)) == leads_to


@pytest.mark.parametrize(
    "location", ["http://", "https://", "ftp://example.org/", "http://[", "http://a..b/", "http://u@x.org/"]
)
def test_a_location_that_leads_nowhere(location: str) -> None:
    with pytest.raises(ValueError):
        redirected(parse("https://example.org/"), location)


def test_what_was_cut_long_ago_takes_up_no_room() -> None:
    async def main() -> None:
        wire = Wire()
        for number in range(100):
            wire.cut("104.16.1.1", 443, f"again-{number}.org")
            wire.cut(f"104.16.2.{number}", 443, "blocked.org")
            await trio.sleep(RESIDUE / 10)
        assert wire.cut_for_another("104.16.2.98", 443, "other.org") is not None
        assert wire.cut_for_another("104.16.2.80", 443, "other.org") is None
        assert wire.cut_for_another("104.16.1.1", 443, "again-0.org") is not None
        assert len(wire._cut) == 11

    run(main)


def test_of_thousands_of_dead_endpoints_those_of_use_are_remembered() -> None:
    async def main() -> None:
        wire = Wire()
        for name in ("a.org", "b.org"):
            wire.silent("104.16.1.1", 443, name)
        for number in range(10_000):
            wire.silent(f"104.17.{number // 256}.{number % 256}", 443, "c.org")
            if number % 100 == 0:
                assert wire.is_silent("104.16.1.1", 443)
        assert len(wire._silent) <= 4096
        wire.silent("104.17.39.15", 443, "d.org")
        assert wire.is_silent("104.17.39.15", 443) and not wire.is_silent("104.17.0.0", 443)

    run(main)


def test_one_server_is_visited_by_one_at_a_time_and_others_meanwhile() -> None:
    async def main() -> None:
        turns = Turns()
        log: list[tuple[str, int, float]] = []

        async def visit(address: str, number: int) -> None:
            async with turns.take(address):
                log.append((address, number, trio.current_time()))
                await trio.sleep(1)

        async with trio.open_nursery() as nursery:
            for number in range(3):
                nursery.start_soon(visit, "a", number)
            nursery.start_soon(visit, "b", 0)
        assert [t for address, _, t in log if address == "a"] == [0, 1, 2]
        assert [t for address, _, t in log if address == "b"] == [0]
        assert turns._locks == {}

    run(main)


def test_a_visitor_that_is_cancelled_blocks_nobody() -> None:
    async def main() -> None:
        turns = Turns()
        for _ in range(2):
            with trio.move_on_after(1):
                async with turns.take("a"):
                    await trio.sleep_forever()
        assert trio.current_time() == 2 and turns._locks == {}

    run(main)


def test_an_endpoint_is_left_alone_after_several_names_and_not_after_one_again_and_again() -> None:
    wire = Wire()
    for _ in range(SILENT_NAMES):
        wire.silent("104.16.1.1", 443, "one.org")
    assert not wire.is_silent("104.16.1.1", 443)
    for number in range(1, SILENT_NAMES):
        wire.silent("104.16.1.1", 443, f"{number}.org")
    assert wire.is_silent("104.16.1.1", 443) and not wire.is_silent("104.16.1.1", 80)


def test_only_public_addresses_of_a_family_that_works_are_usable() -> None:
    wire = Wire()
    assert wire.usable("104.16.1.1") and not wire.usable("127.0.0.1") and not wire.usable("2606:4700::1")
    wire.ipv6 = True
    assert wire.usable("2606:4700::1") and not wire.usable("::1")


def test_the_comparison_resolvers_filter_nothing_and_speak_https() -> None:
    found = comparison_resolvers()
    assert len(found) >= 3 and all(r.filtering == "none" and r.doh.startswith("https://") for r in found)


def test_the_systems_resolvers_are_read_from_resolv_conf(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "# no\nnameserver 36.37.242.53\nnameserver ::1\nnameserver\noptions timeout:2\nnameserver 1.1.1.1\n"
    )
    monkeypatch.setattr("gatewatch.net.wire.sys.platform", "linux")
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: text)
    assert system_resolvers() == ("36.37.242.53", "1.1.1.1")
