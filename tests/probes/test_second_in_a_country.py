"""Boxes of every kind on TCP, TLS and HTTP in the lab, with a helper and with every helper gone."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import pytest
from tests.worlds.country import HELPER, measure

from gatewatch.lab.country.scenario import Scenario, load
from gatewatch.lab.country.truth import truth
from gatewatch.records import Measurement, TestKeys
from gatewatch.runner.probes import Probe
from gatewatch.verdict import Verdict, judge
from gatewatch_probes.sni import Sni
from gatewatch_probes.web import Web

METHODS = load("methods")
ISP = "sni-reset"


def country(**box: Any) -> Scenario:
    """One ISP whose only box is changed so; a box that drops must stand in the path."""
    isp = METHODS.isp(ISP)
    changed = replace(isp, boxes=(replace(isp.boxes[0], **{"in_path": True, **box}),))
    return replace(METHODS, isps=(changed,))


@lru_cache(maxsize=64)
def named(scheme: str, blocked: bool) -> str:
    """A live site's URL that the box acts on, or leaves alone."""
    scenario = country(kind="sni-reset" if scheme == "https" else "http-reset")
    status = "blocked" if blocked else "ok"
    hosts = (f"site{n}.org" for n in range(300))
    return next(u for h in hosts if truth(scenario, ISP, u := f"{scheme}://{h}/").status == status)


def visit(
    scenario: Scenario, url: str, helpers: tuple[str, ...], probe: Probe | None = None
) -> tuple[TestKeys, Verdict]:
    made = probe or Web()
    keys = measure(made, url, ISP, scenario, helpers=helpers)
    measurement = Measurement(
        input=url,
        measurement_start_time="2026-11-01 00:00:00",
        software_version="0",
        test_keys=keys,
        test_name=made.test_name,
        test_start_time="2026-11-01 00:00:00",
    )
    return keys, judge(measurement)


ALONE = "inconclusive(no_control)"
KINDS = [
    ("https", {"kind": "sni-reset"}, "blocked(tls.reset)", "blocked(tls.reset)"),
    ("https", {"kind": "sni-reset", "in_path": False}, "blocked(tls.reset)", "blocked(tls.reset)"),
    ("https", {"kind": "sni-drop"}, "blocked(tls.timeout)", "blocked(tls.timeout)"),
    ("https", {"kind": "sni-eof"}, "blocked(tls.eof)", "blocked(tls.eof)"),
    ("https", {"kind": "tls-mitm"}, "blocked(tls.mitm)", "blocked(tls.mitm)"),
    ("http", {"kind": "http-reset"}, "blocked(http.reset)", "blocked(http.reset)"),
    ("http", {"kind": "http-drop"}, "blocked(http.timeout)", "blocked(http.timeout)"),
    ("http", {"kind": "http-eof"}, "blocked(http.eof)", "blocked(http.eof)"),
    ("http", {"kind": "http-blockpage"}, "blocked(http.blockpage)", "blocked(http.blockpage)"),
    # An address that is gone on all ports leaves nothing to compare with.
    ("https", {"kind": "tcp-drop"}, "blocked(tcp.timeout)", ALONE),
    ("https", {"kind": "tcp-reset"}, "blocked(tcp.refused)", ALONE),
    ("https", {"kind": "tcp-reset", "ports": (443,)}, "blocked(tcp.refused)", "blocked(tcp.refused)"),
    ("https", {"kind": "tcp-drop", "ports": (443,)}, "blocked(tcp.timeout)", ALONE),
]


@pytest.mark.parametrize(("scheme", "box", "with_helper", "alone"), KINDS)
def test_what_is_said_with_a_helper_and_without(
    scheme: str, box: dict[str, Any], with_helper: str, alone: str
) -> None:
    scenario, url = country(**box), named(scheme, True)
    _, sure = visit(scenario, url, (HELPER,))
    _, less = visit(scenario, url, ())
    assert (sure.label, less.label) == (with_helper, alone)
    if less.status == "blocked" and less.rule != sure.rule:
        assert less.confidence < sure.confidence


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("box", [box for _, box, _, _ in KINDS])
def test_what_is_left_alone_is_ok_even_without_a_helper(scheme: str, box: dict[str, Any]) -> None:
    for helpers in ((), (HELPER,)):
        assert visit(country(**box), named(scheme, False), helpers)[1].label == "ok"


@pytest.mark.parametrize("action", ["drop", "reset"])
@pytest.mark.parametrize("seconds", [20.0, 60.0, 90.0])
def test_a_residual_block_is_waited_for_without_a_helper(action: str, seconds: float) -> None:
    scenario = country(kind="sni-reset", residual=seconds, residual_action=action)
    keys, verdict = visit(scenario, named("https", True), ())
    assert verdict.label == "blocked(tls.reset)"
    (waited,) = keys.extra["x_gatewatch_residual"]
    assert waited["passed"] and waited["at_least"] < seconds <= waited["at_most"]


@pytest.mark.parametrize("seconds", [20.0, 90.0, 180.0])
def test_the_sni_probe_finds_how_long_a_block_lasts(seconds: float) -> None:
    scenario = country(kind="sni-reset", residual=seconds)
    keys, verdict = visit(scenario, named("https", True), (), Sni(seed=1))
    assert verdict.label == "blocked(tls.reset)" and "anywhere" in verdict.evidence[0]
    waits = keys.extra["x_gatewatch_residual"]
    assert all(w["passed"] for w in waits)
    # Where nothing had to be waited for, time had passed at the other address.
    assert max(w["at_least"] or 0 for w in waits) < seconds <= min(w["at_most"] for w in waits)
    assert any(w["at_least"] for w in waits)


def test_with_a_helper_nobody_waits() -> None:
    scenario = country(kind="sni-reset", residual=600.0)
    keys, verdict = visit(scenario, named("https", True), (HELPER,))
    assert verdict.label == "blocked(tls.reset)"
    assert [w["waits"] for w in keys.extra["x_gatewatch_residual"]] == [[]]


@pytest.mark.parametrize("loss", [0.01, 0.03])
@pytest.mark.parametrize("helpers", [(HELPER,), ()], ids=["helper", "alone"])
def test_loss_and_jitter_change_nothing(loss: float, helpers: tuple[str, ...]) -> None:
    said = set()
    for seed in range(5):
        for blocked in (False, True):
            scenario = country(kind="sni-reset", residual=20.0)
            isps = tuple(replace(isp, loss=loss, jitter_ms=20.0) for isp in scenario.isps)
            _, verdict = visit(replace(scenario, seed=seed, isps=isps), named("https", blocked), helpers)
            said.add((blocked, verdict.label))
    assert said == {(False, "ok"), (True, "blocked(tls.reset)")}
