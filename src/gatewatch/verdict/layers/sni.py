"""Rules about the ``sni`` probe alone; how a name is cut, the rules about second controls say."""

from __future__ import annotations

from gatewatch.verdict.evidence.sni import SNI_TEST
from gatewatch.verdict.expr import F
from gatewatch.verdict.rule import Rule

_HERE = F("test") == SNI_TEST

SNI = (
    Rule(
        id="tls.sni.ok",
        layer="tls",
        status="ok",
        when=_HERE & (F("tls") == "ok") & ~F("second_elsewhere").any_of("reset", "eof", "timeout"),
        evidence="{host}: its name is answered like a control name",
        # A ServerHello is not the site's page, and not proof of whose it is.
        confidence=0.8,
        source="OONI sni_blocking: success.got_server_hello",
    ),
    Rule(
        id="tls.sni.elsewhere",
        layer="tls",
        status="inconclusive",
        reason="unstable",
        when=_HERE & (F("tls") == "ok"),
        evidence="{host}: its name passes at the site and ends in {second_elsewhere} at a neutral address",
        confidence=0.8,
        source="a filter of names that looks at addresses spares the site's last",
    ),
    Rule(
        id="tls.sni.once",
        layer="tls",
        status="inconclusive",
        reason="residual",
        when=_HERE
        & F("tls").any_of("reset", "eof", "timeout")
        & (F("second_again") == "not_looked")
        & ~F("second_elsewhere").any_of("reset", "eof", "timeout"),
        evidence="{host}: cut once ({tls}), and then no control name passed any more in the time there was",
        confidence=0.9,
        source="gatewatch.net.residual: a control must pass before a trigger is repeated",
    ),
    Rule(
        id="tls.sni.no_baseline",
        layer="tls",
        status="inconclusive",
        reason="no_control",
        when=_HERE & F("looked") & (F("tls") == "not_looked"),
        evidence="{host}: no address of it answers a control name ({second_sni})",
        confidence=1.0,
        source="ooni/explorer 764: without a control, neither blocked nor accessible",
    ),
    Rule(
        id="whole.sni.ech",
        layer="whole",
        status="note",
        method="tls.ech",
        # Only beside a verdict on the name itself: a note decides nothing.
        when=_HERE
        & F("tls").any_of("ok", "reset", "eof", "timeout")
        & F("sni_control_ech").any_of("reset", "eof", "timeout")
        & (F("second_sni") == "answered"),
        evidence="{host}: at its address a control name is answered, but with ECH beside it ends in "
        "{sni_control_ech}",
        confidence=0.8,
        source="OONI echcheck; net4people/bbs on Russia, November 2024: ECH of one content network is cut",
    ),
)
