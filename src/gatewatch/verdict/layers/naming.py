"""Rules about names: what the system's lookup gave, against everybody else's."""

from __future__ import annotations

from gatewatch.verdict.expr import F
from gatewatch.verdict.rule import Rule

_DENIED = F("dns_system").any_of("nxdomain", "no_answer")
_SILENT = F("dns_system") == "timeout"
_BROKEN = F("dns_system") == "error"
_ANSWERED = F("dns_system") == "addresses"
_CONTROL_RESOLVED = F("dns_control") == "addresses"
_CONTROL_DENIED = F("dns_control").any_of("nxdomain", "no_answer")
_CONTROL_FAILED = F("dns_control").any_of("timeout", "error")
# On a redirect's hop the control tells of no lookup, but whether its own fetch came through.
_CONTROL_CAME_THROUGH = (F("dns_control") == "not_looked") & (F("control_http") == "ok")
_CONTROL_STUCK_TOO = (F("dns_control") == "not_looked") & (F("control_http") == "failed")
# Somebody who cannot be forged on the way knows the name.
_ENCRYPTED_RESOLVED = F("dns_encrypted") == "addresses"
_EXISTS = _CONTROL_RESOLVED | F("dns_other_validated")
# The same without a control: only where it says nothing at all may an encrypted answer stand for it.
_EXISTS_ANYHOW = _EXISTS | (
    _ENCRYPTED_RESOLVED & (F("dns_control") == "not_looked") & (F("control_http") != "failed")
)
# Three unrelated names with one answer that nobody else gives (iMAP: more than two are a candidate).
_SHARED = F("dns_shared") >= 3
# An answer without any recommendation: no trusted address, no way to the site itself.
_STRANGE = _ANSWERED & ~F("dns_system_trusted") & ~F("dns_system_bogon") & ~F("http_leads_home")
_FOREIGN = _STRANGE & ~F("dns_system_shares_asn")
_FAILING = ("refused", "reset", "timeout", "unreachable", "failed")
_TLS_FAILING = ("reset", "eof", "timeout", "failed", "invalid_certificate")
# Of a redirect's hop the control tells no name, so that no answer there is strange; a content network near
# the visitor may speak another language, which over TLS it does as well.
_STRANGE_PAGE = (F("page") == "different") & (F("dns_control") != "not_looked") & (F("second_page") != "same")
# A page for a name whose own servers have none, here or for the control, while all others agree where it is.
_PAGE_OF_THE_DEAD = (
    F("dns_unanimous_against")
    & F("http_classic")
    & (F("http") == "ok")
    & (F("control_http") == "failed")
    & F("tcp_at_others").any_of(*_FAILING)
)

NAMING = (
    Rule(
        id="dns.filter",
        layer="dns",
        status="inconclusive",
        reason="own_filter",
        when=F("dns_sign_misleads") == "filter",
        evidence="{dns_system_answers} is what a filter of the line's own answers ({dns_sign})",
        confidence=0.9,
        source="fingerprints that mislead: Cisco Umbrella, pfBlockerNG, ad-blocking resolvers (iMAP, OONI)",
    ),
    Rule(
        id="dns.filter.alike",
        layer="dns",
        status="inconclusive",
        reason="own_filter",
        when=F("dns_filters_alike")
        & ~F("dns_system_trusted")
        & ~_CONTROL_DENIED
        & (F("dns_control") != "bogon")
        & (F("dns_encrypted") != "nxdomain"),
        evidence="{host}: {dns_system} {dns_system_answers}, as this resolver says of an advertiser, too: a "
        "filter that somebody chose",
        # Who filters advertisers may also censor, but one measurement does not tell one from the other.
        confidence=0.8,
        source="iMAP Thailand 2024: 0.0.0.0 for advertisers and others alike, from ad-blocking resolvers",
    ),
    Rule(
        id="dns.injected",
        layer="dns",
        status="blocked",
        method="dns.injected",
        when=F("dns_injected") & ~F("dns_system_trusted") & ~F("http_leads_home"),
        evidence="two answers to one query, the forged one first; the system was told {dns_system} "
        "{dns_system_answers}",
        confidence=0.95,
        source="RFC 1035 has one answer to a query; OONI x_dns_duplicate_responses; net4people/bbs",
    ),
    Rule(
        id="dns.injected.two",
        layer="dns",
        status="blocked",
        method="dns.injected",
        when=F("dns_two_senders")
        & ~F("dns_system_trusted")
        & ~F("dns_encrypted_agrees")
        & ~F("dns_system_in_control")
        & ~F("http_leads_home"),
        evidence="{host}: two answers to one query that exclude each other, from two distances; the system "
        "was told {dns_system} {dns_system_answers}",
        # No certificate and no control says which is the true one.
        confidence=0.75,
        source='Duan et al., SATIN 2012, "Hold-On": IP TTL and RTT tell who sent an answer',
    ),
    Rule(
        id="dns.down",
        layer="dns",
        status="down",
        when=(_DENIED | _SILENT | _BROKEN) & _CONTROL_DENIED & ~F("dns_other_validated"),
        evidence="{host}: the system's lookup gave {dns_system}, the control's {dns_control}",
        confidence=0.9,
        source="ooni/data: dns_system_failure_ctrl_also_failing (0.9 down)",
    ),
    Rule(
        id="dns.down.encrypted",
        layer="dns",
        status="down",
        when=_DENIED & ~_EXISTS & (F("dns_encrypted") == "nxdomain") & (F("control_http") != "ok"),
        evidence="{host}: no such name, says a resolver over an encrypted channel too",
        confidence=0.8,
        source="RFC 8484: nobody on the way can forge the answer",
    ),
    Rule(
        id="dns.down.control_failed",
        layer="dns",
        status="down",
        when=(_DENIED | _SILENT | _BROKEN)
        & ~F("dns_other_validated")
        & (_CONTROL_FAILED | _CONTROL_STUCK_TOO | (F("dns_control") == "bogon")),
        evidence="{host}: the system's lookup gave {dns_system}, and the control could not get there either",
        confidence=0.7,
        source="ooni/data: dns_system_failure_ctrl_also_failing",
    ),
    Rule(
        id="dns.no_ipv6",
        layer="dns",
        status="inconclusive",
        reason="no_ipv6",
        when=(F("dns_system") == "no_answer")
        & _CONTROL_RESOLVED
        & ~F("dns_control_ipv4")
        & ~F("dns_other_validated"),
        evidence="{host} has IPv6 addresses only, and getaddrinfo hides those from a line without IPv6",
        confidence=0.9,
        source="RFC 3493 6.1 AI_ADDRCONFIG; ooni/probe 2823",
    ),
    Rule(
        id="dns.nxdomain",
        layer="dns",
        status="blocked",
        method="dns.nxdomain",
        when=_DENIED & _EXISTS,
        evidence="{host}: the system's lookup gave {dns_system}, the control {dns_control_answers}",
        confidence=0.9,
        source="ooni/data: dns_system_failure_ctrl_ok (0.9); dns_other_validated decides without a control",
    ),
    Rule(
        id="dns.nxdomain.redirect",
        layer="dns",
        status="blocked",
        method="dns.nxdomain",
        when=_DENIED & _CONTROL_CAME_THROUGH & (F("dns_encrypted") != "nxdomain"),
        evidence="{host}, where a redirect led: {dns_system}; the control's fetch came through",
        # The site may redirect the control elsewhere.
        confidence=0.7,
        source="OONI QA redirectWithConsistentDNSAndThenNXDOMAIN",
    ),
    Rule(
        id="dns.nxdomain.encrypted",
        layer="dns",
        status="blocked",
        method="dns.nxdomain",
        when=_DENIED & _EXISTS_ANYHOW,
        evidence="{host}: the system's lookup gave {dns_system}; over an encrypted channel it has addresses; "
        "there is no control ({control_failure})",
        confidence=0.85,
        source="RFC 8484: nobody on the way can forge the answer; ooni/explorer 764",
    ),
    Rule(
        id="dns.timeout",
        layer="dns",
        status="blocked",
        method="dns.timeout",
        when=_SILENT & _EXISTS & (F("dns_public").any_of("addresses", "nxdomain", "no_answer")),
        evidence="{host}: only the system's resolver is silent; the control got {dns_control_answers}",
        confidence=0.8,
        source="ooni/data: dns_system_failure_ctrl_ok",
    ),
    Rule(
        id="dns.timeout.all",
        layer="dns",
        status="blocked",
        method="dns.timeout",
        when=_SILENT & (_EXISTS | _CONTROL_CAME_THROUGH),
        evidence="{host}: no plain DNS answer at all, while the control gets through ({dns_control_answers})",
        # Loss does the same, but loss of every try at one name while the control is reached is rare.
        confidence=0.6,
        source="ooni/data: dns_system_failure_ctrl_ok",
    ),
    Rule(
        id="dns.resolver_error",
        layer="dns",
        status="inconclusive",
        reason="resolver_error",
        when=_BROKEN & (_EXISTS | _CONTROL_CAME_THROUGH),
        evidence="{host}: {dns_system_failure} from the system's resolver, neither a lie nor silence",
        # DNSSEC and broken delegations fail so for some resolvers and not for others (RFC 4035 5.5).
        confidence=0.8,
        source="RFC 4035 5.5, RFC 8914",
    ),
    Rule(
        id="dns.no_control",
        layer="dns",
        status="inconclusive",
        reason="no_control",
        when=_DENIED | _SILENT | _BROKEN,
        evidence="{host}: the system's lookup gave {dns_system}, and there is no control ({control_failure})",
        confidence=1.0,
        source="ooni/explorer 764: without a control, neither blocked nor accessible",
    ),
    Rule(
        id="dns.bogon.everywhere",
        layer="dns",
        status="down",
        when=F("dns_system_bogon")
        & (
            (F("dns_control") == "bogon")
            | ((F("dns_control") == "not_looked") & (F("dns_encrypted") == "bogon"))
        ),
        evidence="{host} resolves to {dns_system_answers}, and to such addresses for everybody else",
        confidence=0.9,
        source="ooni/data: bogon_in_ctrl (0.9 down); OONI QA localhostWithHTTP",
    ),
    Rule(
        id="dns.bogon",
        layer="dns",
        status="blocked",
        method="dns.bogon",
        when=F("dns_system_bogon") & (_EXISTS | _CONTROL_CAME_THROUGH),
        evidence="{host}: the system was told {dns_system_answers}, the control {dns_control_answers}",
        confidence=0.95,
        source="ooni/data: bogon_not_in_ctrl (0.95); RFC 6890",
    ),
    Rule(
        id="dns.bogon.encrypted",
        layer="dns",
        status="blocked",
        method="dns.bogon",
        when=F("dns_system_bogon") & _EXISTS_ANYHOW,
        evidence="{host}: the system was told {dns_system_answers}; over an encrypted channel it has other "
        "addresses, and there is no control ({control_failure})",
        confidence=0.9,
        source="RFC 6890, RFC 8484; ooni/explorer 764",
    ),
    Rule(
        id="dns.bogon.ghost",
        layer="dns",
        status="blocked",
        method="dns.bogon",
        when=F("dns_system_bogon") & _CONTROL_DENIED,
        evidence="{host}: the control is told {dns_control}, the system {dns_system_answers}",
        # The name may be dead and the order against it still in force, or a filter of the line's own speaks.
        confidence=0.6,
        source="OONI QA ghostDNSBlocking",
    ),
    Rule(
        id="dns.bogon.no_control",
        layer="dns",
        status="inconclusive",
        reason="no_control",
        when=F("dns_system_bogon"),
        evidence="{host}: the system was told {dns_system_answers}; there is no control ({control_failure})",
        # Some owners point their own names there: only a control tells.
        confidence=1.0,
        source="iMAP Cambodia 2024: 127.0.0.1 counts where the control differs",
    ),
    Rule(
        id="dns.rewritten",
        layer="dns",
        status="down",
        when=F("dns_rewritten")
        & ~F("dns_system_trusted")
        & (_CONTROL_DENIED | ((F("dns_encrypted") == "nxdomain") & ~_EXISTS)),
        evidence="{host} does not exist; this resolver answers {dns_system_answers} for any such name",
        confidence=0.9,
        source="Weaver et al., FOCI 2011, on redirecting DNS for advertisements: random names tell",
    ),
    Rule(
        id="dns.rewritten.nxdomain",
        layer="dns",
        status="blocked",
        method="dns.nxdomain",
        when=F("dns_rewritten") & ~F("dns_system_trusted") & _EXISTS_ANYHOW,
        evidence="{host}: {dns_system_answers} is what this resolver answers where it finds no such name; "
        "but there is one",
        confidence=0.8,
        source="fingerprint kh.metfone.nxdomain: NXDOMAIN, then rewritten",
    ),
    Rule(
        id="dns.rewritten.no_control",
        layer="dns",
        status="inconclusive",
        reason="no_control",
        when=F("dns_rewritten") & ~F("dns_system_trusted"),
        evidence="{host}: {dns_system_answers} is what this resolver answers where it finds no such name; "
        "there is no control ({control_failure})",
        confidence=1.0,
        source="fingerprint kh.metfone.nxdomain: dead names and forbidden ones look alike",
    ),
    Rule(
        id="dns.rewriting",
        layer="dns",
        status="down",
        when=(F("dns_sign_misleads") == "rewriting") & _CONTROL_DENIED,
        evidence="{host} does not exist, and this resolver then answers {dns_system_answers} ({dns_sign})",
        confidence=0.7,
        source="fingerprint kh.metfone.nxdomain",
    ),
    Rule(
        id="dns.redirect.sign",
        layer="dns",
        status="blocked",
        method="dns.redirect",
        when=_STRANGE & (F("dns_sign") != "") & (F("dns_sign_misleads") == ""),
        evidence="{host}: {dns_system_answers} is a known forged answer ({dns_sign})",
        confidence=0.95,
        source="ooni/data: country_consistent_blockpage (1.0); table of fingerprints",
    ),
    Rule(
        id="dns.redirect.ghost.checked",
        layer="dns",
        status="blocked",
        method="dns.redirect",
        when=_STRANGE & _CONTROL_DENIED & ~F("dns_encrypted_agrees") & F("dns_denies_random"),
        evidence="{host}: the control is told {dns_control}, the system {dns_system_answers}; random names "
        "are denied as they should be",
        confidence=0.8,
        source="OONI QA ghostDNSBlocking; a random name is the control of a dead one",
    ),
    Rule(
        id="dns.redirect.ghost",
        layer="dns",
        status="blocked",
        method="dns.redirect",
        when=_STRANGE & _CONTROL_DENIED & ~F("dns_encrypted_agrees"),
        evidence="{host}: the control is told {dns_control}, the system {dns_system_answers}",
        # Resolvers that sell mistyped names do the same: a random name tells, one measurement does not.
        confidence=0.6,
        source="OONI QA ghostDNSBlocking",
    ),
    Rule(
        id="dns.redirect.disowned",
        layer="dns",
        status="blocked",
        method="dns.redirect",
        when=_STRANGE & F("dns_system_disowned"),
        evidence="{host}: at {dns_system_answers} not even the control finds the site, which is at "
        "{dns_control_answers}",
        confidence=0.9,
        source="ooni/data: tls_inconsistent_not_in_ctrl (0.9)",
    ),
    Rule(
        id="dns.redirect.certificate",
        layer="dns",
        status="blocked",
        method="dns.redirect",
        when=_STRANGE
        & (F("tls_at_system") == "foreign_certificate")
        & (
            (F("tls_at_others") == "ok") | (_CONTROL_RESOLVED & (F("tls_at_others") != "foreign_certificate"))
        ),
        evidence="{host}: {dns_system_answers} shows a certificate of another name or authority",
        confidence=0.9,
        source="ooni/data: tls_inconsistent_not_in_ctrl (0.9); OONI QA badSSL*WithInconsistentDNS",
    ),
    Rule(
        id="dns.redirect.shared",
        layer="dns",
        status="blocked",
        method="dns.redirect",
        when=_STRANGE
        & _SHARED
        & ~F("dns_system_in_control")
        & ~F("dns_encrypted_agrees")
        # A content network's address that is blocked fails for many names, too; but all resolvers give it.
        & ~F("dns_public_agrees")
        & (
            (F("tls_at_system") == "foreign_certificate")
            | F("tcp_at_system").any_of(*_FAILING)
            | _PAGE_OF_THE_DEAD
        ),
        evidence="{host}: {dns_system_answers} for {dns_shared} unrelated names, and no site of theirs: "
        "tcp {tcp_at_system}, tls {tls_at_system}",
        confidence=0.8,
        source="iMAP (Sinar Project) 2024: one answer for over two names is a candidate, over ten suspicious",
    ),
    Rule(
        id="dns.redirect.page",
        layer="dns",
        status="blocked",
        method="dns.redirect",
        when=_STRANGE
        & F("http_classic")
        & (_STRANGE_PAGE | ((F("http_sign") != "") & (F("http_sign_misleads") == ""))),
        evidence="{host}: {dns_system_answers} serves another page than the site's",
        confidence=0.9,
        source="two independent signs: a strange answer and a strange page",
    ),
    Rule(
        id="dns.redirect.unreachable",
        layer="dns",
        status="blocked",
        method="dns.redirect",
        when=_FOREIGN
        & (
            (F("tcp_at_system").any_of(*_FAILING) & (F("tcp_at_others") == "ok"))
            | (F("tls_at_system").any_of(*_TLS_FAILING) & (F("tls_at_others") == "ok"))
        ),
        evidence="{host}: no site at {dns_system_answers} (another network), one at {dns_control_answers}",
        confidence=0.8,
        source="ooni/data: dns_system_answer_unmatched (0.75), and here the answer does not work",
    ),
    Rule(
        id="dns.redirect.outvoted",
        layer="dns",
        status="blocked",
        method="dns.redirect",
        # Where the others' address has no page either, the site is down, and its caches by country as well.
        # And an answer that works may be a cache near by: a certificate, silence or the page must speak.
        when=_STRANGE
        & F("dns_unanimous_against")
        & (F("page") != "same")
        & (F("control_http") != "failed")
        & (
            F("tcp_at_system").any_of(*_FAILING)
            | F("tls_at_system").any_of("foreign_certificate", *_TLS_FAILING)
            | _STRANGE_PAGE
        )
        # Without a control the answer is to blame only where another one works: what cuts the name at every
        # address is another business, and caches by country differ for everybody.
        & (
            F("control")
            | (F("tls_at_others") == "ok")
            | (
                F("tcp_at_system").any_of(*_FAILING)
                & (F("tcp_at_others") == "ok")
                & (F("tls_at_others") == "not_looked")
            )
        ),
        evidence="{host}: all others give {dns_control_answers}, the system's lookup {dns_system_answers}",
        # A name with one and the same answer everywhere is not spread over a network of caches.
        confidence=0.7,
        source="ooni/data: dns_system_answer_unmatched (0.75)",
    ),
)
