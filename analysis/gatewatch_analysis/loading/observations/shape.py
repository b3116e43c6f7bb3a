"""What is read of a measurement for its observations: OONI's formats, typed for msgspec.

Everything may be missing or null; what is not named here is skipped unread.  Where a value does not have its
type the whole line is read again, leniently (:mod:`.lenient`).  Sources: OONI df-000 to df-007, ts-022
(dnscheck), ts-029 (tor), ts-037 (tlsmiddlebox), and our own records (docs/records.md).
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

#: Numbers that a column can hold.
Whole = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None
Number = float | None
Text = str | None
#: Old reports write false for "no failure".
Failure = str | bool | None
# Old reports have words in place of labels.
Tags = list[str] | None


class Blob(Struct, gc=False):
    """Binary data in OONI's object form."""

    data: Text = None


class Answer(Struct, gc=False):
    """A resource record, df-002."""

    answer_type: Text = None
    asn: Whole = None
    hostname: Text = None
    ipv4: Text = None
    ipv6: Text = None
    ttl: Whole = None


class Query(Struct, gc=False):
    """A lookup, df-002."""

    answers: list[Answer] | None = None
    engine: Text = None
    failure: Failure = None
    hostname: Text = None
    query_type: Text = None
    resolver_address: Text = None
    rcode: Whole = None
    t0: Number = None
    t: Number = None
    tags: Tags = None
    transaction_id: Whole = None
    x_gatewatch_ip_ttl: Whole = None
    x_gatewatch_late: Whole = None


class Status(Struct, gc=False):
    """What came of a connect; a control says ``status`` for success."""

    failure: Failure = None
    success: bool | None = None
    status: bool | None = None
    server_name: Text = None


class Connect(Struct, gc=False):
    """A connect, df-005."""

    ip: Text = None
    port: Whole = None
    status: Status | None = None
    t0: Number = None
    t: Number = None
    tags: Tags = None
    transaction_id: Whole = None


class Handshake(Struct, gc=False):
    """A handshake, df-006."""

    network: Text = None
    address: Text = None
    cipher_suite: Text = None
    failure: Failure = None
    so_error: Whole = None
    negotiated_protocol: Text = None
    no_tls_verify: bool | None = None
    peer_certificates: list[Blob | str | None] | None = None
    server_name: Text = None
    t0: Number = None
    t: Number = None
    tags: Tags = None
    tls_version: Text = None
    transaction_id: Whole = None


class Request(Struct, gc=False):
    """A request, df-001."""

    method: Text = None
    url: Text = None


class Response(Struct, gc=False):
    """A response, df-001; of a test helper's response there are title and length in place of the body."""

    body: Blob | str | None = None
    body_is_truncated: bool | None = None
    code: Whole = None
    headers: dict[str, Any] | None = None
    title: Text = None
    body_length: Whole = None


class Transaction(Struct, gc=False):
    """An HTTP transaction, df-001."""

    network: Text = None
    address: Text = None
    alpn: Text = None
    failure: Failure = None
    request: Request | None = None
    response: Response | None = None
    t0: Number = None
    t: Number = None
    tags: Tags = None
    transaction_id: Whole = None


class Label(Struct, gc=False):
    """An MPLS label."""

    label: Whole = None


class Reply(Struct, gc=False):
    """A reply to a traceroute probe, or a hop that ``locate`` saw."""

    ttl: Whole = None
    address: Text = None
    rtt: Number = None
    icmp_type: Whole = None
    icmp_code: Whole = None
    attempt: Whole = None
    t: Number = None
    reply_ttl: Whole = None
    quoted_ttl: Whole = None
    labels: list[Label] | None = None
    flow: Whole = None


class Way(Struct, gc=False):
    """The way to a destination, as a row of ``x_gatewatch_locate`` has it."""

    method: Text = None
    address: Text = None
    port: Whole = None
    hops: list[Reply] | None = None


class Iteration(Struct, gc=False):
    """A handshake whose ClientHello had a TTL, ts-037."""

    ttl: Whole = None
    handshake: Handshake | None = None


class Iterations(Struct, gc=False):
    """The handshakes with one name, ts-037."""

    server_name: Text = None
    iterations: list[Iteration] | None = None


class TlsTrace(Struct, gc=False):
    """Handshakes with growing TTL at one address, ts-037."""

    address: Text = None
    control_trace: Iterations | None = None
    target_trace: Iterations | None = None


class ControlHttp(Struct, gc=False):
    """What the test helper fetched."""

    body_length: Whole = None
    failure: Failure = None
    title: Text = None
    headers: dict[str, Any] | None = None
    status_code: Whole = None


class ControlDns(Struct, gc=False):
    """What the test helper looked up."""

    failure: Failure = None
    addrs: list[str] | None = None


class IpInfo(Struct, gc=False):
    """What the test helper knows of an address."""

    asn: Whole = None


class Control(Struct, gc=False):
    """What the test helper saw."""

    tcp_connect: dict[str, Status] | None = None
    tls_handshake: dict[str, Status] | None = None
    http_request: ControlHttp | None = None
    dns: ControlDns | None = None
    ip_info: dict[str, IpInfo] | None = None


class Part(Struct, gc=False):
    """The lists that every test has, and parts of tests too."""

    queries: list[Query] | None = None
    tcp_connect: list[Connect] | None = None
    tls_handshakes: list[Handshake] | None = None
    requests: list[Transaction] | None = None


class Keys(Part, gc=False):
    """test_keys of any test."""

    control: Control | None = None
    x_dns_duplicate_responses: list[Query] | None = None
    bootstrap: Part | None = None
    lookups: dict[str, Part] | None = None
    targets: dict[str, Part] | None = None
    iterative_trace: list[TlsTrace] | None = None
    protocol: Text = None
    destination: Text = None
    destination_port: Whole = None
    reached: bool | None = None
    replies: list[Reply] | None = None
    x_gatewatch_locate: list[Way] | None = None


class Record(Struct, gc=False):
    """A measurement, df-000."""

    id: Text = None
    input: Text = None
    measurement_start_time: Text = None
    measurement_uid: Text = None
    probe_asn: Text = None
    probe_cc: Text = None
    probe_network_name: Text = None
    report_id: Text = None
    software_name: Text = None
    test_name: Text = None
    test_keys: Keys | None = None
