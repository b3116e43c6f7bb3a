"""The features of a measurement: a flat record of what was looked at, and what was seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

from gatewatch.net.address import is_bogon
from gatewatch.records import Measurement
from gatewatch.records.field import doc
from gatewatch.verdict.decide import decide, speaking
from gatewatch.verdict.evidence import (
    apps,
    contrast,
    control,
    domestic,
    intercept,
    middlebox,
    names,
    pace,
    pages,
    ports,
    quic,
    sni,
    steps,
)
from gatewatch.verdict.evidence.hops import hops
from gatewatch.verdict.evidence.scene import scenes
from gatewatch.verdict.words import NOT_LOOKED, UNUSABLE

#: Tests that measure one thing without a control.
SINGLE_TESTS = frozenset({"resolve", "connect", "handshake", "fetch"})
_WEB = "web_connectivity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """One hop of one measurement, in scalars.

    Words: ``not_looked`` means that nobody tried, ``unusable`` that it was tried and says nothing; all other
    words say what was seen.  "Trusted" addresses are those that the control resolved, and those whose
    certificate was valid for the name, here or from the control.
    """

    test: str = doc("web_connectivity, or the name of another test")
    web: bool = doc("whether this is a web_connectivity measurement", True)
    judged_test: bool = doc("whether this is another test with rules of its own", False)
    single_probe: bool = doc("whether the test measures one thing, without a control", False)
    single_succeeded: bool = doc("whether such a test got what it asked for", False)
    looked: bool = doc("whether anything was recorded at all", False)
    scheme: str = doc("http or https, empty for what is no URL", "")
    host: str = doc("host of this hop, for the evidence", "")
    literal: bool = doc("whether the host is an address, so that no name was looked up", False)
    depth: int = doc("which hop this is: 0 is the input's own", 0, unit="redirects")
    is_last: bool = doc("whether the way ended at this hop", True)
    control: bool = doc("whether there is a control", False)
    control_failure: str = doc("why there is none", "")
    control_http: str = doc("ok, failed, not_looked: the control's own fetch, redirects included", NOT_LOOKED)
    control_http_failure: str = doc("what that fetch failed with", "")
    control_http_status: int = doc("its status code, 0 for none", 0)
    control_domestic: str = doc(
        "agrees; dns, tcp, tls, http: fails for the helper inside the country, and not abroad; only_inside: "
        "the page came there, and not abroad; unusable, not_looked",
        NOT_LOOKED,
    )
    control_inside: bool = doc(
        "the control is the helper inside the country: over TLS it got the page, and the one abroad did not",
        False,
    )

    dns_system: str = doc("addresses, nxdomain, no_answer, timeout, error, not_looked", NOT_LOOKED)
    dns_system_failure: str = doc("failure of the system's lookup", "")
    dns_system_answers: str = doc("its first three addresses", "")
    dns_system_bogon: bool = doc("it answered, with addresses that no public name can have", False)
    dns_system_trusted: bool = doc("one of its addresses is trusted", False)
    dns_system_in_control: bool = doc("the control resolved one of its addresses, too", False)
    dns_system_shares_asn: bool = doc("one of them is in the network of a trusted address", False)
    dns_system_disowned: bool = doc(
        "the control tried them and got no certificate for the name, which the control's own addresses have",
        False,
    )
    dns_system_own_network: bool = doc("all of them are in the vantage's own network", False)
    dns_trusted_asn: int = doc("network of a trusted address, 0 where unknown", 0)
    dns_control: str = doc("addresses, bogon, nxdomain, no_answer, timeout, error, not_looked", NOT_LOOKED)
    dns_control_answers: str = doc("the control's first three addresses", "")
    dns_control_ipv4: bool = doc("the control resolved an IPv4 address", False)
    dns_public: str = doc("what public resolvers said over plain DNS, in the words of dns_system", NOT_LOOKED)
    dns_public_agrees: bool = doc("they gave one of the system's addresses", False)
    dns_encrypted: str = doc("what resolvers said over DoH or DoT, in the same words, or bogon", NOT_LOOKED)
    dns_encrypted_agrees: bool = doc("they gave one of the system's addresses", False)
    dns_other_validated: bool = doc(
        "an address not from the system has a valid certificate, seen here", False
    )
    dns_unanimous_against: bool = doc(
        "two other resolvers or more (the control is one) gave one and the same set, without the system's",
        False,
    )
    dns_injected: bool = doc("to one query a forged answer came first and a true one later", False)
    dns_two_senders: bool = doc(
        "one query had two answers without an address in common, from two distances", False
    )
    dns_rewritten: bool = doc("the system's resolver gives this answer for random names, too", False)
    dns_denies_random: bool = doc("it denies random names, as it should", False)
    dns_filters_alike: bool = doc("it treats an advertiser's name in the same way", False)
    dns_shared: int = doc(
        "for how many unrelated names it gave one of these addresses that nobody else gives", 0
    )
    dns_late: int = doc("how many answers came after a first one", 0)
    dns_sign: str = doc("fingerprint of an address answered", "")
    dns_sign_misleads: str = doc("filter or rewriting: what the sign is when it is no block", "")

    tcp: str = doc(
        "ok, refused, reset, timeout, unreachable, failed, not_looked: over trusted addresses", NOT_LOOKED
    )
    tcp_failure: str = doc("the first failure", "")
    tcp_tried: int = doc("how many addresses that is about", 0)
    tcp_proven: bool = doc("they are trusted; else they are all that was found", False)
    tcp_only_ipv6: bool = doc("all of them are IPv6, which does not work on this line", False)
    tcp_ipv6_ignored: int = doc("IPv6 addresses left out for that", 0)
    tcp_control: str = doc("ok, failed, not_looked: the control at the same endpoints", NOT_LOOKED)
    tcp_at_system: str = doc("the same words, at the system's addresses", NOT_LOOKED)
    tcp_at_others: str = doc("at trusted addresses that the system did not give", NOT_LOOKED)
    tls: str = doc(
        "ok, reset, eof, timeout, foreign_certificate, invalid_certificate, failed: where TCP is ok",
        NOT_LOOKED,
    )
    tls_mostly: str = doc(
        "reset, eof, timeout, not_looked: how most tries ended, where one came through but no request did",
        NOT_LOOKED,
    )
    tls_beside: str = doc(
        "the same for an http target, whose addresses are validated on port 443", NOT_LOOKED
    )
    tls_failure: str = doc("the first failure", "")
    tls_control: str = doc(
        "ok, certificate, failed, not_looked: the control at the same endpoints", NOT_LOOKED
    )
    tls_at_system: str = doc("at the system's addresses", NOT_LOOKED)
    tls_at_others: str = doc("at trusted addresses that the system did not give", NOT_LOOKED)

    tls_cut_at: str = doc(
        "at the name, or after the server's first bytes, which name it, too; empty where all is well",
        "",
    )
    tls_issuer: str = doc("who says to have signed the certificate that was refused", "")
    tls_logged: bool = doc("that certificate carries timestamps of public logs (RFC 6962)", False)
    residue: bool = doc("what was left of another name's block had not ended when this one was tried", False)
    clock: str = doc("right, wrong, unknown: this machine's, by the line's last look", "unknown")
    second_sni: str = doc(
        "answered, reset, eof, timeout, no_connection, not_looked: a control name at the same endpoint",
        NOT_LOOKED,
    )
    second_again: str = doc("the site's name there, after the control name had passed", NOT_LOOKED)
    second_elsewhere: str = doc(
        "the site's name at an address that has nothing to do with it and that answered a control name",
        NOT_LOOKED,
    )
    second_chain: str = doc(
        "forged, own, other, not_looked: whose the refused certificate is, by those of second controls",
        NOT_LOOKED,
    )
    second_line: str = doc(
        "forged, valid, not_looked: certificates of a control name at a neutral address", NOT_LOOKED
    )
    second_port: str = doc("answered, refused, timeout, ...: the address's other web port", NOT_LOOKED)
    second_nearer: bool = doc("refusals came from nearer than where that port answers", False)
    second_host: str = doc("a control name asked for over http at the same address", NOT_LOOKED)
    second_host_again: str = doc("the site's name there, after the control name had passed", NOT_LOOKED)
    second_https: str = doc("the site's own page over TLS at the same address", NOT_LOOKED)
    second_front: str = doc("the site's front page over http, where another page was asked for", NOT_LOOKED)
    second_page: str = doc(
        "same, notice (short and unlike it), different, unclear, not_looked: the http page against that one",
        NOT_LOOKED,
    )
    sni_split: str = doc("ok, reset, eof, timeout, not_looked: the name cut in two by segments", NOT_LOOKED)
    sni_records: str = doc("the same, by TLS records", NOT_LOOKED)
    sni_ech: str = doc("the same, beside an ECH GREASE extension", NOT_LOOKED)
    sni_control_ech: str = doc("the same of a control name beside ECH GREASE", NOT_LOOKED)
    sni_reads: str = doc("what the filter reads, in words for the evidence", "")
    second_page_unlike: bool = doc(
        "the http page has another title, length and structure than that one, whatever its headers", False
    )
    second_page_control: str = doc("that one against the control's: same, different, unclear", NOT_LOOKED)
    second_page_default: bool = doc("the http page is what that server gives for any name", False)

    http: str = doc(
        "ok, reset, eof, timeout, slow (it had begun), bad_redirect, redirect_loop, failed, not_looked",
        NOT_LOOKED,
    )
    http_failure: str = doc("failure of the request", "")
    http_classic: bool = doc("it went to an address of the system's", False)
    http_secure: bool = doc("TLS vouches for what came: nobody on the way wrote it", False)
    http_status: int = doc("status code, 0 for none", 0)
    http_leads_home: bool = doc("it went to the system's address and led to the site itself", False)
    http_to_private: bool = doc("redirects led to a private address", False)
    http_challenge: str = doc("mark of a server's own challenge", "")
    http_front: str = doc("what became of the site's front page beside another, in words", "")
    http_portal: str = doc("mark of a portal that wants a login: a status, a parameter, an element", "")
    http_sign: str = doc("fingerprint of a page or redirect", "")
    http_sign_confidence: float = doc("confidence of that fingerprint, 0 to 1", 0.0)
    http_sign_misleads: str = doc("filter or portal: what the sign is when it is no block", "")
    page: str = doc("same, different, unclear, not_looked: against the control's page", NOT_LOOKED)
    page_body: str = doc("same, different, unusable: length", UNUSABLE)
    page_proportion: float = doc("shorter length over the longer, -1 where unknown", -1.0)
    page_short: bool = doc("shorter than the control's page, or than 2,048 bytes", False)
    page_notice: bool = doc("it has a notice's structure: few elements, hardly a link", False)
    page_unlike_notice: bool = doc(
        "a short notice with another title and length than the control's page, whatever its headers", False
    )
    page_title: str = doc("same, different, unusable", UNUSABLE)
    page_headers: str = doc("same, different, unusable: names of uncommon headers", UNUSABLE)
    page_status: str = doc("same, different, unusable: status code", UNUSABLE)
    page_same_server: bool = doc("both name the same make of server", False)

    app: str = doc(
        "ok, partial, failing, filter, dead, unknown: the app's worst role that it needs", NOT_LOOKED
    )
    app_role: str = doc("which role that is", "")
    app_method: str = doc("how its endpoints fail most often, as layer.word", "")
    app_failure: str = doc("the first failure among them", "")
    app_failing: str = doc("how many of its endpoints fail, for the evidence", "")
    app_tried: int = doc("how many different addresses and ports that is about", 0)
    app_elsewhere: str = doc("ok, failed, not_looked: the control at these endpoints", NOT_LOOKED)
    app_controls: str = doc("ok, failed, not_looked: pages that any line gives, fetched beside", NOT_LOOKED)
    app_roles: str = doc("every role in a word, for the evidence", "")
    app_unverified: bool = doc("certificates of the app's own authority came, which nobody can verify", False)

    quic: str = doc(
        "ok, timeout, refused, reset, unreachable, foreign_certificate, invalid_certificate, failed, "
        "not_looked: handshakes over QUIC for the site's name at its address",
        NOT_LOOKED,
    )
    quic_failure: str = doc("failure of the first that failed", "")
    quic_tries: int = doc("how many there were", 0)
    quic_versions: str = doc(
        "answered, silent, refused, not_looked: a question for versions, without a name, at that address",
        NOT_LOOKED,
    )
    quic_control_sni: str = doc("the same words: a handshake for another name at that address", NOT_LOOKED)
    quic_residual: bool = doc("another name, which had passed there, failed after the site's was sent", False)
    quic_neutral_versions: str = doc(
        "a question for versions at an address that has nothing to do with it", NOT_LOOKED
    )
    quic_neutral_control: str = doc("a handshake there for another name", NOT_LOOKED)
    quic_neutral_test: str = doc("a handshake there for the site's name", NOT_LOOKED)
    quic_tcp: str = doc("what became of TLS over TCP at the site's address, in the words of tls", NOT_LOOKED)
    quic_advertised: str = doc("yes, no, not_looked: the site offers HTTP/3 over TCP (Alt-Svc)", NOT_LOOKED)
    quic_helper: str = doc("ok, failed, not_looked: QUIC at that address from elsewhere", NOT_LOOKED)
    intercept: str = doc("none, proxy, injector, dropper, resolver_lies, unclear: what intercept found", "")
    intercept_hop: int = doc("first TTL that the impostor sees, 0 where not found", 0, unit="hops")
    intercept_link: str = doc("the link it acts on, by the routers on both sides", "")
    intercept_resolver: str = doc("the resolver that was asked", "")
    intercept_forged: bool = doc("there are addresses in the forged answers", False)
    intercept_signs: str = doc("what speaks for the conclusion", "")

    contrast_tls: str = doc(
        "foreign_only, both, domestic_only, neither, cannot_tell, not_looked: on which ways to servers that "
        "have nothing to do with the site its name as SNI meets interference",
        NOT_LOOKED,
    )
    contrast_tls_word: str = doc("reset, eof, timeout: how it was cut; empty where it was not", "")
    contrast_http: str = doc("the same of its name as Host", NOT_LOOKED)
    contrast_http_word: str = doc("reset, eof, timeout, page", "")
    contrast_dns: str = doc(
        "the same of questions for it, sent where no resolver is; what only drops them shows nowhere",
        NOT_LOOKED,
    )
    contrast_dns_word: str = doc("answered, where somebody did", "")
    contrast_said: str = doc("all three in words, with what could not be told and why", "")
    contrast_once: bool = doc("a name was cut once, and had no second chance or passed then", False)
    contrast_missing: str = doc("no_table, no_vantage, no_home, no_abroad, stopped: why less was tried", "")

    pace: str = doc("site, helper, not_looked: whose server the transfers compared came from", NOT_LOOKED)
    pace_same: bool = doc("what came under the two names began alike", False)
    pace_pairs: int = doc("how many pairs of transfers, one for the site's name and one for a neutral one", 0)
    pace_ratio: float = doc("how many times slower the site's name was, -1 where unknown", -1.0)
    pace_low: float = doc("lower bound of the ratio's 99 % interval, -1 where unknown", -1.0)
    pace_high: float = doc("upper bound", -1.0)
    pace_kbps: float = doc("median rate for the site's name, -1 where unknown", -1.0, unit="kbit/s")
    pace_neutral_kbps: float = doc("median rate for the neutral name", -1.0, unit="kbit/s")
    pace_failed: int = doc("transfers for the site's name that failed", 0)
    pace_neutral_failed: int = doc("transfers for the neutral name that failed", 0)
    pace_small: int = doc("transfers for the neutral name that were too small to say anything", 0)

    middlebox_echo: str = doc(
        "same, changed, not_looked: a request in random letters, as a helper got it", NOT_LOOKED
    )
    middlebox_changes: str = doc("what was changed, first six", "")
    middlebox_odd: str = doc(
        "echoed, changed, answered (by somebody else), cut, not_looked: odd first lines to that helper",
        NOT_LOOKED,
    )
    middlebox_odd_answer: str = doc("status and title of such an answer", "")
    middlebox_early: bool = doc("an answer came sooner than from where the server is", False)
    middlebox_early_by: str = doc("which, and how soon", "")
    middlebox_host: str = doc(
        "same, differs, sooner (than the site can answer), reset, eof, timeout, unclear, not_looked: the "
        "site's name as Host, beside other spellings of it",
        NOT_LOOKED,
    )
    middlebox_host_passed: str = doc("the spellings that passed where the plain name did not", "")

    ports_base: str = doc(
        "passed, failed, not_looked: the port of a helper that says on which others it answers, each time",
        NOT_LOOKED,
    )
    ports_tcp: str = doc(
        "ok, refused, timeout, reset (a service's port was cut, twice), unclear, not_looked", NOT_LOOKED
    )
    ports_udp: str = doc("the same over UDP", NOT_LOOKED)
    ports_tcp_controls: str = doc(
        "passed, cut, few: ports of services that have nothing to do with tunnels, and one given to nobody",
        NOT_LOOKED,
    )
    ports_udp_controls: str = doc("the same over UDP", NOT_LOOKED)
    ports_cut: str = doc("which services' ports were cut, and how", "")
    ports_cut_controls: str = doc("which of the others were", "")
    ports_answered: str = doc("how many services' ports answered, of how many", "")


NAMES = tuple(field.name for field in fields(Features))
_VALUES = attrgetter(*NAMES)
_AT_REST = {field.name: field.default for field in fields(Features) if field.name != "test"}


#: Tests with rules of their own, and who reads their records: a module beside this one for each.
_OTHER_TESTS: dict[str, Callable[[Measurement], dict[str, Any]]] = {
    **dict.fromkeys(apps.APP_TESTS, apps.evidence),
    quic.TEST: quic.evidence,
    pace.TEST: pace.evidence,
    sni.SNI_TEST: sni.evidence,
    contrast.TEST: contrast.evidence,
    "intercept": intercept.evidence,
    middlebox.TEST: middlebox.evidence,
    ports.TEST: ports.evidence,
}


def at_rest() -> dict[str, Any]:
    """Give the features of which nothing was seen, by name; all but ``test``."""
    return dict(_AT_REST)


def as_row(features: Features) -> dict[str, Any]:
    """Give the features as a mapping of names to scalars."""
    return dict(zip(NAMES, _VALUES(features), strict=True))


def features_markdown() -> str:
    """Write the table of features for the docs."""
    lines = ["| feature | what it says |", "|---|---|"]
    lines += [f"| `{field.name}` | {field.metadata['doc']} |" for field in fields(Features)]
    return "\n".join(lines) + "\n"


def rows(m: Measurement) -> Iterator[dict[str, Any]]:
    """Give the features of each hop as a mapping, from the input's own to where the way ended."""
    test = m.test_name if isinstance(m.test_name, str) else ""
    if test != _WEB:
        evidence = _OTHER_TESTS.get(test, _single)
        yield {**_AT_REST, "test": test, "web": False, **evidence(m)}
        return
    keys = m.test_keys
    extra = keys.extra if keys else {}
    way = hops(m)
    abroad, inside = control.read(extra), domestic.read(extra)
    seen, is_inside = domestic.choose(abroad, inside, way[0].place.scheme)
    stage = scenes(m, way, seen)
    looked = any(scene.hop.looked for scene in stage)
    for scene in stage:
        place = scene.hop.place
        yield {
            **_AT_REST,
            "test": test,
            "looked": looked,
            "scheme": place.scheme,
            "host": place.host,
            "literal": place.literal,
            "depth": scene.depth,
            "is_last": scene.is_last,
            "control": seen.present,
            "control_failure": seen.failure,
            "control_domestic": domestic.compare(abroad, inside),
            "control_inside": is_inside,
            **names.evidence(scene),
            **steps.evidence(scene),
            **pages.evidence(stage, scene),
        }


def features(m: Measurement) -> Features:
    """Give the features of the hop that decides: the first that is blocked, else the last one."""
    for row in rows(m):
        if not row["is_last"] and decide(speaking(row)).status == "blocked":
            break
    return Features(**row)


def _single(m: Measurement) -> dict[str, Any]:
    """The features of a test without a control; of a test that nobody judges, only that it is one."""
    test = m.test_name if isinstance(m.test_name, str) else ""
    if test not in SINGLE_TESTS or m.test_keys is None:
        return {"single_probe": test in SINGLE_TESTS}
    keys = m.test_keys
    if test == "resolve":
        good = any(a and not is_bogon(a) for query in keys.queries or () for a in query.addresses)
        failures = [query.failure for query in keys.queries or ()]
    elif test == "connect":
        good = any(c.status is not None and c.status.success for c in keys.tcp_connect or ())
        failures = [c.status.failure if c.status else None for c in keys.tcp_connect or ()]
    elif test == "handshake":
        good = any(h.failure is None for h in keys.tls_handshakes or ())
        failures = [h.failure for h in keys.tls_handshakes or ()]
    else:
        last = next(iter(keys.requests or ()), None)
        good = last is not None and last.failure is None
        failures = [last.failure] if last else []
    looked = bool(keys.queries or keys.tcp_connect or keys.tls_handshakes or keys.requests)
    failure = next((f for f in failures if f), "") or ""
    return {"single_probe": True, "single_succeeded": good, "looked": looked, "http_failure": failure}
