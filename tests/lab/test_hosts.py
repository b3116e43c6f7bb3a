"""Hosts that a scenario pins: where they are, for whom, what they show and what they do."""

from __future__ import annotations

import ssl
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.lab.visitor import Tls, Wire, ask, dial, get, read
from tests.worlds.country import measure

from gatewatch.lab.country.host import Host, Redirect
from gatewatch.lab.country.scenario import Client, Scenario, ScenarioError, load
from gatewatch.lab.country.truth import truth
from gatewatch.lab.servers.helper import fetch as fetched
from gatewatch.lab.world import World
from gatewatch.net import dnswire
from gatewatch.records.control import Question
from gatewatch.runner.probes import load as probe

HERE, THERE = "104.16.7.7", "151.101.7.7"
INSIDE, OUTSIDE = "36.37.242.53", "8.8.8.8"


def country(*hosts: Host, **changes: Any) -> Scenario:
    """The smallest country with these hosts."""
    return replace(load("small"), hosts=hosts, **changes)


def world(**conduct: Any) -> World:
    """A world with one pinned host, pinned.com."""
    given = {"names": ("pinned.com",), "addresses": (HERE,), **conduct}
    return World(country(Host(**given)))


def fetch(made: World, url: str) -> dict[str, Any]:
    """What the helper is given for a URL."""
    return fetched(made, Question(url, (), ()))


def told(made: World, resolver: str, name: str = "pinned.com", qtype: str = "A") -> tuple[str, ...]:
    """What a resolver says of a name."""
    answer = made.datagram(resolver, 53, ("36.37.200.10", 4000), dnswire.query(name, qtype, 7))
    assert isinstance(answer, bytes)
    return tuple(dnswire.parse(answer).addresses)


def test_a_pinned_name_has_its_addresses_of_both_families() -> None:
    made = world(addresses=(HERE, "2606:4700::7"))
    assert told(made, INSIDE) == (HERE,)
    assert told(made, INSIDE, qtype="AAAA") == ("2606:4700::7",)
    assert made.names_at(HERE) == ("pinned.com",)
    assert get(made, "pinned.com")[0] == 200


def test_resolvers_abroad_are_told_another_place_and_both_serve() -> None:
    made = world(abroad=(THERE,))
    assert (told(made, INSIDE), told(made, OUTSIDE)) == ((HERE,), (THERE,))
    assert made.abroad("pinned.com") == (THERE,)
    for address in (HERE, THERE):
        assert Tls(made, address, "pinned.com").names() == {"pinned.com"}
        assert made.handshake(address, "pinned.com") is None


def test_a_name_may_exist_in_the_country_only_or_nowhere() -> None:
    assert told(world(domestic_only=True), OUTSIDE) == ()
    assert told(world(domestic_only=True), INSIDE) == (HERE,)
    absent = world(addresses=(), absent=True)
    assert told(absent, INSIDE) == told(absent, OUTSIDE) == ()


@pytest.mark.parametrize(
    ("certificate", "message", "failure"),
    [
        ("expired", "certificate has expired", "ssl_invalid_certificate"),
        ("untrusted", "unable to get local issuer", "ssl_unknown_authority"),
        ("wrong_name", "Hostname mismatch", "ssl_invalid_hostname"),
    ],
)
def test_bad_certificates_are_bad_for_everybody(certificate: str, message: str, failure: str) -> None:
    made = world(certificate=certificate)
    with pytest.raises(ssl.SSLCertVerificationError, match=message):
        Tls(made, HERE, "pinned.com")
    assert made.handshake(HERE, "pinned.com") == failure
    assert truth(
        country(Host(("pinned.com",), certificate=certificate)), "clear", "https://pinned.com/"
    ).label == ("down")


@pytest.mark.parametrize(
    ("domestic", "status", "word"),
    [("captcha", 503, b"security check"), ("403", 403, b"Forbidden"), ("451", 451, b"Legal Reasons")],
)
def test_clients_in_the_country_are_answered_otherwise(domestic: str, status: int, word: bytes) -> None:
    made = world(domestic=domestic)
    got, _, body = get(made, "pinned.com")
    assert got == status and word in body
    assert fetch(made, "http://pinned.com/")["status_code"] == 200


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_redirect_without_a_host_is_for_the_client_alone(scheme: str) -> None:
    made = world(domestic=f"broken-{scheme}")
    assert get(made, "pinned.com")[1]["location"] == f"{scheme}://"
    assert fetch(made, "http://pinned.com/")["status_code"] == 200


def test_redirects_by_path_and_chains() -> None:
    made = world(redirects=(Redirect("/a", "https://live.com/"),), redirect_chain=True)
    assert get(made, "pinned.com", "/a")[1]["location"] == "https://live.com/"
    assert get(made, "pinned.com", "/b")[0] == 200
    assert get(made, "pinned.com", "/redirect/15")[1]["location"] == "http://pinned.com/redirect/14"
    assert get(made, "pinned.com", "/redirect/1")[1]["location"] == "http://pinned.com/"
    assert fetch(made, "http://pinned.com/redirect/9")["status_code"] == 200
    assert fetch(made, "http://pinned.com/redirect/15")["failure"] is not None


def test_title_headers_size_and_status() -> None:
    made = world(title="Ja", headers=("Server: tiny", "X-Own: 1"), size=900, status=404)
    status, headers, body = get(made, "pinned.com")
    assert status == 404 and b"<title>Ja</title>" in body and 900 < len(body) < 1200
    assert (headers["server"], headers["x-own"]) == ("tiny", "1")


def test_only_its_ports_are_open() -> None:
    made = world(ports=(80, 443))
    assert made.accept(HERE, 80, Wire(HERE, 80)) is not None
    assert made.accept(HERE, 8080, Wire(HERE, 8080)) is None
    assert made.reach(HERE, 444) == "connection_refused"


@pytest.mark.parametrize(
    ("down", "client", "abroad"),
    [
        ("refused", None, "connection_refused"),
        ("helper-refused", 200, "connection_refused"),
        ("helper-vanished", 200, "generic_timeout_error"),
    ],
)
def test_for_whom_a_host_is_down(down: str, client: int | None, abroad: str) -> None:
    made = world(down=down)
    app = made.accept(HERE, 80, Wire(HERE, 80))
    assert (app is not None) is (client is not None)
    assert made.reach(HERE, 80) == abroad


def test_a_vanished_host_and_a_silent_address_swallow_packets() -> None:
    assert not world(down="vanished").exists(HERE)
    made = world(addresses=(HERE, THERE), silent=(THERE,))
    assert made.exists(HERE) and not made.exists(THERE)


def test_chance_repeats_with_its_seed() -> None:
    def drawn(seed: int) -> list[bool]:
        made = World(country(Host(("pinned.com",), (HERE,), flaky=0.3), seed=seed))
        return [made.accept(HERE, 80, Wire(HERE, 80)) is None for _ in range(200)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 40 < sum(drawn(1)) < 80


def test_a_large_page_is_not_held_in_memory() -> None:
    size = 32 << 20
    scenario = country(Host(("large.com",), (HERE,), size=size))
    assert fetch(World(scenario), "https://large.com/")["body_length"] == 1 << 24
    tracemalloc.start()
    for url in ("http://large.com/", "https://large.com/"):
        keys = measure(probe("fetch"), url, "clear", scenario)
        (response,) = [r.response for r in keys.requests or ()]
        assert response is not None and response.body_is_truncated and response.code == 200
        assert response.headers is not None and response.headers["Content-Length"] == str(size)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


def test_the_whole_of_a_large_page_comes_in_order() -> None:
    size = (1 << 20) + 12345
    app, wire = dial(world(size=size), HERE, 80)
    app.data_received(ask("pinned.com"))
    status, headers, body = read(wire.take())
    assert status == 200 and len(body) == size == int(headers["content-length"])
    app.data_received(ask("pinned.com", Connection="close"))
    assert len(read(wire.take())[2]) == size and wire.closed


@pytest.mark.parametrize(
    ("helpers", "failures"),
    [
        ("up", {None}),
        ("refused", {"connection_refused"}),
        ("error_500", {"http_unexpected_status_code", "json_parse_error"}),
        ("slow", {None}),
        ("silent", {"generic_timeout_error"}),
    ],
)
def test_the_helpers_state(helpers: str, failures: set[str | None]) -> None:
    keys = measure(probe("web"), "https://live.com/", "clear", country(helpers=helpers))
    assert keys.extra["control_failure"] in failures


def test_a_clock_that_is_ahead_finds_short_lived_certificates_out_of_date() -> None:
    scenario = country(Host(("pinned.com",), (HERE,)), client=Client(clock_offset_s=100 * 86_400))
    keys = measure(probe("web"), "https://pinned.com/", "clear", scenario)
    assert [h.failure for h in keys.tls_handshakes or ()] == ["ssl_invalid_certificate"]
    assert keys.extra["control_failure"] is None
    assert keys.extra["control"]["tls_handshake"][f"{HERE}:443"]["status"] is True
    slightly = replace(scenario, client=Client(clock_offset_s=3600))
    keys = measure(probe("web"), "https://pinned.com/", "clear", slightly)
    assert [h.failure for h in keys.tls_handshakes or ()] == [None]


def test_android_has_one_word_for_no_name_and_no_address() -> None:
    scenario = country(client=Client(getaddrinfo="android"))
    keys = measure(probe("resolve"), "https://dead.com/", "clear", scenario)
    failures = {q.engine: q.failure for q in keys.queries or ()}
    assert failures["getaddrinfo"] == "android_dns_cache_no_data"
    assert failures["udp"] == "dns_nxdomain_error"


def test_a_box_of_the_scenario_stands_on_every_path_that_it_names(tmp_path: Any) -> None:
    text = '[[box]]\nkind = "sni-reset"\nhop = 4\ndomains = ["both.com"]\n'
    text += '[[box]]\nkind = "sni-drop"\nhop = 4\ndomains = ["one.com"]\nisps = ["clear"]\n'
    path = tmp_path / "boxes.toml"
    small = "src/gatewatch/lab/scenarios/small.toml"
    from pathlib import Path

    path.write_text(Path(small).read_text("utf-8").replace("[sites]", text + "[sites]"), "utf-8")
    scenario = load(str(path))
    found = {i.id: truth(scenario, i.id, "https://both.com/").label for i in scenario.isps}
    assert found == {"blocked": "blocked(tls.reset)", "clear": "blocked(tls.reset)"}
    assert truth(scenario, "blocked", "https://one.com/").label == "ok"
    assert truth(scenario, "clear", "https://one.com/").label == "blocked(tls.timeout)"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('names = ["Pinned.com"]', "host[0].names: 'Pinned.com': write it in lower case"),
        ('names = ["a.com"]\naddresses = ["1.2.3"]', "host[0].addresses[0]: '1.2.3' is not an IPv4 address"),
        ('names = ["a.com"]\ncertificate = "old"', "host[0].certificate: 'old' is none of ok, expired"),
        ('names = ["a.com"]\nabroad = ["1.2.3.4"]', "host[0].abroad: needs addresses beside it"),
        ('names = ["a.com"]\nheaders = ["x"]', "host[0].headers[0]: 'x' is not `Name: value`"),
        ('names = ["a.com"]\nredirects = [{ path = "/" }]', "host[0].redirects[0].to: missing"),
    ],
)
def test_mistakes_are_named(tmp_path: Any, line: str, message: str) -> None:
    from pathlib import Path

    text = Path("src/gatewatch/lab/scenarios/small.toml").read_text("utf-8")
    path = tmp_path / "wrong.toml"
    path.write_text(text.replace("[sites]", f"[[host]]\n{line}\n[sites]"), "utf-8")
    with pytest.raises(ScenarioError) as caught:
        load(str(path))
    assert message in str(caught.value)


def test_a_client_may_end_tls_in_the_middle_of_a_large_page(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Tls(world(size=32 << 20), HERE, "pinned.com")
    sources: list[Iterator[bytes]] = []
    monkeypatch.setattr(client.wire, "feed", sources.append)
    client.send(ask("pinned.com"))
    (source,) = sources
    assert next(source)
    with pytest.raises(ssl.SSLWantReadError):
        client.tls.unwrap()
    client.exchange()
    assert client.wire.closed and list(source) == []
