"""Rules about second controls: what this line alone can tell, when no helper answers, or better with one.

They come before the rules that need a control from outside, and are less sure than those.
"""

from __future__ import annotations

from gatewatch.verdict.expr import Expr, F
from gatewatch.verdict.rule import Rule

_ALONE = ~F("control")
_WORDS = ("reset", "eof", "timeout")
_CUT = F("tls").any_of(*_WORDS)
_FOREIGN = F("tls") == "foreign_certificate"
_HTTP_CUT = F("http").any_of(*_WORDS)
_OWN_FAULT = F("tls_control").any_of("certificate", "failed")
_PLAIN = (F("http") == "ok") & ~F("http_secure")


def _elsewhere(word: str) -> Rule:
    return Rule(
        id=f"tls.{word}.elsewhere",
        layer="tls",
        status="blocked",
        method=f"tls.{word}",
        when=_ALONE & (F("tls") == word) & F("second_elsewhere").any_of(*_WORDS),
        evidence="{host}: TLS {tls} here, and {second_elsewhere} where the name was sent to a server that "
        "has nothing to do with it and answers other names; another name at the site's address: "
        "{second_sni}{sni_reads}",
        confidence=0.8,
        source="OONI sni_blocking: a name that is cut on the way to a server that does not know it",
    )


def _name(word: str) -> Rule:
    return Rule(
        id=f"tls.{word}.name",
        layer="tls",
        status="blocked",
        method=f"tls.{word}",
        when=_ALONE
        & (F("tls") == word)
        & (F("second_sni") == "answered")
        & F("second_again").any_of(*_WORDS)
        & F("second_elsewhere").any_of("not_looked", "unusable"),
        evidence="{host}: TLS {tls} here before and after another name was answered at the same address"
        "{sni_reads}",
        # A server may treat one of its own names so, though seldom; nothing neutral could be asked.
        confidence=0.65,
        source="CenTrace (Sundara Raman et al., CoNEXT 2022): a control name to the same address",
    )


def _mostly(word: str) -> Rule:
    return Rule(
        id=f"tls.{word}.mostly",
        layer="tls",
        status="blocked",
        method=f"tls.{word}",
        when=(F("tls_mostly") == word) & F("second_elsewhere").any_of(*_WORDS),
        evidence="{host}: most handshakes end in {tls_mostly}, and {second_elsewhere} where the name was "
        "sent to a server that has nothing to do with it; the control: {tls_control}",
        # A forged RST may be lost, or come too late.
        confidence=0.75,
        source="Weaver et al., NDSS 2009: injected resets race the true packets",
    )


def _host(word: str) -> Rule:
    when = (
        _ALONE
        & (F("http") == word)
        & (F("second_host") == "answered")
        & F("second_host_again").any_of(*_WORDS)
    )
    if word == "timeout":
        # Where the same name's front page is answered, it is not the name that brings silence: a server may
        # be silent about one of its pages, though it seldom resets a connection over one.
        when = when & (F("second_front") != "answered")
    return Rule(
        id=f"http.{word}.host",
        layer="http",
        status="blocked",
        method=f"http.{word}",
        when=when,
        evidence="{host}: {http} before and after another Host was answered at the same address; "
        "https there: {second_https}",
        confidence=0.7,
        source="CenTrace (Sundara Raman et al., CoNEXT 2022): a control Host to the same address",
    )


def _residual(layer: str, cut: Expr, control: str) -> Rule:
    return Rule(
        id=f"{layer}.residual",
        layer=layer,
        status="inconclusive",
        reason="residual",
        when=F("residue") & cut & ~F(control).any_of("failed", "certificate"),
        evidence=f"{{host}}: {{{layer}}}, but another site's name had been cut at this address, and no "
        "control name passed there since",
        confidence=0.9,
        source="Bock et al., WOOT 2021: residual censorship of addresses",
    )


SECOND = (
    _residual("tcp", F("tcp").any_of("refused", "reset", "timeout"), "tcp_control"),
    _residual("tls", _CUT, "tls_control"),
    _residual("http", _HTTP_CUT, "control_http"),
    Rule(
        id="tcp.refused.nearer",
        layer="tcp",
        status="blocked",
        method="tcp.refused",
        when=_ALONE & F("tcp").any_of("refused", "reset") & F("second_nearer"),
        evidence="{host}: the refusal comes from nearer than the server, which answers on its other port",
        confidence=0.8,
        source="RFC 791 3.2: a packet whose time to live ran out was not answered by its destination",
    ),
    Rule(
        id="tls.wrong_clock",
        layer="tls",
        status="inconclusive",
        reason="wrong_clock",
        when=(F("tls") == "invalid_certificate") & (F("clock") == "wrong"),
        evidence="{host}: a certificate out of date by this machine's clock, which is wrong",
        confidence=0.95,
        source='Acer et al., CCS 2017, "Where the Wild Warnings Are": wrong clocks',
    ),
    Rule(
        id="tls.unstable",
        layer="tls",
        status="inconclusive",
        reason="unstable",
        when=_CUT & (F("second_again") == "answered"),
        evidence="{host}: TLS {tls}, but a third try was answered",
        confidence=0.9,
        source="a block shows every time",
    ),
    Rule(
        id="tls.intercepted_line",
        layer="tls",
        status="inconclusive",
        reason="intercepted_line",
        when=_ALONE & _FOREIGN & (F("second_line") == "forged"),
        evidence="{host}: certificates are replaced on all of this line ({tls_issuer}): by a company's "
        "proxy, a virus scanner, or whoever owns the network",
        confidence=0.85,
        source="Durumeric et al., NDSS 2017: interception by products on the client's side",
    ),
    Rule(
        id="tls.old_trust",
        layer="tls",
        status="inconclusive",
        reason="old_trust_store",
        when=_FOREIGN
        & F("tls_logged")
        & (F("tls_failure") == "ssl_unknown_authority")
        & (F("second_chain") != "forged")
        & ~_OWN_FAULT,
        evidence="{host}: a certificate from public logs, signed by {tls_issuer}, that this machine does not "
        "know: its list of authorities is old",
        confidence=0.75,
        source="RFC 6962 3.3; ooni/data: Signal's change of root was scored as blocking everywhere",
    ),
    Rule(
        id="tls.mitm.forged",
        layer="tls",
        status="blocked",
        method="tls.mitm",
        when=_FOREIGN & (F("second_chain") == "forged") & ~_OWN_FAULT,
        evidence="{host}: certificates are made up on the way ({tls_issuer}): for another name at the same "
        "address, or for this one at a server that has nothing to do with it; the control: {tls_control}",
        confidence=0.9,
        source="Sundara Raman et al., IMC 2020 (Kazakhstan): a root of its own signs whatever is asked for",
    ),
    *map(_elsewhere, _WORDS),
    *map(_name, _WORDS),
    *map(_mostly, _WORDS),
    Rule(
        id="tls.name_here",
        layer="tls",
        status="inconclusive",
        reason="name_at_address",
        when=_ALONE & _CUT & (F("second_sni") == "answered") & (F("second_elsewhere") == "answered"),
        evidence="{host}: TLS {tls} at the site's address alone, where another name is answered: a filter of "
        "names and addresses, or the server itself{sni_reads}",
        confidence=0.9,
        source="ooni/explorer 764: without a control, neither blocked nor accessible",
    ),
    Rule(
        id="http.unstable",
        layer="http",
        status="inconclusive",
        reason="unstable",
        when=_HTTP_CUT & (F("second_host_again") == "answered"),
        evidence="{host}: {http}, but a third try was answered",
        confidence=0.9,
        source="a block shows every time",
    ),
    *map(_host, _WORDS),
    Rule(
        id="http.blockpage.own",
        layer="http",
        status="blocked",
        method="http.blockpage",
        when=_ALONE & _PLAIN & (F("second_page") == "notice") & ~F("second_page_default"),
        evidence="{host}: over http a short page that is not the site's own over https at the same address",
        # Some servers do give a notice of their own over http.
        confidence=0.6,
        source="Jones et al., IMC 2014, with the site's own secure page in place of a control's",
    ),
    Rule(
        id="whole.ok.own",
        layer="whole",
        status="ok",
        when=_ALONE & _PLAIN & (F("second_page") == "same"),
        evidence="{host}: over http the page that the site itself gives over https at the same address",
        confidence=0.85,
        source="RFC 8446: nobody on the way wrote the page it is compared with",
    ),
)
