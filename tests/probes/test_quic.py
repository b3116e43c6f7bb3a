"""quic: each way in which QUIC is interfered with in the lab is told apart, from the record alone."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import pytest
from tests.worlds.clock import run
from tests.worlds.country import attached, measure
from tests.worlds.quic import ISP, box, country

from gatewatch.lab.country.scenario import Box, Scenario
from gatewatch.net.quic import Unavailable
from gatewatch.records import Handshake, Measurement, TestKeys, decode, encode
from gatewatch.verdict import judge
from gatewatch_probes.quic import Quic
from gatewatch_targets import Target

pytest.importorskip("aioquic", reason="QUIC handshakes need aioquic: pip install 'gatewatch[quic]'")


def look(host: str, scenario: Scenario, **changes: Any) -> TestKeys:
    return measure(Quic(), f"https://{host}/", ISP, scenario, **changes)


def measurement(keys: TestKeys, host: str = "bad.com") -> Measurement:
    return Measurement(
        input=f"https://{host}/",
        measurement_start_time="2026-11-01 00:00:00",
        software_version="0.1.0",
        test_keys=keys,
        test_name=Quic.test_name,
        test_start_time="2026-11-01 00:00:00",
    )


def label(host: str, *boxes: Box, speaks: tuple[str, ...] = ("good.com", "bad.com"), **changes: Any) -> str:
    keys = look(host, country(*boxes, speaks=frozenset(speaks)), **changes)
    return judge(measurement(keys, host)).label


def over_quic(keys: TestKeys) -> list[Handshake]:
    return [h for h in keys.tls_handshakes or () if h.network == "udp"]


def test_an_initial_dropped_by_sni_while_tcp_works() -> None:
    """Scenario J."""
    keys = look("bad.com", country(box("quic-sni-drop")))
    verdict = judge(measurement(keys))
    assert (verdict.label, verdict.rule) == ("blocked(quic.timeout)", "quic.timeout.name")
    assert [h.failure for h in keys.tls_handshakes or () if h.network == "tcp"] == [None]
    assert [(h.tags[0], h.failure) for h in over_quic(keys) if h.tags] == [
        ("control_sni", None),
        ("test_sni", "generic_timeout_error"),
        ("control_sni", None),  # before the name is repeated
        ("test_sni", "generic_timeout_error"),
        ("neutral_control", None),
        ("neutral_test", "generic_timeout_error"),
        ("neutral_control", None),
        ("neutral_test", "generic_timeout_error"),
    ]
    assert keys.extra["x_gatewatch_quic"]["advertised"] is True


def test_a_site_that_nobody_touches_costs_three_exchanges() -> None:
    keys = look("good.com", country(box("quic-sni-drop")))
    assert judge(measurement(keys)).label == "ok"
    assert len(over_quic(keys)) == 2
    (row,) = keys.extra["x_gatewatch_quic"]["versions"]
    assert (row["where"], row["failure"], row["versions"]) == ("site", None, ["0x00000001", "0x6b3343cf"])


def test_a_filter_that_goes_on_blocking_gives_itself_away() -> None:
    keys = look("bad.com", country(box("quic-sni-drop", residual=180.0)))
    verdict = judge(measurement(keys))
    assert (verdict.label, verdict.rule) == ("blocked(quic.timeout)", "quic.timeout.residual")
    # The control did not pass again, so the name was not repeated.
    assert sum("test_sni" in (h.tags or ()) for h in over_quic(keys)) == 1
    site, *_ = keys.extra["x_gatewatch_residual"]
    assert (site["passed"], site["waits"], site["at_most"]) == (False, [30.0], None)
    assert site["at_least"] >= 30.0


def test_a_filter_that_stops_in_time_is_triggered_again() -> None:
    keys = look("bad.com", country(box("quic-sni-drop", residual=35.0)))
    assert judge(measurement(keys)).rule == "quic.timeout.name"
    assert sum("test_sni" in (h.tags or ()) for h in over_quic(keys)) == 2


def test_a_neutral_address_rests_after_a_name_was_cut_there() -> None:
    probe = Quic()
    scenario = country(box("quic-sni-drop"))

    async def main() -> list[str]:
        async with attached(ISP, scenario) as (wire, _):
            urls = ["https://bad.com/"] * 3
            found = [await probe.measure(Target(url), wire) for url in urls]
        return [keys.extra["x_gatewatch_quic"]["neutral_address"] for keys in found]

    assert run(main) == ["8.8.8.8", "8.8.4.4", "1.1.1.1"]


def test_a_filter_by_address_is_told_by_the_helper() -> None:
    keys = look("bad.com", country(box("quic-drop")))
    assert judge(measurement(keys)).rule == "quic.timeout.helper"
    # Nobody abroad to ask: the site offers HTTP/3, and that alone proves nothing.
    assert label("bad.com", box("quic-drop"), helpers=()) == "inconclusive(no_control)"


def test_udp_443_shut_for_all_is_no_block_of_the_site() -> None:
    assert label("bad.com", box("quic-drop", domains=())) == "inconclusive(udp_443)"


def test_a_filter_of_quic_itself_is_no_block_of_the_site() -> None:
    assert label("bad.com", box("quic-drop", domains=(), method="version")) == "inconclusive(quic_everywhere)"


def test_a_server_without_quic_is_not_called_blocked() -> None:
    assert label("bad.com", speaks=()) == "inconclusive(no_quic)"
    assert label("bad.com", box("quic-sni-drop"), speaks=()) == "blocked(quic.timeout)"


def test_a_name_that_has_no_address_is_not_shaken_hands_with() -> None:
    assert label("dead.com") == "inconclusive(no_address)"


def test_lossy_lines_give_no_false_alarm() -> None:
    scenario = country()
    for seed in range(5):
        lossy = replace(scenario, seed=seed, isps=tuple(replace(i, loss=0.05) for i in scenario.isps))
        assert judge(measurement(look("good.com", lossy))).label == "ok"


def test_where_names_are_lied_about_the_true_address_is_measured() -> None:
    lie = Box("dns-lie", 2, frozenset({"bad.com"}), method="bogon", address="127.0.0.1", resolvers="isp")
    assert label("bad.com", lie) == "ok"
    assert label("bad.com", lie, box("quic-sni-drop")) == "blocked(quic.timeout)"


def test_the_record_survives_its_own_format() -> None:
    m = measurement(look("bad.com", country(box("quic-sni-drop"))))
    back, problems = decode(Measurement, encode(m))
    assert not problems
    assert judge(back).label == "blocked(quic.timeout)"
    operations = {event.operation for event in (m.test_keys or TestKeys()).network_events or ()}
    assert {"quic_handshake_start", "quic_handshake_done", "read_from", "write_to"} <= operations


def test_without_aioquic_it_could_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aioquic.quic.connection", None)
    with pytest.raises(Unavailable, match="gatewatch"):
        look("good.com", country())
