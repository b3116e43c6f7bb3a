"""QUIC: what must not be called blocked, and what an odd record says."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.fires_quic import NEUTRAL, REFUSED, SILENT, measured
from tests.core.verdict_build import SITE, TIMEOUT, web

from gatewatch.verdict import judge


def label(*tests: str | None, **more: Any) -> str:
    return judge(measured(*tests, **more)).label


def test_one_silence_is_no_block() -> None:
    assert label(TIMEOUT, versions=None, control=None) == "inconclusive(no_control)"
    assert label(TIMEOUT, None, versions=None, control=None) == "ok"


def test_a_server_without_quic_is_not_blocked_however_silent() -> None:
    assert label(*SILENT) == "inconclusive(no_quic)"
    assert label(REFUSED, versions=REFUSED, control=REFUSED, advertised=None) == "inconclusive(no_quic)"
    # It offers HTTP/3 and has it shut for everybody.
    assert label(*SILENT, advertised=True, helper=False) == "inconclusive(no_quic)"
    # Nothing is known of what it offers: silence alone says nothing.
    assert label(*SILENT, advertised=None) == "inconclusive(no_control)"


def test_a_refusal_by_alert_is_an_answer() -> None:
    # A server that knows no such name refuses the control, and is there for all that.
    assert label(*SILENT, versions=None, control="ssl_failed_handshake") == "blocked(quic.timeout)"


def test_a_filter_of_all_of_quic_is_told_from_one_of_the_name() -> None:
    everywhere = {"neutral_control": TIMEOUT, "neutral_test": TIMEOUT, "advertised": True}
    assert label(*SILENT, versions=None, **everywhere) == "inconclusive(quic_everywhere)"
    assert label(*SILENT, neutral=TIMEOUT, helper=True, **everywhere) == "inconclusive(udp_443)"


def test_a_filter_of_the_address_alone_needs_somebody_who_knows() -> None:
    assert label(*SILENT, advertised=True, helper=True) == "blocked(quic.timeout)"
    assert label(*SILENT, advertised=True) == "inconclusive(no_control)"


def test_evidence_says_what_was_compared() -> None:
    (line,) = judge(measured(*SILENT, versions=None, control=None)).evidence
    assert line.startswith("www.example.org: its name got no answer over QUIC in 2 tries; another name at ")


@pytest.mark.parametrize(
    "about",
    [
        None,
        [],
        {"versions": "x", "address": 7, "advertised": "yes"},
        {"versions": [None, {"where": []}, {"where": "site", "failure": {}}], "address": NEUTRAL},
    ],
)
def test_odd_records_are_judged(about: Any) -> None:
    seen: list[Any] = [None, {"quic_handshake": []}, {"quic_handshake": {f"{SITE}:443": {"status": 1}}}]
    for control in seen:
        assert judge(web(test="quic", x_gatewatch_quic=about, control=control)).status == "inconclusive"
