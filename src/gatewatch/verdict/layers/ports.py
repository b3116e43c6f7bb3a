"""Rules about the ``ports`` probe: services whose usual ports are cut, where unrelated ones pass.

What it says is about the line, not about the target beside which it was measured: so nothing here is called
blocked.
"""

from __future__ import annotations

from gatewatch.verdict.evidence.ports import TEST
from gatewatch.verdict.expr import F
from gatewatch.verdict.rule import Rule

_HERE = F("test") == TEST
_CUT = ("refused", "timeout", "reset")
_ANY_CUT = F("ports_tcp").any_of(*_CUT) | F("ports_udp").any_of(*_CUT)


def _cut(transport: str, word: str) -> Rule:
    return Rule(
        id=f"whole.ports.{transport}.{word}",
        layer="whole",
        status="tampered",
        method=f"{transport}.{word}",
        when=_HERE
        & (F("ports_base") == "passed")
        & (F(f"ports_{transport}") == word)
        & (F(f"ports_{transport}_controls") == "passed"),
        evidence="a helper answers on these ports, and they are cut, twice: {ports_cut}; ports of other "
        "services at the same address pass",
        # The helper's own provider may cut them, too: another line tells.
        confidence=0.8,
        source="OONI's port filtering test, never written (ooni/probe-cli portfiltering): a helper's ports",
    )


PORTS = (
    Rule(
        id="whole.ports.no_helper",
        layer="whole",
        status="inconclusive",
        reason="no_cooperating_server",
        when=_HERE & (F("ports_base") == "not_looked"),
        evidence="no helper that answers on ports of tunnels was reached (its own port: {ports_base})",
        confidence=1.0,
        source="docs/helper.md: --ports",
    ),
    Rule(
        id="whole.ports.base",
        layer="whole",
        status="inconclusive",
        reason="unstable",
        when=_HERE & (F("ports_base") == "failed"),
        evidence="{host}: its own port did not answer each time, so that nothing can be said of the others",
        confidence=1.0,
        source="ooni/explorer 764: without a control, neither blocked nor accessible",
    ),
    *(_cut("tcp", word) for word in _CUT),
    *(_cut("udp", word) for word in ("timeout", "refused")),
    Rule(
        id="whole.ports.firewall",
        layer="whole",
        status="inconclusive",
        reason="firewall",
        when=_HERE
        & (
            (F("ports_tcp").any_of(*_CUT) & (F("ports_tcp_controls") == "cut"))
            | (F("ports_udp").any_of(*_CUT) & (F("ports_udp_controls") == "cut"))
        ),
        evidence="{ports_cut} cut, and so are ports that have nothing to do with it: {ports_cut_controls}; a "
        "firewall of this line, or in front of the helper",
        confidence=0.9,
        source="RFC 2979 2: firewalls let pass what they know",
    ),
    Rule(
        id="whole.ports.no_control",
        layer="whole",
        status="inconclusive",
        reason="no_control",
        when=_HERE & _ANY_CUT,
        evidence="{ports_cut} cut, and too few ports of other services were looked at to compare with",
        confidence=0.9,
        source="ooni/explorer 764: without a control, neither blocked nor accessible",
    ),
    Rule(
        id="whole.ports.ok",
        layer="whole",
        status="ok",
        when=_HERE & ((F("ports_tcp") == "ok") | (F("ports_udp") == "ok")),
        evidence="ports of tunnels and of private DNS that answered: {ports_answered}",
        # The ports are free; that says nothing of the protocols, which a filter may read.
        confidence=0.9,
        source="OONI's port filtering test, never written (ooni/probe-cli portfiltering)",
    ),
    Rule(
        id="whole.ports.unclear",
        layer="whole",
        status="inconclusive",
        reason="unstable",
        when=_HERE,
        evidence="no port of a tunnel was cut twice; ports that answered: {ports_answered}",
        confidence=0.9,
        source="what is cut must show twice (docs/verdicts.md)",
    ),
)
