"""Apps in the lab: all work where nothing is done to them, and each way of taking one away has its name."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import Any

import pytest
from tests.worlds.clock import run
from tests.worlds.country import attached

from gatewatch.lab.country.parts import Box
from gatewatch.lab.country.scenario import Scenario
from gatewatch.lab.country.scenario import load as scenario
from gatewatch.records import Measurement
from gatewatch.runner.probes import load, named
from gatewatch.verdict import Verdict, derived_keys, judge
from gatewatch_targets import Target, apps

TELEGRAM = "https://web.telegram.org/"
CENTRES = tuple(f"149.154.{tail}" for tail in ("175.50", "167.51", "175.100", "167.91", "171.5"))


@lru_cache(maxsize=1)
def small() -> Scenario:
    return scenario("small")


def boxed(*boxes: Box) -> Scenario:
    """The small country, with these boxes and no others on its ISP that blocks."""
    isps = tuple(replace(isp, boxes=boxes) if isp.id == "blocked" else isp for isp in small().isps)
    return replace(small(), isps=isps)


def measure(
    url: str, country: Scenario, isp: str = "blocked", *, helper: bool = True
) -> tuple[Measurement, Verdict]:
    probe = load("app")

    async def main() -> Any:
        async with attached(isp, country) as (wire, _):
            if not helper:
                wire.helpers = ()
            return await probe.measure(Target(url), wire)

    m = Measurement(
        input=url,
        measurement_start_time="2026-11-01 00:00:00",
        probe_cc="KH",
        software_version="0",
        test_keys=run(main),
        test_name=named(probe, Target(url)),
        test_start_time="2026-11-01 00:00:00",
    )
    return m, judge(m)


@pytest.mark.parametrize("app", apps().values(), ids=lambda app: app.id)
def test_every_app_works_where_nothing_is_done_to_it(app: Any) -> None:
    m, verdict = measure(app.url, small(), "clear")
    assert (m.test_name, verdict.label, verdict.rule) == (app.test, "ok", "app.ok")
    assert m.test_keys is not None
    # Nothing fails, so nobody is asked why.
    assert "control" not in m.test_keys.extra and "x_gatewatch_beacons" not in m.test_keys.extra


@pytest.mark.parametrize("helper", [True, False])
@pytest.mark.parametrize(
    ("box", "label"),
    [
        (Box("tcp-drop", 4, domains=frozenset(CENTRES)), "blocked(tcp.timeout)"),
        (Box("tcp-reset", 4, domains=frozenset(CENTRES)), "blocked(tcp.refused)"),
        (Box("sni-reset", 4, domains=frozenset({"telegram.org"})), "blocked(tls.reset)"),
        (Box("sni-drop", 4, domains=frozenset({"telegram.org"})), "blocked(tls.timeout)"),
        (
            Box("dns-lie", 3, domains=frozenset({"telegram.org"}), method="nxdomain"),
            "blocked(dns.nxdomain)",
        ),
        (
            Box("dns-lie", 3, domains=frozenset({"telegram.org"}), method="bogon", address="127.0.0.1"),
            "blocked(dns.bogon)",
        ),
    ],
    ids=lambda value: value.kind + value.method if isinstance(value, Box) else "",
)
def test_telegram_taken_away_in_each_way(box: Box, label: str, helper: bool) -> None:
    _, verdict = measure(TELEGRAM, boxed(box), helper=helper)
    assert verdict.label == label
    role = "data centre" if box.kind.startswith("tcp") else "web"
    assert f"{role} failing" in verdict.evidence[0]


@pytest.mark.parametrize(
    ("centres", "label"), [(1, "ok"), (2, "ok"), (3, "inconclusive(partial)"), (4, "inconclusive(partial)")]
)
def test_some_data_centres_that_are_gone_are_no_block(centres: int, label: str) -> None:
    box = Box("tcp-drop", 4, domains=frozenset(CENTRES[:centres]))
    assert measure(TELEGRAM, boxed(box))[1].label == label


def test_servers_that_are_gone_for_everybody_are_down() -> None:
    gone = replace(small(), sites=replace(small().sites, vanished=frozenset(CENTRES)))
    assert measure(TELEGRAM, gone, "clear")[1].label == "down"


def test_a_dead_server_without_a_helper_is_not_called_blocked() -> None:
    sites = replace(small().sites, refused=frozenset({"web.telegram.org"}))
    _, verdict = measure(TELEGRAM, replace(small(), sites=sites), "clear", helper=False)
    assert verdict.label == "inconclusive(single_endpoint)"


def test_with_known_pages_gone_the_line_is_to_blame() -> None:
    box = Box(
        "tcp-drop",
        4,
        domains=frozenset(
            {*CENTRES, "connectivitycheck.gstatic.com", "detectportal.firefox.com", "th.ooni.org"}
        ),
    )
    assert measure(TELEGRAM, boxed(box))[1].label == "inconclusive(line)"


def test_the_keys_of_oonis_test_follow_the_records() -> None:
    m, verdict = measure(TELEGRAM, boxed(Box("tcp-drop", 4, domains=frozenset(CENTRES))))
    assert derived_keys(m, verdict) == {
        "telegram_tcp_blocking": True,
        "telegram_http_blocking": True,
        "telegram_web_status": "ok",
        "telegram_web_failure": None,
    }
    m, verdict = measure(
        "https://web.whatsapp.com/", boxed(Box("sni-reset", 4, domains=frozenset({"whatsapp.net"})))
    )
    assert verdict.label == "blocked(tls.reset)"
    found = derived_keys(m, verdict)
    assert (found["whatsapp_endpoints_status"], found["registration_server_status"]) == ("ok", "blocked")


def test_no_server_sees_two_connections_of_ours_at_once() -> None:
    m, _ = measure("https://www.torproject.org/", small(), "clear")
    assert m.test_keys is not None
    times: dict[str | None, list[tuple[float, float]]] = {}
    for c in m.test_keys.tcp_connect or ():
        times.setdefault(c.ip, []).append((c.t0 or 0, c.t or 0))
    for spans in times.values():
        ordered = sorted(spans)
        assert all(one[1] <= two[0] for one, two in pairwise(ordered))


def test_a_target_that_is_no_app_cannot_be_measured() -> None:
    with pytest.raises(RuntimeError, match="--targets apps"):
        measure("https://example.org/", small(), "clear")
