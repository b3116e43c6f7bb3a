"""Rules about QUIC: blocked only when something else over UDP shows that a server would have answered."""

from __future__ import annotations

from gatewatch.verdict.expr import Expr, F
from gatewatch.verdict.rule import Rule

# One lost flight is no block.  aioquic repeats its Initial within a try (RFC 9002 6.2), and the probe tries
# twice: at 5 % loss each way all ten datagrams are lost once in 10^9.
_TWICE = F("quic_tries") >= 2
_SILENT = (F("quic") == "timeout") & _TWICE
_UNANSWERED = F("quic").any_of("timeout", "refused", "reset", "unreachable")
_NOTHING_HERE = F("quic_versions").any_of("silent", "refused") & (F("quic_control_sni") != "answered")
_NEVER_SAID_SO = (
    (F("quic_advertised") == "no")
    | (F("quic_helper") == "failed")
    | ((F("quic") == "refused") & (F("quic_advertised") != "yes"))
)
_WHAT = "{host}: its name got no answer over QUIC in {quic_tries} tries"


def _blocked(word: str, when: Expr, evidence: str, confidence: float, source: str) -> Rule:
    return Rule(
        id=f"quic.timeout.{word}",
        layer="quic",
        status="blocked",
        method="quic.timeout",
        when=_SILENT & when,
        evidence=f"{_WHAT}; {evidence}",
        confidence=confidence,
        source=source,
    )


def _unsaid(word: str, reason: str, when: Expr, evidence: str, confidence: float, source: str) -> Rule:
    return Rule(
        id=f"quic.{word}",
        layer="quic",
        status="inconclusive",
        reason=reason,
        when=when,
        evidence=evidence,
        confidence=confidence,
        source=source,
    )


QUIC = (
    Rule(
        id="quic.ok",
        layer="quic",
        status="ok",
        when=F("quic") == "ok",
        evidence="{host}: a QUIC handshake with a valid certificate",
        confidence=0.95,
        source="RFC 9001 4.4: the server is authenticated by its certificate",
    ),
    _blocked(
        "name",
        F("quic_control_sni") == "answered",
        "another name at the same address got one",
        0.9,
        "the reasoning of OONI's sni_blocking, over QUIC; Elmenhorst et al., IMC 2021",
    ),
    Rule(
        id="quic.timeout.residual",
        layer="quic",
        status="blocked",
        method="quic.timeout",
        # Two silences as well: the name's, and the control's after it.
        when=(F("quic") == "timeout") & F("quic_residual") & (F("quic_control_sni") == "answered"),
        evidence="{host}: its name got no answer over QUIC, and after it another name, which had passed at "
        "the same address, got none either",
        confidence=0.9,
        source="Zohaib et al., USENIX Security 2025: the filter goes on dropping for 180 s",
    ),
    _blocked(
        "anywhere",
        (F("quic_neutral_control") == "answered") & (F("quic_neutral_test") == "silent"),
        "at an address that has nothing to do with it another name got one, and this name did not",
        0.9,
        "the reasoning of OONI's sni_blocking, over QUIC",
    ),
    _unsaid(
        "udp_443",
        "udp_443",
        _UNANSWERED & _NOTHING_HERE & F("quic_neutral_versions").any_of("silent", "refused"),
        "no datagram to UDP port 443 is answered on this line, whoever is asked: not about {host}",
        0.8,
        "Elmenhorst et al., IMC 2021: UDP endpoint blocking; RFC 9308 2: networks that block UDP",
    ),
    _unsaid(
        "everywhere",
        "quic_everywhere",
        _UNANSWERED & (F("quic_neutral_versions") == "answered") & (F("quic_neutral_control") == "silent"),
        "UDP port 443 answers, but no QUIC handshake does, whatever the name: not about {host}",
        0.8,
        "Xue et al., IMC 2022: Russia's filter drops QUIC version 1 by its first packet, whoever is meant",
    ),
    _blocked(
        "versions",
        F("quic_versions") == "answered",
        "yet the server there answers QUIC packets that carry no name",
        0.8,
        "RFC 9000 6.1: whoever negotiates versions speaks QUIC; OONI's quicping",
    ),
    _blocked(
        "helper",
        (F("quic_tcp") == "ok") & (F("quic_helper") == "ok"),
        "TCP works here, and QUIC works from elsewhere at the same address",
        0.8,
        "OONI web_connectivity: a control from elsewhere",
    ),
    _unsaid(
        "no_quic",
        "no_quic",
        _UNANSWERED & _NOTHING_HERE & _NEVER_SAID_SO,
        "{host}: no QUIC server answers here (versions {quic_versions}, another name {quic_control_sni}, "
        "offered over TCP: {quic_advertised}, from elsewhere: {quic_helper})",
        0.8,
        "RFC 9114 3.1.1: a server offers HTTP/3 by Alt-Svc; most have none",
    ),
    _unsaid(
        "certificate",
        "quic_certificate",
        F("quic").any_of("foreign_certificate", "invalid_certificate"),
        "{host}: over QUIC a certificate that does not hold ({quic_failure})",
        0.7,
        "the site's own fault and an interception look alike without a control",
    ),
    _unsaid(
        "no_control",
        "no_control",
        ~F("quic").any_of("ok", "not_looked"),
        "{host}: QUIC fails ({quic_failure}) in {quic_tries} tries, and nothing says how it goes elsewhere "
        "(offered over TCP: {quic_advertised})",
        1.0,
        "ooni/explorer 764: without a control, neither blocked nor accessible",
    ),
    _unsaid(
        "not_reached",
        "no_address",
        (F("test") == "quic") & F("looked"),
        "{host}: no address was found to shake hands with",
        1.0,
        "what names and addresses are interfered with, the web test tells",
    ),
)
