"""Each probe in the lab, where its target is free and where it is not."""

from typing import Any

import pytest
from tests.worlds.country import blocked, measure

from gatewatch.lab.country.scenario import load as scenario
from gatewatch.net.address import is_bogon
from gatewatch.records import Measurement, TestKeys, TraceKeys, decode, dumps, loads
from gatewatch.runner.probes import available, fits, load
from gatewatch_targets import Target

METHODS = scenario("methods")


def outcome(keys: TestKeys, engine: str = "getaddrinfo") -> list[Any]:
    """What each layer came to: name, connects, handshakes, requests; first tries only."""

    def first(record: Any) -> bool:
        return not {"again", "second"} & set(record.tags or ())

    return [
        next(q.failure or q.addresses for q in keys.queries or () if q.engine == engine),
        [c.status.failure for c in filter(first, keys.tcp_connect or ())],
        [h.failure for h in filter(first, keys.tls_handshakes or ())],
        [(r.failure, r.response.code if r.response else None) for r in filter(first, keys.requests or ())],
    ]


CLEAR, RESET, DROPPED = ("104.20.172.10",), ("104.20.111.32",), ("104.17.177.150",)


@pytest.mark.parametrize(
    ("probe", "isp", "url", "expected"),
    [
        ("resolve", "clear", "https://example.org/", [CLEAR, [], [], []]),
        ("resolve", "blocked", "https://lied.com/", [("127.0.0.1",), [], [], []]),
        ("connect", "clear", "https://example.org/", [CLEAR, [None], [], []]),
        ("connect", "blocked", "https://dropped.com/", [DROPPED, ["generic_timeout_error"], [], []]),
        ("handshake", "clear", "https://example.org/", [CLEAR, [None], [None], []]),
        ("handshake", "blocked", "https://reset.com/", [RESET, [None], ["connection_reset"], []]),
        ("fetch", "clear", "https://example.org/", [CLEAR, [None], [None], [(None, 200)]]),
        ("fetch", "blocked", "https://reset.com/", [RESET, [None], ["connection_reset"], []]),
        ("web", "clear", "https://example.org/", [CLEAR, [None], [None], [(None, 200)]]),
        ("web", "clear", "https://reset.com/", [RESET, [None], [None], [(None, 200)]]),
        ("web", "blocked", "https://reset.com/", [RESET, [None], ["connection_reset"], []]),
        ("web", "blocked", "https://dropped.com/", [DROPPED, ["generic_timeout_error"], [], []]),
        ("web", "clear", "https://dead.com/", ["dns_nxdomain_error", [], [], []]),
    ],
)
def test_what_each_probe_sees(probe: str, isp: str, url: str, expected: list[Any]) -> None:
    assert outcome(measure(load(probe), url, isp)) == expected


def test_a_silent_address_costs_exactly_the_limit() -> None:
    (connect,) = measure(load("connect"), "https://dropped.com/", "blocked").tcp_connect or ()
    assert connect.t0 is not None and connect.t == connect.t0 + 10


@pytest.mark.parametrize(
    ("isp", "url", "reached"), [("clear", "example.org", True), ("blocked", "vanished.com", False)]
)
def test_trace_names_the_hops(isp: str, url: str, reached: bool) -> None:
    keys, problems = decode(TraceKeys, dict(measure(load("trace"), url, isp).extra))
    assert problems == () and keys.reached is reached and keys.failure is None
    path = [r.address for r in keys.replies if r.attempt == 0]
    hops = [None if hop.silent else hop.address for hop in scenario("small").isp(isp).path]
    assert path[: len(hops)] == hops and {r.attempt for r in keys.replies} == {0, 1, 2}
    abroad = ["104.23.10.5", "104.23.11.9"]
    if reached:
        assert path[-1] == keys.destination and keys.replies[-1].icmp_type == 3
        assert path[len(hops) : -1] == abroad
        assert [r.rtt for r in keys.replies if r.ttl == 1] == [1.0, 1.0, 1.0]
    else:
        assert path[len(hops) :] == abroad + [None] * 5


@pytest.mark.parametrize(
    ("isp", "scheme", "layer", "failure"),
    [
        ("dns-nxdomain", "https", 0, "dns_nxdomain_error"),
        ("dns-drop", "https", 0, "dns_temporary_failure"),
        ("dns-redirect", "http", 0, ("202.58.101.80",)),
        ("dns-inject", "http", 0, ("202.58.101.80",)),
        ("tcp-drop", "http", 1, "generic_timeout_error"),
        ("tcp-reset", "https", 1, "connection_refused"),
        ("sni-reset", "https", 2, "connection_reset"),
        ("sni-drop", "https", 2, "generic_timeout_error"),
        ("http-reset", "http", 3, ("connection_reset", 0)),
        ("http-blockpage", "http", 3, (None, 200)),
    ],
)
def test_web_meets_every_method_on_its_layer(isp: str, scheme: str, layer: int, failure: Any) -> None:
    from gatewatch.lab.country.truth import truth

    name = next(
        host
        for n in range(300)
        if truth(METHODS, isp, f"{scheme}://{(host := f'site{n}.org')}/").status == "blocked"
    )
    keys = measure(load("web"), f"{scheme}://{name}/", isp, METHODS)
    seen = outcome(keys)[layer]
    assert seen == failure or (isinstance(seen, list) and seen[0] == failure)
    assert not any(is_bogon(c.ip or "") for c in keys.tcp_connect or ())
    if layer == 3 and isp == "http-blockpage":
        assert keys.requests and "Access denied" in str(keys.requests[0].response)


def test_an_injected_answer_is_followed_by_the_true_one_on_record() -> None:
    keys = measure(load("resolve"), f"https://{blocked(METHODS, 'dns-inject')}/", "dns-inject", METHODS)
    public = [q for q in keys.queries or () if q.engine == "udp" and q.resolver_address == "8.8.8.8:53"]
    assert [(q.addresses == ("202.58.101.80",), q.x_gatewatch_late) for q in public] == [
        (True, None),
        (False, 1),
    ]
    forged, true = public
    assert (forged.x_gatewatch_ip_ttl or 0) > (true.x_gatewatch_ip_ttl or 0)
    assert (true.t or 0) > (forged.t or 0)
    # Where answers disagree, a resolver is asked over HTTPS, and nobody on the way can lie there.
    (safe,) = [q for q in keys.queries or () if q.engine == "doh"]
    assert safe.addresses == true.addresses


@pytest.mark.parametrize(
    "probe", [name for name, entry in available().items() if "gatewatch_probes" in entry.value]
)
@pytest.mark.parametrize(("isp", "url"), [("clear", "http://secure.com/"), ("blocked", "https://reset.com/")])
def test_what_a_probe_writes_is_read_back_without_a_problem(probe: str, isp: str, url: str) -> None:
    made = load(probe)
    url = url if fits(made, Target(url)) else "https://web.telegram.org/"
    measurement = Measurement(
        input=url,
        measurement_start_time="2024-01-01 00:00:00",
        software_version="0",
        test_keys=measure(made, url, isp),
        test_name=made.test_name,
        test_start_time="2024-01-01 00:00:00",
    )
    again, problems = loads(dumps(measurement))
    assert problems == () and dumps(again) == dumps(measurement)
