"""Second controls: what a line without a helper can tell, in worlds whose filters read names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import trio
from tests.worlds.authority import server, stranger
from tests.worlds.clock import run
from tests.worlds.hosts import hosts, http
from tests.worlds.streams import RESET, Peer, Server, Streams, TlsServer, Turn

from gatewatch.lab.boxes.sni import server_name
from gatewatch.records import Measurement, TestKeys
from gatewatch.verdict import Verdict, judge
from gatewatch_probes.visit.exchange import outcome_of
from gatewatch_probes.visit.neutral import REST, control_name_for
from gatewatch_probes.web import Web
from gatewatch_targets import Target

SITE, OTHER, NEUTRAL, SPARE = "104.16.1.1", "104.16.1.2", "104.16.2.1", "104.16.2.2"
PAGE = "<html><head><title>The daily news</title></head>" + "news " * 900 + "</html>"
NOTICE = "<html><head><title>Not here</title></head>by order</html>"
NAMES = {"a.org": (SITE,), "example.com": (NEUTRAL,), "example.net": (SPARE,)}

Filter = Callable[[bytes], Turn | None]


class Filtered(TlsServer):
    """A server behind a filter that sees the first bytes of each connection."""

    def __init__(self, inner: TlsServer | Peer, sees: Filter) -> None:
        self._behind = inner
        self._sees = sees
        self.seen: list[tuple[float, object]] = []

    def accept(self) -> Peer:
        inner = self._behind
        peer: Peer = inner.accept() if isinstance(inner, TlsServer) else inner
        caught: list[Turn] = []
        first = True

        def answer(data: bytes) -> Turn:
            nonlocal first
            if first:
                first = False
                self.seen.append((trio.current_time(), server_name(data)))
                verdict = self._sees(data)
                if verdict is not None:
                    caught.append(verdict)
            return caught[0] if caught else peer(data)

        return answer


def naming(name: str, turn: Turn) -> Filter:
    """A filter of a name, in a ClientHello or in a request."""
    return lambda data: turn if name.encode() in data else None


class Lingering:
    """One that goes on for a while after it was triggered, whatever is said then."""

    def __init__(self, name: str, seconds: float) -> None:
        self._name, self._seconds = name.encode(), seconds
        self.until = float("-inf")

    def __call__(self, data: bytes) -> Turn | None:
        now = trio.current_time()
        if self._name in data:
            self.until = now + self._seconds
        return (RESET,) if now < self.until else None


def tls(*names: str) -> TlsServer:
    return TlsServer(server(names[0]), http("200 OK", body=PAGE))


def measured(
    servers: Mapping[tuple[str, int], Server], url: str = "https://a.org/", **about: Any
) -> tuple[TestKeys, Verdict, Streams]:
    async def main() -> tuple[TestKeys, Streams]:
        with hosts(NAMES, servers) as (wire, world):
            for name, value in about.items():
                setattr(wire, name, value)
            with trio.move_on_after(180):
                keys = await Web().measure(Target(url), wire)
            return keys, world

    keys, world = run(main)
    assert world.all_closed
    measurement = Measurement(
        input=url,
        measurement_start_time="2026-11-01 00:00:00",
        software_version="0",
        test_keys=keys,
        test_name="web_connectivity",
        test_start_time="2026-11-01 00:00:00",
    )
    return keys, judge(measurement), world


def rows(keys: TestKeys) -> list[tuple[str, str, str]]:
    return [(row["kind"], row["address"], row["outcome"]) for row in keys.extra.get("x_gatewatch_second", ())]


WORDS: dict[str, Turn] = {"reset": (RESET,), "eof": (b"",), "timeout": ()}


@pytest.mark.parametrize("word", WORDS)
def test_a_name_that_is_cut_everywhere_is_blocked_without_any_helper(word: str) -> None:
    cut = naming("a.org", WORDS[word])
    servers = {(SITE, 443): Filtered(tls("a.org"), cut), (NEUTRAL, 443): Filtered(tls("example.com"), cut)}
    keys, verdict, _ = measured(servers)
    assert rows(keys) == [
        ("control_sni", SITE, "answered"),
        ("test_sni", SITE, word),
        ("neutral_control", NEUTRAL, "answered"),
        ("neutral_test", NEUTRAL, word),
    ]
    assert (verdict.label, verdict.rule) == (f"blocked(tls.{word})", f"tls.{word}.elsewhere")
    assert verdict.confidence < 0.9


def test_every_exchange_is_on_record_with_its_tag_and_number() -> None:
    cut = naming("a.org", (RESET,))
    servers = {(SITE, 443): Filtered(tls("a.org"), cut), (NEUTRAL, 443): Filtered(tls("example.com"), cut)}
    keys, _, _ = measured(servers)
    for row in keys.extra["x_gatewatch_second"]:
        (shaken,) = [h for h in keys.tls_handshakes or () if h.transaction_id == row["transaction_id"]]
        assert shaken.tags == ("second", row["kind"], "depth=0")
        assert (shaken.server_name, shaken.address) == (row["name"], f"{row['address']}:443")
    visit = [h.server_name for h in keys.tls_handshakes or () if "second" not in (h.tags or ())]
    assert visit == ["a.org", "a.org"]


def test_a_name_cut_at_its_own_address_alone_may_be_the_servers_doing() -> None:
    servers: dict[tuple[str, int], Server] = {
        (SITE, 443): Filtered(tls("a.org"), naming("a.org", (RESET,))),
        (NEUTRAL, 443): tls("example.com"),
    }
    keys, verdict, _ = measured(servers)
    assert rows(keys)[-1] == ("neutral_test", NEUTRAL, "answered")
    assert verdict.label == "inconclusive(name_at_address)"


@pytest.mark.parametrize(
    ("elsewhere", "label"), [(True, "blocked(tls.reset)"), (False, "inconclusive(undetermined)")]
)
def test_a_reset_that_came_too_late_once(elsewhere: bool, label: str) -> None:
    # The second handshake comes through, the one for the request does not.
    late = iter([True, False, True, True, True])
    cut = naming("a.org", (RESET,))
    far: Server = Filtered(tls("example.com"), cut) if elsewhere else tls("example.com")
    site = Filtered(tls("a.org"), lambda data: cut(data) if b"a.org" in data and next(late) else None)
    _, verdict, _ = measured({(SITE, 443): site, (NEUTRAL, 443): far})
    assert verdict.label == label


def test_with_nothing_neutral_to_ask_the_same_address_must_do() -> None:
    servers: dict[tuple[str, int], Server] = {(SITE, 443): Filtered(tls("a.org"), naming("a.org", (b"",)))}
    keys, verdict, _ = measured(servers)
    assert ("neutral_control", NEUTRAL, "no_connection") in rows(keys)
    assert (verdict.label, verdict.rule) == ("blocked(tls.eof)", "tls.eof.name")


def test_a_server_that_cuts_every_name_is_no_sign_of_a_filter() -> None:
    servers: dict[tuple[str, int], Server] = {
        (SITE, 443): Filtered(tls("a.org"), lambda _: (RESET,)),
        (NEUTRAL, 443): tls("example.com"),
    }
    keys, verdict, _ = measured(servers)
    assert verdict.label == "inconclusive(no_control)"
    (waited,) = keys.extra["x_gatewatch_residual"]
    assert not waited["passed"] and waited["waits"] == [30.0, 60.0]
    assert [k for k, _, _ in rows(keys)] == [*["control_sni"] * 3, "neutral_control", *["neutral_test"] * 2]


@pytest.mark.parametrize(("seconds", "waits"), [(20, [30.0]), (75, [30.0, 60.0])])
def test_what_a_trigger_leaves_behind_is_waited_for(seconds: float, waits: list[float]) -> None:
    servers: dict[tuple[str, int], Server] = {
        (SITE, 443): Filtered(tls("a.org"), Lingering("a.org", seconds)),
        (NEUTRAL, 443): Filtered(tls("example.com"), Lingering("a.org", seconds)),
    }
    keys, verdict, _ = measured(servers)
    assert verdict.label == "blocked(tls.reset)"
    (waited,) = keys.extra["x_gatewatch_residual"]
    assert waited["passed"] and waited["waits"] == waits
    assert waited["at_least"] < seconds < waited["at_most"]
    # The control passed before the name was sent again, and each met its own fate.
    assert rows(keys)[len(waits) :][:2] == [("control_sni", SITE, "answered"), ("test_sni", SITE, "reset")]


def test_a_neutral_address_rests_after_a_name_was_cut_there() -> None:
    cut = naming("a.org", (RESET,))
    far = Filtered(tls("example.com"), cut)
    servers: dict[tuple[str, int], Server] = {
        (SITE, 443): Filtered(tls("a.org"), cut),
        (NEUTRAL, 443): far,
        (SPARE, 443): Filtered(tls("example.net"), cut),
    }

    async def main() -> list[list[str]]:
        with hosts(NAMES, servers) as (wire, _):
            probe = Web()
            asked = []
            for pause in (0.0, REST):
                await trio.sleep(pause)
                keys = await probe.measure(Target("https://a.org/"), wire)
                asked.append([address for kind, address, _ in rows(keys) if kind == "neutral_test"])
            again = await probe.measure(Target("https://a.org/"), wire)
            return [*asked, [address for kind, address, _ in rows(again) if kind == "neutral_test"]]

    assert run(main) == [[NEUTRAL], [NEUTRAL], [SPARE]]


@pytest.mark.parametrize("word", WORDS)
def test_a_host_that_is_cut_where_another_is_answered(word: str) -> None:
    plain = Filtered(http("200 OK", body=PAGE), naming("Host: a.org", WORDS[word]))
    keys, verdict, _ = measured({(SITE, 80): plain, (SITE, 443): tls("a.org")}, "http://a.org/secret/path")
    assert rows(keys) == [
        ("control_host", SITE, "answered"),
        ("test_host", SITE, word),
        ("https_page", SITE, "answered"),
        ("front_page", SITE, word),
    ]
    assert (verdict.label, verdict.rule) == (f"blocked(http.{word})", f"http.{word}.host")
    # The path is told to the site only.
    told = [r.request.url for r in keys.requests or () if "control_host" in (r.tags or ())]
    assert told == ["http://example.com/"]
    # The visit's own request stands first, where OONI's readers look for it.
    assert (keys.requests or ())[0].tags == ("again", "classic", "depth=0")


def test_a_notice_over_http_is_held_against_the_sites_own_page() -> None:
    def answer(data: bytes) -> Turn:
        body = NOTICE if b"Host: a.org" in data else "<title>Welcome</title>"
        return http("200 OK", body=body)(data)

    keys, verdict, _ = measured({(SITE, 80): answer, (SITE, 443): tls("a.org")}, "http://a.org/")
    assert (verdict.label, verdict.rule) == ("blocked(http.blockpage)", "http.blockpage.own")
    assert verdict.confidence == 0.6 and rows(keys)[0] == ("control_host", SITE, "answered")


@pytest.mark.parametrize("plain", [PAGE, NOTICE])
def test_a_page_that_the_server_gives_to_anybody_is_no_block_page(plain: str) -> None:
    servers: dict[tuple[str, int], Server] = {
        (SITE, 80): http("200 OK", body=plain),
        (SITE, 443): tls("a.org"),
    }
    _, verdict, _ = measured(servers, "http://a.org/")
    assert verdict.label == ("ok" if plain is PAGE else "inconclusive(no_control)")


def test_an_interceptor_is_known_by_its_certificate_for_another_name() -> None:
    class Interceptor(TlsServer):
        """Makes up a certificate for whatever name is sent."""

        def __init__(self) -> None:
            self._made = {n: TlsServer(server(n, authority=stranger()), http("200 OK")) for n in NAMES}

        def accept(self) -> Peer:
            peers: list[Peer] = []

            def answer(data: bytes) -> Turn:
                if not peers:
                    peers.append(self._made[str(server_name(data))].accept())
                return peers[0](data)

            return answer

    selective: dict[tuple[str, int], Server] = {
        (SITE, 443): Interceptor(),
        (NEUTRAL, 443): tls("example.com"),
    }
    _, verdict, _ = measured(selective)
    assert (verdict.label, verdict.rule) == ("blocked(tls.mitm)", "tls.mitm.forged")
    assert "trustme" in verdict.evidence[0]
    _, verdict, _ = measured({(SITE, 443): Interceptor(), (NEUTRAL, 443): Interceptor()})
    assert verdict.label == "inconclusive(intercepted_line)"


def test_a_sites_own_bad_certificate_is_not_an_interception() -> None:
    own = TlsServer(server("a.org", authority=stranger()), http("200 OK"))
    _, verdict, _ = measured({(SITE, 443): own, (NEUTRAL, 443): tls("example.com")})
    assert verdict.label == "inconclusive(no_control)"


@pytest.mark.parametrize("url", ["https://a.org/", "http://a.org/"])
def test_where_nothing_fails_and_no_helper_answers_nothing_is_blocked(url: str) -> None:
    servers: dict[tuple[str, int], Server] = {
        (SITE, 443): tls("a.org"),
        (SITE, 80): http("200 OK", body=PAGE),
    }
    keys, verdict, _ = measured(servers, url)
    assert verdict.label == "ok"
    assert url.startswith("http:") or rows(keys) == []


def test_silence_is_not_called_blocked_by_us_alone() -> None:
    keys, verdict, _ = measured({(SITE, 80): http("200 OK")})
    assert rows(keys) == [("other_port", SITE, "answered")]
    assert verdict.label == "inconclusive(no_control)"


def test_a_control_name_has_nothing_to_do_with_the_site() -> None:
    assert control_name_for("a.org") == "example.com"
    assert control_name_for("www.example.com") == control_name_for("example.com") == "example.net"


@pytest.mark.parametrize(
    ("failure", "word"),
    [
        (None, "answered"),
        ("ssl_invalid_hostname", "answered"),
        ("ssl_failed_handshake", "answered"),
        ("timed_out", "timeout"),
        ("network_unreachable", "unreachable"),
        ("address_not_available", "failed"),
    ],
)
def test_outcomes(failure: str | None, word: str) -> None:
    assert outcome_of(failure) == word


@pytest.mark.parametrize(
    ("cut", "label"),
    [
        ((True, True, False, True), "blocked(http.reset)"),
        ((True, True, False, False), "inconclusive(unstable)"),
    ],
)
def test_a_third_try_that_passes_is_followed_by_a_fourth(cut: tuple[bool, ...], label: str) -> None:
    turns = iter(cut)

    def sees(data: bytes) -> Turn | None:
        return (RESET,) if b"Host: a.org" in data and next(turns) else None

    site = Filtered(http("200 OK", body=PAGE), sees)
    _, verdict, _ = measured({(SITE, 80): site, (SITE, 443): tls("a.org")}, "http://a.org/")
    assert verdict.label == label
