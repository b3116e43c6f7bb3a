"""Rules about the ``contrast`` probe: a name is blocked only where it meets interference on some way."""

from __future__ import annotations

from gatewatch.verdict.evidence.contrast import CANNOT_TELL, NEITHER, TEST
from gatewatch.verdict.expr import F
from gatewatch.verdict.rule import Rule

_HERE = F("test") == TEST
_SOURCE = "OONI sni_blocking (a name at a server that does not know it); Xue et al., IMC 2022"
# How sure a word is: a page may be the server's own after all.
_CUTS = (
    *(("tls", word, f"tls.{word}", 0.9) for word in ("reset", "eof", "timeout")),
    *(("http", word, f"http.{word}", 0.9) for word in ("reset", "eof", "timeout")),
    ("http", "page", "http.blockpage", 0.7),
    ("dns", "answered", "dns.injected", 0.9),
)

CONTRAST = (
    *(
        Rule(
            id=f"{layer}.contrast.{word}",
            layer=layer,
            status="blocked",
            method=method,
            when=_HERE & (F(f"contrast_{layer}_word") == word),
            evidence="{host}: its name meets interference on the way to servers that are not its own: "
            "{contrast_said}",
            confidence=confidence,
            source=_SOURCE,
        )
        for layer, word, method, confidence in _CUTS
    ),
    Rule(
        id="whole.contrast.once",
        layer="whole",
        status="inconclusive",
        reason="residual",
        when=_HERE & F("contrast_once"),
        evidence="{host}: its name was cut once, which may have been chance: {contrast_said}",
        confidence=0.9,
        source="gatewatch.net.residual: a control must pass before a trigger is repeated",
    ),
    Rule(
        id="whole.contrast.passes",
        layer="whole",
        status="ok",
        when=_HERE
        & ((F("contrast_tls") == NEITHER) | (F("contrast_http") == NEITHER) | (F("contrast_dns") == NEITHER)),
        evidence="{host}: its name passes to servers that are not its own: {contrast_said}",
        # Names only: the site's own address, and its resolver, are not asked.
        confidence=0.6,
        source="OONI sni_blocking: success",
    ),
    Rule(
        id="whole.contrast.cannot_tell",
        layer="whole",
        status="inconclusive",
        reason="no_contrast",
        when=_HERE
        & F("looked")
        & (
            (F("contrast_tls") == CANNOT_TELL)
            | (F("contrast_http") == CANNOT_TELL)
            | (F("contrast_dns") == CANNOT_TELL)
        ),
        evidence="{host}: no contrast can be drawn: {contrast_said}",
        confidence=1.0,
        source="ooni/explorer 764: without a control, neither blocked nor accessible",
    ),
)
