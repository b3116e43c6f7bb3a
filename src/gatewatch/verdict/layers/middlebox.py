"""Rules about the ``middlebox`` probe: who rewrites plain HTTP on this line, and how a filter reads Host."""

from __future__ import annotations

from gatewatch.verdict.evidence.middlebox import TEST
from gatewatch.verdict.expr import F
from gatewatch.verdict.rule import Rule

_HERE = F("test") == TEST


def _cut(word: str) -> Rule:
    return Rule(
        id=f"http.middlebox.{word}",
        layer="http",
        status="blocked",
        method=f"http.{word}",
        when=_HERE & (F("middlebox_host") == word),
        evidence=f"{{host}}: {word} twice for this Host, where another is answered at the same address; "
        "spellings that passed: {middlebox_host_passed}",
        # A server may treat one name so, though seldom, and never by its spelling.
        confidence=0.75,
        source="CenTrace (Sundara Raman et al., CoNEXT 2022): a control Host to the same address",
    )


MIDDLEBOX = (
    *(_cut(word) for word in ("reset", "eof", "timeout")),
    Rule(
        id="http.middlebox.page",
        layer="http",
        status="blocked",
        method="http.blockpage",
        when=_HERE & (F("middlebox_host") == "differs"),
        evidence="{host}: one page for this Host, twice, and another for spellings that mean the same "
        "({middlebox_host_passed})",
        confidence=0.8,
        source="RFC 9110 4.2.3: no server tells them apart; OONI http_host",
    ),
    Rule(
        id="http.middlebox.sooner",
        layer="http",
        status="blocked",
        method="http.blockpage",
        when=_HERE & (F("middlebox_host") == "sooner"),
        evidence="{host}: the answer came sooner than a packet goes to the site and back, twice; to another "
        "Host at the same address it did not",
        confidence=0.8,
        source="the site answers from where it is; CenTrace (CoNEXT 2022) finds injectors by their distance",
    ),
    Rule(
        id="whole.middlebox.rewritten",
        layer="whole",
        status="tampered",
        method="http.proxied",
        when=_HERE & (F("middlebox_echo") == "changed"),
        evidence="a helper got a request otherwise than it was sent: {middlebox_changes}",
        confidence=0.95,
        source="OONI http_header_field_manipulation",
    ),
    Rule(
        id="whole.middlebox.answered",
        layer="whole",
        status="tampered",
        method="http.proxied",
        when=_HERE & F("middlebox_odd").any_of("answered", "changed"),
        evidence="a helper tells requests back, but odd first lines came to somebody else "
        "({middlebox_odd_answer})",
        confidence=0.85,
        source="OONI http_invalid_request_line",
    ),
    Rule(
        id="whole.middlebox.sooner",
        layer="whole",
        status="tampered",
        method="http.proxied",
        when=_HERE & F("middlebox_early"),
        evidence="an answer to plain HTTP came sooner than a packet goes to that server and back "
        "({middlebox_early_by})",
        # A load balancer in front of one port only would look so, too.
        confidence=0.7,
        source='Weaver et al., PAM 2014, "Here Be Web Proxies": they answer in the servers\' place',
    ),
    Rule(
        id="whole.middlebox.none",
        layer="whole",
        status="ok",
        when=_HERE & (F("middlebox_echo") == "same"),
        evidence="a helper got requests as they were sent; odd first lines to it: {middlebox_odd}",
        confidence=0.9,
        source="OONI http_header_field_manipulation",
    ),
    Rule(
        id="whole.middlebox.no_helper",
        layer="whole",
        status="inconclusive",
        reason="no_cooperating_server",
        when=_HERE,
        evidence="no helper that tells requests back was reached; the site's name as Host: {middlebox_host}",
        confidence=1.0,
        source="docs/helper.md: --echo-port",
    ),
)
