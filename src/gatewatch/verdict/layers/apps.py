"""Rules about apps: blocked only when all of something that the app needs fails while the line is up."""

from __future__ import annotations

from gatewatch.verdict.expr import F
from gatewatch.verdict.rule import Rule

_FAILING = F("app") == "failing"
_LINE_UP = (F("app_controls") == "ok") | (F("app_elsewhere") == "ok")
# One server may be dead, and then its one address fails for everybody: two, or somebody else who got there.
_PROVEN = (F("app_tried") > 1) | (F("app_elsewhere") == "ok")
# Each way in which endpoints fail that means interference, and how sure that is of all endpoints of a role.
_METHODS = (
    ("dns.nxdomain", 0.9),
    ("dns.bogon", 0.9),
    ("dns.redirect", 0.85),
    ("dns.timeout", 0.8),
    ("tcp.refused", 0.85),
    ("tcp.reset", 0.85),
    ("tcp.timeout", 0.8),
    ("tls.reset", 0.9),
    ("tls.eof", 0.8),
    ("tls.timeout", 0.85),
    ("http.blockpage", 0.9),
    ("http.reset", 0.85),
    ("http.eof", 0.75),
    ("http.timeout", 0.75),
)
_WHAT = "{host}: {app_role}: {app_failing} endpoints fail, by {app_method} ({app_failure})"


def _blocked(method: str, confidence: float) -> Rule:
    return Rule(
        id=f"app.{method}",
        layer="app",
        status="blocked",
        method=method,
        when=_FAILING & (F("app_method") == method) & _LINE_UP & _PROVEN,
        evidence=f"{_WHAT}; known pages: {{app_controls}}, from elsewhere: {{app_elsewhere}}. {{app_roles}}",
        confidence=confidence,
        source="OONI ts-018, ts-019, ts-020, ts-023, ts-029: an app is blocked when all of a role fails",
    )


APPS = (
    Rule(
        id="app.ok",
        layer="app",
        status="ok",
        when=F("app") == "ok",
        evidence="{host}: {app_roles}; certificates of its own authority unverified: {app_unverified}",
        confidence=0.9,
        source="OONI ts-020: one access point that answers is enough",
    ),
    Rule(
        id="app.down",
        layer="app",
        status="down",
        when=F("app") == "dead",
        evidence="{host}: {app_role} is gone for everybody: {app_failure}, from elsewhere {app_elsewhere}",
        confidence=0.85,
        source="ooni/data: failure_ctrl_also_failing",
    ),
    Rule(
        id="app.filter",
        layer="app",
        status="inconclusive",
        reason="own_filter",
        when=F("app") == "filter",
        evidence="{host}: {app_role}: its name is answered by a filter of the line's own ({app_failure})",
        confidence=0.9,
        source="fingerprints that mislead: Cisco Umbrella, pfBlockerNG, ad-blocking resolvers (iMAP, OONI)",
    ),
    Rule(
        id="app.partial",
        layer="app",
        status="inconclusive",
        reason="partial",
        when=F("app") == "partial",
        evidence=f"{_WHAT}; others work, so the app may, too. {{app_roles}}",
        # One data centre that is down is no order.
        confidence=0.9,
        source="OONI ts-018: the app goes on to the next endpoint",
    ),
    Rule(
        id="app.line",
        layer="app",
        status="inconclusive",
        reason="line",
        when=_FAILING & (F("app_controls") == "failed") & (F("app_elsewhere") != "ok"),
        evidence=f"{_WHAT}; but pages that any line gives did not come either",
        confidence=0.9,
        source="a line that is down makes everything look blocked",
    ),
    Rule(
        id="app.no_control",
        layer="app",
        status="inconclusive",
        reason="no_control",
        when=_FAILING & ~_LINE_UP,
        evidence=f"{_WHAT}, and nothing says how it goes elsewhere",
        confidence=1.0,
        source="ooni/explorer 764: without a control, neither blocked nor accessible",
    ),
    Rule(
        id="app.single",
        layer="app",
        status="inconclusive",
        reason="single_endpoint",
        when=_FAILING & ~_PROVEN,
        evidence=f"{_WHAT}; it is a single server, and nobody else was seen to reach it",
        confidence=0.9,
        source="a server may be down",
    ),
    Rule(
        id="app.certificate",
        layer="app",
        status="inconclusive",
        reason="certificate",
        when=_FAILING & F("app_method").any_of("tls.foreign_certificate", "tls.invalid_certificate"),
        evidence=f"{_WHAT}: an interception, or an authority that this machine does not know",
        confidence=0.8,
        source="ooni/probe 2344: Signal's change of root was read as blocking everywhere",
    ),
    *(_blocked(method, confidence) for method, confidence in _METHODS),
    Rule(
        id="app.failed",
        layer="app",
        status="inconclusive",
        reason="app_failure",
        when=_FAILING,
        evidence=f"{_WHAT}, which is no way of blocking that is known",
        confidence=0.8,
        source="RFC 8446 6.2, RFC 9112 2.2: the two ends may have nothing in common",
    ),
)
