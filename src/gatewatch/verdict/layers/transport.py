"""Rules about TCP and TLS: what became of connections to addresses that are the site's."""

from __future__ import annotations

from gatewatch.verdict.expr import Expr, F
from gatewatch.verdict.rule import Rule

_CONTROL_FETCHED = F("control_http") == "ok"
_TCP_FAILS = F("tcp").any_of("refused", "reset", "timeout", "unreachable", "failed")
_CONTROL_CONNECTS = (F("tcp_control") == "ok") | ((F("tcp_control") == "not_looked") & _CONTROL_FETCHED)
_CONTROL_DOES_NOT = (F("tcp_control") == "failed") | (
    (F("tcp_control") == "not_looked") & (F("control_http") == "failed")
)
_CUT = F("tls").any_of("reset", "eof", "timeout")
_FOREIGN = F("tls") == "foreign_certificate"
_TLS_FAILS = _CUT | F("tls").any_of("foreign_certificate", "invalid_certificate", "failed")
# A certificate came to the control, so that nothing cut its handshake: the site's own fault comes later.
_CONTROL_SHAKES = F("tls_control").any_of("ok", "certificate") | (
    (F("tls_control") == "not_looked") & _CONTROL_FETCHED
)
_CONTROL_VALID = (F("tls_control") == "ok") | ((F("tls_control") == "not_looked") & _CONTROL_FETCHED)


def _tcp(word: str, confidence: float) -> Rule:
    return Rule(
        id=f"tcp.{word}",
        layer="tcp",
        status="blocked",
        method=f"tcp.{word}",
        when=(F("tcp") == word) & _CONTROL_CONNECTS,
        evidence=f"{{host}}: {word} at all {{tcp_tried}} addresses ({{tcp_failure}}); the control connected",
        confidence=confidence,
        source="ooni/data: TCP failure_ctrl_ok (0.75 from one sample; here of all trusted addresses)",
    )


def _tls(word: str, when: Expr, confidence: float, source: str) -> Rule:
    return Rule(
        id=f"tls.{word}",
        layer="tls",
        status="blocked",
        method=f"tls.{word}",
        when=when,
        evidence="{host}: TLS {tls} ({tls_failure}) where TCP connects; the control: {tls_control}; "
        "another name there: {second_sni}; this name elsewhere: {second_elsewhere}; cut {tls_cut_at}",
        confidence=confidence,
        source=source,
    )


TRANSPORT = (
    Rule(
        id="tcp.no_ipv6",
        layer="tcp",
        status="inconclusive",
        reason="no_ipv6",
        when=F("tcp_only_ipv6"),
        evidence="{host}: only IPv6 addresses ({tcp_ipv6_ignored}), and IPv6 does not work on this line",
        confidence=0.9,
        source="ooni/probe 2192, 2456",
    ),
    Rule(
        id="tcp.down",
        layer="tcp",
        status="down",
        when=_TCP_FAILS & _CONTROL_DOES_NOT,
        evidence="{host}: {tcp} here ({tcp_failure}), and the control did not get there either",
        confidence=0.9,
        source="ooni/data: failure_ctrl_also_failing (0.75 down)",
    ),
    # An RST that answers a SYN comes as "refused" on Linux; a server's own would meet the control too.
    _tcp("refused", 0.85),
    _tcp("reset", 0.85),
    # Silence is also what loss looks like; a probe retries SYNs for the whole limit.
    _tcp("timeout", 0.8),
    Rule(
        id="tcp.unreachable",
        layer="tcp",
        status="inconclusive",
        reason="unreachable",
        when=_TCP_FAILS & _CONTROL_CONNECTS,
        evidence="{host}: {tcp_failure} here; the control connected",
        # A null route looks so, and so does this machine's own routing table.
        confidence=0.7,
        source="RFC 1812 5.2.7.1",
    ),
    Rule(
        id="tcp.no_control",
        layer="tcp",
        status="inconclusive",
        reason="no_control",
        when=_TCP_FAILS,
        evidence="{host}: {tcp} ({tcp_failure}); no control says if the server is up ({control_failure})",
        confidence=1.0,
        source="ooni/explorer 764: without a control, neither blocked nor accessible",
    ),
    Rule(
        id="tls.down",
        layer="tls",
        status="down",
        when=(_CUT & (F("tls_control") == "failed"))
        | (~_CUT & _TLS_FAILS & F("tls_control").any_of("failed", "certificate"))
        | (_TLS_FAILS & (F("tls_control") == "not_looked") & (F("control_http") == "failed")),
        evidence="{host}: TLS {tls} ({tls_failure}) here, and the control had no better luck",
        confidence=0.9,
        source="ooni/data: TLS failure_ctrl_also_failing (0.8 down); OONI QA badSSL*",
    ),
    _tls("reset", (F("tls") == "reset") & _CONTROL_SHAKES, 0.9, "ooni/data: TLS failure_ctrl_ok_reset (0.8)"),
    _tls("eof", (F("tls") == "eof") & _CONTROL_SHAKES, 0.85, "ooni/data: TLS failure_ctrl_ok_other (0.7)"),
    _tls(
        "timeout",
        (F("tls") == "timeout") & _CONTROL_SHAKES,
        0.85,
        "ooni/data: TLS failure_ctrl_ok_other (0.7)",
    ),
    # Old trust stores fail so as well: Signal's change of root was once read as blocking everywhere.
    _tls("mitm", _FOREIGN & _CONTROL_VALID, 0.75, "ooni/data: TLS failure_ctrl_ok_ssl (0.9)"),
    Rule(
        id="tls.clock",
        layer="tls",
        status="inconclusive",
        reason="certificate_dates",
        when=(F("tls") == "invalid_certificate") & _CONTROL_VALID,
        evidence="{host}: a certificate out of date here, valid for the control: is the clock right?",
        confidence=0.7,
        source='Acer et al., CCS 2017, "Where the Wild Warnings Are": wrong clocks',
    ),
    Rule(
        id="tls.failed",
        layer="tls",
        status="inconclusive",
        reason="tls_failure",
        when=(F("tls") == "failed") & _CONTROL_VALID,
        evidence="{host}: {tls_failure}; this TLS library and the server may have nothing in common",
        confidence=0.7,
        source="RFC 8446 6.2: an alert is the server's or a forger's, and unsigned",
    ),
    Rule(
        id="tls.no_control",
        layer="tls",
        status="inconclusive",
        reason="no_control",
        when=_TLS_FAILS,
        evidence="{host}: TLS {tls} ({tls_failure}), and no control to compare with ({control_failure})",
        confidence=1.0,
        source="ooni/explorer 764: without a control, neither blocked nor accessible",
    ),
    *(
        Rule(
            id=f"tls.beside.{word}",
            layer="tls",
            status="note",
            method=f"tls.{word}",
            when=(F("tls_beside") == word) & (F("tls_control") == "ok"),
            evidence=f"{{host}}: the http page is not touched, but https to it ends in {word}",
            confidence=0.8,
            source="a filter by SNI does not see http",
        )
        for word in ("reset", "eof", "timeout")
    ),
)
