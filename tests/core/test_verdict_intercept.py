"""What is read out of an intercept record: the hop in the evidence, and nothing that could do harm."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.fires_intercept import AT_FOUR, intercepted
from tests.core.verdict_build import web

from gatewatch.verdict import judge


def test_the_hop_stands_in_the_evidence() -> None:
    for kind in ("proxy", "injector"):
        (said,) = judge(intercepted(kind, **AT_FOUR)).evidence
        assert "hop 4, between 36.37.129.9 and silent" in said and "a sign" in said


def test_a_proxy_may_be_the_household_s_own() -> None:
    verdict = judge(intercepted("proxy", hop=1, after="192.168.1.1"))
    assert verdict.confidence == 0.6 and "household" in verdict.evidence[0]


@pytest.mark.parametrize(
    "found",
    [
        None,
        [],
        "proxy",
        {},
        {"kind": ["proxy"]},
        {"kind": "gateway"},
    ],
)
def test_what_is_no_record_of_ours_is_no_data(found: Any) -> None:
    assert judge(web(test="intercept", x_gatewatch_intercept=found)).label == "inconclusive(no_data)"


@pytest.mark.parametrize("hop", [None, True, -1, 65, "4", 4.0, 10**30, [4]])
def test_a_hop_that_is_none_is_not_told(hop: Any) -> None:
    verdict = judge(intercepted("injector", hop=hop, evidence={"a": 1}, before=["x"], after=7))
    assert verdict.label == "blocked(dns.injected)"
    assert "a hop that was not found" in verdict.evidence[0]


def test_braces_and_controls_from_the_wire_are_text() -> None:
    (said,) = judge(intercepted("none", evidence=["{host}\x1b[31m"])).evidence
    assert "{host}" in said and "\x1b" not in said
