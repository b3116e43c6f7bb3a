"""What a verdict reads of OONI's web_connectivity, typed for msgspec; the same names as the core's records.

These stand in for :mod:`gatewatch.records` wherever the rules' evidence reads a measurement: only what is
odd needs the records themselves.  What is not named here is skipped, though still checked to be JSON.  A
value of another type, or one of the keys that only our own probe writes, is a ValidationError: that line goes
the slow way.  A test compares the names with what the evidence really reads.
"""

from __future__ import annotations

import base64
from typing import Any

import msgspec
from msgspec import Raw, Struct, field

Text = str | None
Tags = tuple[str, ...] | None
#: A part that is read only when it is asked for, and is not there.
ABSENT = Raw()


class Unfit(Exception):
    """A part that was not looked at before is not as it should be: the line goes the slow way."""


class Any_(Struct, gc=False):  # noqa: N801 (an object, whatever is in it)
    """An object of which nothing is read."""


class Answer(Struct, gc=False):
    """A resource record, df-002."""

    ipv4: Text = None
    ipv6: Text = None
    asn: int | None = None


class Query(Struct, gc=False):
    """A lookup, df-002."""

    answers: tuple[Answer, ...] | None = None
    engine: Text = None
    failure: Text = None
    hostname: Text = None
    query_type: Text = None
    tags: Tags = None
    x_gatewatch_late: None = None

    @property
    def addresses(self) -> tuple[str, ...]:
        """IPv4 and IPv6 addresses answered, in order."""
        return tuple(a for r in self.answers or () for a in (r.ipv4, r.ipv6) if a)


class Status(Struct, gc=False):
    """What came of a connect, df-005."""

    failure: Text = None
    success: bool | None = None


class Connect(Struct, gc=False):
    """A connect, df-005."""

    ip: Text = None
    port: int | None = None
    status: Status | None = None
    tags: Tags = None


class Handshake(Struct, gc=False):
    """A handshake, df-006."""

    network: Text = "tcp"
    address: Text = None
    failure: Text = None
    no_tls_verify: bool | None = None
    server_name: Text = None
    tags: Tags = None
    chain: Raw = field(default=ABSENT, name="peer_certificates")

    # Which connection it was only tells where a handshake was cut, for the evidence in words.
    transaction_id = None

    @property
    def peer_certificates(self) -> tuple[bytes, ...] | None:
        """The chain, read when it is asked for."""
        found = _read(self.chain)
        if found is None:
            return None
        if not isinstance(found, list):
            raise Unfit
        return tuple(map(_bytes, found))


class Request(Struct, gc=False):
    """A request, df-001."""

    url: Text = None


class Binary(Struct, gc=False, forbid_unknown_fields=True):
    """Binary data in OONI's object form."""

    format: str
    data: str


class Response(Struct, gc=False):
    """A response, df-001."""

    code: int | None = 0
    content: str | Binary | None = field(default="", name="body")
    body_is_truncated: bool | None = False
    fields: Raw = field(default=ABSENT, name="headers")
    fields_list: Raw = field(default=ABSENT, name="headers_list")

    @property
    def body(self) -> str | bytes | None:
        """The body; decoded each time it is asked for, where it is binary."""
        content = self.content
        return _binary(content.format, content.data) if isinstance(content, Binary) else content

    @property
    def headers(self) -> dict[str, Any] | None:
        """The headers by name, read when they are asked for."""
        found = _read(self.fields)
        if found is None or isinstance(found, dict):
            return found
        raise Unfit

    @property
    def headers_list(self) -> list[list[Any]] | None:
        """The headers in order, read when they are asked for."""
        found = _read(self.fields_list)
        if found is None or (isinstance(found, list) and all(isinstance(pair, list) for pair in found)):
            return found
        raise Unfit


class Transaction(Struct, gc=False):
    """An HTTP transaction, df-001."""

    address: Text = None
    failure: Text = None
    request: Request | None = None
    response: Response | None = None
    tags: Tags = ()


class Names(Struct, gc=False):
    """What the control resolved."""

    addrs: tuple[str, ...] | None = None


class Fetched(Struct, gc=False):
    """What the control fetched."""

    failure: Text = None
    status_code: int | None = None
    title: Text = None


class ControlPage(Struct, gc=False):
    """As much of a control's response as tells whether a page is its page."""

    dns: Names | None = None
    http_request: Fetched | None = None


_control_page = msgspec.json.Decoder(ControlPage | None).decode


class Keys(Struct, gc=False):
    """The test keys that a verdict on other software's web_connectivity depends on."""

    queries: tuple[Query, ...] | None = None
    tcp_connect: tuple[Connect, ...] | None = None
    tls_handshakes: tuple[Handshake, ...] | None = None
    requests: tuple[Transaction, ...] | None = None
    control_failure: Text = None
    control: Raw = ABSENT
    # A second answer to a query is told apart by more than is read here.
    x_dns_duplicate_responses: tuple[()] | None = None
    x_gatewatch_beacons: None = None
    x_gatewatch_control_domestic: None = None
    x_gatewatch_line: None = None
    x_gatewatch_redirect_failure: None = None
    x_gatewatch_residual: None = None
    x_gatewatch_resolver: None = None
    x_gatewatch_second: None = None
    x_gatewatch_shared: None = None
    x_gatewatch_skipped: None = None

    # Read for the evidence in words alone: whether the peer had been heard before a handshake was cut.
    network_events = None

    @property
    def extra(self) -> dict[str, Any]:
        """The keys beside the lists of df-000, as far as a verdict reads them."""
        return {"control_failure": self.control_failure, "control": _read(self.control)}

    @property
    def control_page(self) -> ControlPage | None:
        """A part of the control; None where it is not as it should be, either."""
        try:
            return None if self.control is ABSENT else _control_page(self.control)
        except msgspec.MsgspecError:
            return None


class Envelope(Struct, gc=False):
    """A measurement, df-000, without its test keys.

    All keys that the record knows are typed, so that one with an odd value goes the slow way and is told.
    """

    annotations: Any_ | None = None
    data_format_version: Text = None
    extensions: Any_ | None = None
    id: Text = None
    input: Text = None
    input_hashes: tuple[str, ...] | None = None
    measurement_start_time: Text = None
    options: tuple[str, ...] | None = None
    probe_asn: Text = "AS0"
    probe_cc: Text = "ZZ"
    probe_city: Text = None
    probe_ip: Text = None
    probe_network_name: Text = ""
    report_id: Text = ""
    measurement_uid: Text = None
    resolver_asn: Text = None
    resolver_ip: Text = None
    resolver_network_name: Text = None
    software_name: Text = "gatewatch"
    software_version: Text = None
    test_helpers: Any_ | None = None
    test_name: Text = None
    test_runtime: float | None = 0.0
    test_start_time: Text = None
    test_version: Text = None
    x_gatewatch_item: Text = None
    x_gatewatch_target: dict[str, Any] | None = None
    x_gatewatch_verdict: dict[str, Any] | None = None


class Record(Envelope, gc=False):
    """A measurement that is to be judged."""

    test_keys: Keys | None = None


class Judged(Envelope, gc=False):
    """A measurement that brings its verdict."""

    test_keys: Any_ | None = None


def _read(raw: Raw) -> Any:
    if raw is ABSENT:
        return None
    try:
        return msgspec.json.decode(raw)
    except msgspec.MsgspecError as error:
        raise Unfit from error


def _bytes(value: Any) -> bytes:
    """Read binary data as the core's codec does; anything that would not be written back alike is unfit."""
    if not isinstance(value, dict) or len(value) != 2 or not isinstance(value.get("data"), str):
        raise Unfit
    return _binary(value.get("format"), value["data"])


def _binary(kind: Any, text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Unfit from error
    if kind != "base64" or base64.b64encode(data).decode("ascii") != text:
        raise Unfit
    return data
