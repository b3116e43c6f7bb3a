"""The features that every measurement has, and those of a visit's hop: names, connections, TLS, the page."""

from __future__ import annotations

from dataclasses import dataclass

from gatewatch.records.field import doc
from gatewatch.verdict.words import NOT_LOOKED, UNUSABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class HopFeatures:
    """One hop of a visit, in scalars; the first of them say whether this is a visit at all.

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
