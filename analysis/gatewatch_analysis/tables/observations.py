"""What was seen on the wire, step by step: one table over all tests and all sources."""

from __future__ import annotations

from gatewatch_analysis.tables.base import (
    CATEGORY,
    FLAG,
    MEASUREMENT,
    REAL,
    TIME,
    WHOLE,
    Column,
    Table,
)

#: The kinds of rows.
ANSWER, CONNECT, HANDSHAKE, TRANSACTION, HOP = KINDS = (
    "answer",
    "connect",
    "handshake",
    "transaction",
    "hop",
)


class Observations(Table):
    """A row per DNS answer, connect, handshake, transaction and hop; a kind leaves the others' columns empty.

    Wide on purpose: every question is a filter, and an empty column costs nothing where it is stored.
    """

    title = "observations: a row per DNS answer, connect, handshake, transaction and hop"

    country = Column(CATEGORY, "country of the vantage, ZZ when not known", "ISO 3166-1 alpha-2", "probe_cc")
    isp = Column(
        CATEGORY, "name of the vantage's network", "", "run.json vantage.isp, else probe_network_name"
    )
    asn = Column(WHOLE, "number of that network, 0 when not known", "", "probe_asn")
    lab = Column(FLAG, "measured in the lab's emulated internet, not in the real one", "", "run.json lab")
    run = Column(CATEGORY, "the run folder's name, else the file's", "", "path")
    measurement = MEASUREMENT
    test_name = Column(CATEGORY, "web_connectivity, trace, dnscheck, ...", "", "test_name")
    input = Column(CATEGORY, "what was tested: URL, host:port or name", "", "input")
    start = Column(TIME, "when the measurement began", "UTC", "measurement_start_time")

    kind = Column(CATEGORY, "answer, connect, handshake, transaction or hop", "", "the list it stands in")
    control = Column(
        FLAG,
        "seen by the test helper elsewhere, and not from the vantage",
        "",
        "whether it stands under test_keys.control",
    )
    part = Column(
        CATEGORY,
        "which part of the measurement, where there are several: a resolver's URL, a bridge, a trigger",
        "",
        "key under lookups or targets; bootstrap, control_trace, target_trace",
    )
    transaction = Column(
        WHOLE, "joins the rows of one lookup or connection within the measurement", "", "transaction_id"
    )
    tags = Column(CATEGORY, "labels, with spaces between: classic depth=0 ...", "", "tags")
    t0_s = Column(REAL, "when the step began, after start", "s", "t0")
    t_s = Column(REAL, "when it ended, after start", "s", "t")
    failure = Column(CATEGORY, "df-007 failure; missing for success", "", "failure, status.failure")
    hostname = Column(
        CATEGORY, "name asked for, sent as SNI, or in the URL", "", "hostname, server_name, request.url"
    )
    address = Column(
        CATEGORY,
        "address answered, connected to, or of the hop; missing for silence",
        "",
        "ipv4, ipv6, ip, address",
    )
    port = Column(WHOLE, "its port", "", "port, address")
    transport = Column(CATEGORY, "tcp or udp; of hops udp, icmp or tcp", "", "network, protocol, method")

    query_type = Column(CATEGORY, "answer: type asked for, ANY from getaddrinfo", "", "query_type")
    engine = Column(CATEGORY, "answer: system, getaddrinfo, udp, tcp, dot or doh", "", "engine")
    resolver = Column(CATEGORY, "answer: address:port or URL of the resolver", "", "resolver_address")
    rcode = Column(WHOLE, "answer: response code", "RFC 1035 4.1.1", "rcode")
    answer_type = Column(
        CATEGORY, "answer: record type; missing where there was no record", "", "answer_type"
    )
    answer_name = Column(CATEGORY, "answer: the name that a CNAME points to", "", "answers.hostname")
    answer_asn = Column(
        WHOLE, "answer: network of the address as the record has it", "", "answers.asn, control.ip_info"
    )
    answer_ttl_s = Column(WHOLE, "answer: time to live", "s", "answers.ttl")
    ip_ttl = Column(WHOLE, "answer: IP TTL with which it came in", "hops", "x_gatewatch_ip_ttl")
    late = Column(
        WHOLE,
        "answer: how many answers to the same query came before it; missing for the first",
        "count",
        "x_gatewatch_late, x_dns_duplicate_responses",
    )

    tls_version = Column(CATEGORY, "handshake: protocol version", "", "tls_version")
    cipher_suite = Column(CATEGORY, "handshake: cipher suite", "", "cipher_suite")
    alpn = Column(CATEGORY, "handshake, transaction: protocol agreed on", "", "negotiated_protocol, alpn")
    verified = Column(FLAG, "handshake: whether certificates were verified", "", "no_tls_verify")
    certificates = Column(WHOLE, "handshake: length of the chain that came", "count", "peer_certificates")
    certificate_sha256 = Column(
        CATEGORY, "handshake: fingerprint of the leaf certificate", "hex", "peer_certificates"
    )
    certificate_issuer = Column(
        CATEGORY, "handshake: common name of the issuer, else its organization", "", "peer_certificates"
    )
    so_error = Column(WHOLE, "handshake: SO_ERROR of the socket", "errno", "so_error")

    url = Column(CATEGORY, "transaction: the URL asked for", "", "request.url")
    method = Column(CATEGORY, "transaction: request method", "", "request.method")
    status_code = Column(WHOLE, "transaction: status; missing where none came", "", "response.code")
    location = Column(CATEGORY, "transaction: where a redirect leads", "", "response.headers Location")
    server = Column(CATEGORY, "transaction: the server's own name", "", "response.headers Server")
    page_title = Column(CATEGORY, "transaction: the page's title", "", "response.body; control: title")
    body_bytes = Column(
        WHOLE, "transaction: length of the stored body", "bytes", "response.body; control: body_length"
    )
    body_truncated = Column(
        FLAG, "transaction: whether the stored body is cut", "", "response.body_is_truncated"
    )
    body_sha1 = Column(
        CATEGORY, "transaction: hash of the stored body, OONI's response_body_sha1", "hex", "response.body"
    )

    destination = Column(CATEGORY, "hop: address traced to", "", "destination, address")
    ttl = Column(
        WHOLE,
        "hop, handshake: TTL of the probe; missing for a full one",
        "hops",
        "replies.ttl, iterations.ttl",
    )
    flow_number = Column(WHOLE, "hop: which flow, from 0", "", "replies.flow")
    attempt = Column(WHOLE, "hop: which probe at this TTL, from 0", "", "replies.attempt")
    rtt_ms = Column(REAL, "hop: round-trip time", "ms", "replies.rtt")
    icmp_type = Column(WHOLE, "hop: ICMP type of the answer", "RFC 792", "replies.icmp_type")
    icmp_code = Column(WHOLE, "hop: ICMP code of the answer", "RFC 792", "replies.icmp_code")
    reply_ttl = Column(WHOLE, "hop: IP TTL with which the answer came in", "hops", "replies.reply_ttl")
    quoted_ttl = Column(WHOLE, "hop: TTL of the probe as the answer quotes it", "hops", "replies.quoted_ttl")
    labels = Column(
        CATEGORY, "hop: MPLS labels, outermost first, with commas between", "RFC 4950", "replies.labels"
    )
    reached = Column(FLAG, "hop: whether the destination itself answered this trace", "", "reached")
