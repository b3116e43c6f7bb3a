"""Rules about HTTP, and what remains to be said when no layer had anything against it."""

from __future__ import annotations

from gatewatch.verdict.expr import Expr, F
from gatewatch.verdict.rule import Rule

_CONTROL_OK = F("control_http") == "ok"
_CAME = F("http") == "ok"
_PLAIN = _CAME & ~F("http_secure")
# Statuses with which a server turns a visitor away: unauthorised, forbidden, too many requests, legal reasons
# (RFC 9110 15.5, RFC 6585 4, RFC 7725 3), unavailable (RFC 9110 15.6.4).
_AWAY = (
    (F("http_status") == 401)
    | (F("http_status") == 403)
    | (F("http_status") == 429)
    | (F("http_status") == 451)
    | (F("http_status") == 503)
)
_CONTROL_WELCOME = (F("control_http_status") >= 200) & (F("control_http_status") < 400)
# Networks that put caches into other networks, which then answer under the host's own number: Google,
# Netflix, Meta, Akamai (Gigis et al., SIGCOMM 2021, "Seven Years in the Life of Hypergiants' Off-Nets").
_OFF_NETS = (15169, 36040, 2906, 40027, 32934, 63293, 20940, 16625, 12222)


# A page that quotes a block page, or names a product, is the site's own where it is the control's.
_NOT_THE_SITE = (F("page") != "same") & (F("page_title") != "same")
_TRUE_SIGN = (F("http_sign") != "") & (F("http_sign_misleads") == "") & ~F("http_secure") & _NOT_THE_SITE
# A sign that many notices bear, or of another country, does not decide alone (signs.py: 0.5, and 0.2 less).
_WEAK = 0.7


# Over TLS the site itself gives this very page here: a language chosen by country, a front page of the hour.
_NOT_OWN = F("second_page") != "same"
# Less than this share of the page's length: the text of a notice beside that of a page (Jones et al.: block
# pages differ by more than 30 % of length in 95 % of cases; the less is left, the fewer true pages do).
_A_SCRAP = 0.3


def _off_net() -> Expr:
    found: Expr = F("dns_trusted_asn") == 0
    for asn in _OFF_NETS:
        found = found | (F("dns_trusted_asn") == asn)
    return found


def _cut(word: str, confidence: float) -> Rule:
    return Rule(
        id=f"http.{word}",
        layer="http",
        status="blocked",
        method=f"http.{word}",
        when=(F("http") == word) & _CONTROL_OK,
        evidence=f"{{host}}: {word} after the request ({{http_failure}}); the control got its "
        f"page{{http_front}}",
        confidence=confidence,
        source="OONI web_connectivity: http-failure, named by what happened",
    )


CONTENT = (
    Rule(
        id="http.blockpage.sign",
        layer="http",
        status="blocked",
        method="http.blockpage",
        when=_TRUE_SIGN & (F("http_sign_confidence") > _WEAK),
        evidence="{host}: a known block page ({http_sign})",
        confidence=0.95,
        source="table of fingerprints; OONI's and Censored Planet's lists where given",
    ),
    Rule(
        id="http.blockpage.weak_sign",
        layer="http",
        status="blocked",
        method="http.blockpage",
        when=_TRUE_SIGN & (F("page_body") == "different") & F("page_short") & _CONTROL_OK,
        evidence="{host}: words of block pages elsewhere ({http_sign}) on a short page "
        "({page_proportion} of the control's length)",
        confidence=0.75,
        source="Censored Planet's generic classes e and f: never alone",
    ),
    Rule(
        id="http.filter",
        layer="http",
        status="inconclusive",
        reason="own_filter",
        when=(F("http_sign_misleads") == "filter") & _NOT_THE_SITE,
        evidence="{host}: the page of a product or of a local network ({http_sign})",
        confidence=0.7,
        source="fingerprints that mislead: school firewalls, resolver products",
    ),
    Rule(
        id="http.challenge",
        layer="http",
        status="server_side",
        when=F("http_challenge") != "",
        evidence="{host}: status {http_status}, the server turns its visitor away or wants "
        "a proof ({http_challenge})",
        confidence=0.9,
        source="ooni/probe 2661, 1734; OONI QA cloudflareCAPTCHA*",
    ),
    Rule(
        id="http.down",
        layer="http",
        status="down",
        when=F("http").any_of("reset", "eof", "timeout", "slow", "failed", "redirect_loop", "bad_redirect")
        & (F("control_http") == "failed"),
        evidence="{host}: {http} ({http_failure}); the control got no page either ({control_http_failure})",
        confidence=0.8,
        source="OONI QA redirectWithMoreThanTenRedirects*",
    ),
    _cut("reset", 0.9),
    _cut("eof", 0.8),
    _cut("timeout", 0.75),
    Rule(
        id="http.slow",
        layer="http",
        status="inconclusive",
        reason="slow",
        when=(F("http") == "slow") & _CONTROL_OK,
        evidence="{host}: the page had begun when time ran out; the control got {control_http_status}",
        # One slow transfer is a poor line or throttling; the throttle probe compares with a control transfer.
        confidence=0.8,
        source="OONI QA throttling*; ooni/probe 2668",
    ),
    Rule(
        id="http.odd_redirect.server",
        layer="http",
        status="server_side",
        when=F("http").any_of("bad_redirect", "redirect_loop") & (F("scheme") == "https") & _CONTROL_OK,
        evidence="{host}: {http} over valid TLS: the server itself treats this client otherwise",
        confidence=0.8,
        source="OONI QA redirectWithBrokenLocation*",
    ),
    Rule(
        id="http.odd_redirect",
        layer="http",
        status="inconclusive",
        reason="odd_redirect",
        when=F("http").any_of("bad_redirect", "redirect_loop") & _CONTROL_OK,
        evidence="{host}: {http} over plain HTTP: the server's doing, or somebody's on the way",
        confidence=0.8,
        source="OONI QA redirectWithBrokenLocation*",
    ),
    Rule(
        id="http.failed",
        layer="http",
        status="inconclusive",
        reason="http_failure",
        when=(F("http") == "failed") & _CONTROL_OK,
        evidence="{host}: no HTTP response that can be read ({http_failure}); the control got its page",
        confidence=0.7,
        source="RFC 9112 2.2",
    ),
    Rule(
        id="http.no_control",
        layer="http",
        status="inconclusive",
        reason="no_control",
        when=F("http").any_of("reset", "eof", "timeout", "slow", "failed", "redirect_loop", "bad_redirect"),
        evidence="{host}: {http} ({http_failure}), and no control to compare with ({control_failure})",
        confidence=1.0,
        source="ooni/explorer 764: without a control, neither blocked nor accessible",
    ),
    Rule(
        id="http.turned_away.secure",
        layer="http",
        status="server_side",
        when=F("http_secure") & _AWAY & _CONTROL_WELCOME,
        evidence="{host}: status {http_status} over valid TLS, {control_http_status} for the control",
        confidence=0.85,
        source="RFC 7725, RFC 9110 15.5.4; ooni/probe 2661",
    ),
    Rule(
        id="http.turned_away",
        layer="http",
        status="server_side",
        when=_PLAIN
        & _AWAY
        & _CONTROL_WELCOME
        & (F("page_same_server") | (F("page_headers") == "same"))
        & (F("page") != "same"),
        evidence="{host}: status {http_status} from the same make of server that gave the control "
        "{control_http_status}",
        confidence=0.7,
        source="ooni/probe 1734, 2333 (Cambodia)",
    ),
    Rule(
        id="http.own_notice",
        layer="http",
        status="server_side",
        when=_PLAIN & _CONTROL_OK & F("page_unlike_notice") & (F("second_page") == "same"),
        evidence="{host}: a notice here, another page for the control; over TLS the site itself gives it",
        confidence=0.85,
        source="RFC 8446: nobody on the way wrote what came over TLS; ooni/probe 2661",
    ),
    Rule(
        id="http.default_page",
        layer="http",
        status="inconclusive",
        reason="default_page",
        # Where a redirect led, the host is the notice's own, and gives it for any name.
        when=_PLAIN & _CONTROL_OK & F("page_unlike_notice") & F("second_page_default") & (F("depth") == 0),
        evidence="{host}: a notice, which any other name is given at this address, too: a server's default "
        "page, or a portal's",
        confidence=0.8,
        source="RFC 9110 7.2: a server without the host that was asked for answers with another",
    ),
    Rule(
        id="http.blockpage.against_own",
        layer="http",
        status="blocked",
        method="http.blockpage",
        when=_PLAIN & _CONTROL_OK & F("page_unlike_notice") & (F("second_page") == "notice"),
        evidence="{host}: a short notice ({page_proportion} of the control's length); over https the site "
        "gives its page here, too; headers {page_headers}{http_front}",
        confidence=0.9,
        source="Jones et al., IMC 2014; the site's own secure page is the second witness",
    ),
    Rule(
        id="http.blockpage",
        layer="http",
        status="blocked",
        method="http.blockpage",
        when=_PLAIN & _CONTROL_OK & (F("page") == "different") & F("page_unlike_notice") & _NOT_OWN,
        evidence="{host}: a short notice ({page_proportion} of the control's length), title {page_title}, "
        "headers {page_headers}",
        confidence=0.85,
        source="Jones et al., IMC 2014; never one sign alone: OONI's http-diff accepts any one likeness",
    ),
    Rule(
        id="http.blockpage.copied_headers",
        layer="http",
        status="blocked",
        method="http.blockpage",
        when=_PLAIN
        & _CONTROL_OK
        & F("page_unlike_notice")
        & (F("page_status") == "same")
        & (F("page_proportion") < _A_SCRAP)
        & _NOT_OWN,
        evidence="{host}: a notice of {page_proportion} of the control's length and another title, with the "
        "site's own headers ({page_headers}); its https page: {second_https}",
        # A server that is being repaired says so with its own headers, though seldom with status 200.
        confidence=0.7,
        source="OONI web_connectivity: http-diff is silent where header names are alike, so boxes copy them",
    ),
    Rule(
        id="http.diff.against_own",
        layer="http",
        status="blocked",
        method="http.diff",
        when=_PLAIN
        & _CONTROL_OK
        & F("second_page_unlike")
        & (F("second_page_control") == "same")
        & ~F("second_page_default"),
        evidence="{host}: over TLS the page that the control gets, over http one with another title, length "
        "and structure; headers {page_headers}",
        # A few sites do give visitors without TLS a page of their own.
        confidence=0.75,
        source="Jones et al., IMC 2014: structure as third feature; the site's own page is the witness",
    ),
    Rule(
        id="http.diff",
        layer="http",
        status="blocked",
        method="http.diff",
        when=_PLAIN
        & _CONTROL_OK
        & (F("page") == "different")
        & (F("page_headers") == "different")
        & _NOT_OWN,
        evidence="{host}: another page: body {page_body}, title {page_title}, headers {page_headers}",
        confidence=0.6,
        source="OONI web_connectivity: http-diff, with three differences and no likeness",
    ),
)

WHOLE = (
    Rule(
        id="whole.proxied",
        layer="whole",
        status="tampered",
        method="dns.proxied",
        when=F("http_leads_home")
        & F("dns_system_own_network")
        & ~F("dns_system_in_control")
        & ~F("dns_system_shares_asn")
        & (F("dns_control") == "addresses")
        & F("dns_encrypted").any_of("addresses", "no_answer")
        & ~F("dns_encrypted_agrees")
        & F("dns_public_agrees")
        & ~_off_net(),
        evidence="{host}: plain DNS gives {dns_system_answers} in this very network, and the site; "
        "encrypted DNS and the control say otherwise ({dns_control_answers})",
        # A cache of a content network in this network looks much the same.
        confidence=0.6,
        source="OONI QA dnsHijackingToProxy*",
    ),
    Rule(
        id="whole.injected",
        layer="whole",
        status="tampered",
        method="dns.injected",
        when=F("dns_injected") & _CAME & (F("http_leads_home") | (F("page") == "same")),
        evidence="{host}: forged answers come before true ones, but the site was reached",
        confidence=0.85,
        source="ooni/probe 1975: reachable, and touched",
    ),
    Rule(
        id="whole.ok.secure",
        layer="whole",
        status="ok",
        when=F("http_secure"),
        evidence="{host}: status {http_status} over TLS with a valid certificate",
        confidence=0.95,
        source="RFC 8446; ooni/data: certificate_valid",
    ),
    Rule(
        id="whole.ok.page",
        layer="whole",
        status="ok",
        when=_CAME & (F("page") == "same"),
        evidence="{host}: the control's page: body {page_body}, title {page_title}, headers {page_headers}",
        confidence=0.9,
        source="OONI web_connectivity: status and one likeness; here the likenesses outweigh the differences",
    ),
    Rule(
        id="whole.ok.own_page",
        layer="whole",
        status="ok",
        when=_CAME & (F("second_page") == "same"),
        evidence="{host}: the page that the site itself gives here over TLS; beside the control's it is "
        "{page}: another language, another hour",
        confidence=0.85,
        source="RFC 8446: nobody on the way wrote the page it is compared with; RFC 9110 12: one URL has "
        "several pages",
    ),
    Rule(
        id="whole.no_control",
        layer="whole",
        status="inconclusive",
        reason="no_control",
        when=_CAME & ~F("control"),
        evidence="{host}: status {http_status} over plain HTTP, and no control tells whose page it is "
        "({control_failure})",
        confidence=1.0,
        source="OONI QA controlFailureWithSuccessfulHTTPWebsite",
    ),
    Rule(
        id="whole.control_failed",
        layer="whole",
        status="inconclusive",
        reason="control_failed",
        when=_CAME & (F("control_http") != "ok"),
        evidence="{host}: status {http_status} here, but the control got no page ({control_http_failure})",
        confidence=0.9,
        source="ooni/probe 2307: sites that turn the helper away",
    ),
    Rule(
        id="whole.unclear",
        layer="whole",
        status="inconclusive",
        reason="different_page",
        when=_CAME,
        evidence="{host}: like the control's page and unlike it: status {page_status}, body {page_body}, "
        "title {page_title}, headers {page_headers}",
        confidence=0.9,
        source="sites differ by place and hour",
    ),
    Rule(
        id="whole.undetermined",
        layer="whole",
        status="inconclusive",
        reason="undetermined",
        when=F("looked"),
        evidence="{host}: the records end before anything could be told",
        confidence=1.0,
        source="below the evidence floor the state changes (ooni/data ontology)",
    ),
)
