"""Rules about the measurement itself and the line it was made on: what forbids any further judgement."""

from __future__ import annotations

from gatewatch.verdict.expr import F
from gatewatch.verdict.rule import Rule

LINE = (
    Rule(
        id="line.single.ok",
        layer="line",
        status="ok",
        when=F("single_probe") & F("single_succeeded"),
        evidence="{test} got what it asked for",
        # Nothing to compare with: what came may still be forged.
        confidence=0.5,
        source="a single-purpose probe has no control",
    ),
    Rule(
        id="line.single.failed",
        layer="line",
        status="inconclusive",
        reason="no_control",
        when=F("single_probe") & F("looked"),
        evidence="{test} failed ({http_failure}), and nothing says how it goes elsewhere",
        confidence=1.0,
        source="a single-purpose probe has no control",
    ),
    Rule(
        id="line.not_judged",
        layer="line",
        status="inconclusive",
        reason="not_judged",
        when=~F("web") & ~F("single_probe") & ~F("judged_test"),
        evidence="{test} is no test of whether something is blocked",
        confidence=1.0,
        source="trace and locate describe paths",
    ),
    Rule(
        id="line.no_data",
        layer="line",
        status="inconclusive",
        reason="no_data",
        when=~F("looked"),
        evidence="nothing was recorded",
        confidence=1.0,
        source="ooni/data analysis: no_dns_data, no_data",
    ),
    Rule(
        id="line.portal",
        layer="line",
        status="inconclusive",
        reason="captive_portal",
        # On the real internet no public site redirects to an address of a private network.
        when=F("http_to_private") | (F("http_sign_misleads") == "portal") | (F("http_portal") != ""),
        evidence="{host}: the way leads to a portal in front of the internet {http_sign} {http_portal}",
        confidence=0.9,
        source="RFC 8952, RFC 6585 6, WISPr; ooni/probe 1629; fingerprints that mislead: unpaid bills",
    ),
)
