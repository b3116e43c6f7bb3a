"""What was loaded: measurements, hops, and the lines that could not be read."""

from __future__ import annotations

from gatewatch_analysis.tables.base import (
    FLAG,
    MEASUREMENT,
    REAL,
    TEXT,
    TIME,
    WHOLE,
    Column,
    Table,
    Vantage,
)


class Measurements(Vantage):
    """A row per measurement."""

    title = "measurements: a row per measurement"
    run = Column(TEXT, "the run folder's name, else the file's", "", "path")
    test_name = Column(TEXT, "web_connectivity, trace, resolve, ...", "", "test_name")
    input = Column(TEXT, "what was tested: URL, host:port or name", "", "input")
    host = Column(TEXT, "host of the input, as an A-label", "", "input")
    category = Column(TEXT, "category of the target", "Citizen Lab code", "x_gatewatch_target")
    start = Column(TIME, "when it began", "UTC", "measurement_start_time")
    runtime_s = Column(REAL, "how long it took", "s", "test_runtime")
    status = Column(
        TEXT,
        "ok, blocked, tampered, down, server_side or inconclusive; missing where nothing judges the test",
        "",
        "x_gatewatch_verdict; for other software's web_connectivity and tests of apps gatewatch.verdict",
    )
    layer = Column(
        TEXT,
        "dns, tcp, tls, http, quic or throttled, for blocked and tampered",
        "",
        "verdict",
    )
    method = Column(TEXT, "how, within the layer: nxdomain, reset, blockpage, ...", "", "verdict")
    label = Column(
        TEXT, "the verdict in one word: ok, blocked(tls.reset), inconclusive(no_control), ...", "", "verdict"
    )
    rule = Column(TEXT, "id of the rule that decided", "", "verdict")
    confidence = Column(REAL, "confidence of that rule", "0 to 1", "verdict")
    measurement = MEASUREMENT


class Judged(Measurements):
    """A row per measurement, those without a control judged again where others saw the target."""

    title = "judge_again: the measurements, with verdicts that other vantages make possible"
    control_from = Column(
        TEXT,
        "the vantages whose results stood in for a control, and when; missing where there was one, or none",
        "",
        "witnesses",
    )


class Witnesses(Table):
    """A row per measurement without a control and vantage that can stand in."""

    title = "witnesses: a row per measurement without a control and other vantage that saw the target"
    measurement = Column(WHOLE, "which measurement has no control", "64-bit hash", "measurements")
    says = Column(TEXT, "up, or down: what the vantages together say of the target", "", "measurements")
    country = Column(TEXT, "country of the other vantage", "ISO 3166-1 alpha-2", "measurements")
    isp = Column(TEXT, "name of its network", "", "measurements")
    asn = Column(WHOLE, "number of that network", "", "measurements")
    witness = Column(WHOLE, "which measurement of its stands in", "64-bit hash", "measurements")
    hours = Column(REAL, "how long after, or before, it was made", "h", "measurements.start")


class Hops(Vantage):
    """A row per trace reply, silence included; and per hop of the ways that ``locate`` has seen."""

    title = "hops: a row per trace reply, and per hop that locate has seen"
    run = Column(TEXT, "the run folder's name, else the file's", "", "path")
    trace = Column(WHOLE, "which trace, numbered in load order from 0", "", "counted")
    start = Column(TIME, "when the trace began", "UTC", "measurement_start_time")
    destination = Column(TEXT, "address traced to", "", "test_keys.destination")
    flow = Column(
        TEXT,
        "protocol and ports, which stay the same from TTL to TTL: repeats compare where it does",
        "",
        "test_keys.protocol, source_port, destination_port",
    )
    ttl = Column(WHOLE, "TTL of the probe: the hop's number from the vantage", "hops", "replies.ttl")
    address = Column(TEXT, "who answered; missing for silence", "", "replies.address")
    rtt_ms = Column(REAL, "round-trip time", "ms", "replies.rtt")
    icmp_type = Column(WHOLE, "ICMP type of the answer", "RFC 792", "replies.icmp_type")
    icmp_code = Column(WHOLE, "ICMP code of the answer", "RFC 792", "replies.icmp_code")
    reply_ttl = Column(WHOLE, "IP TTL with which the answer came in", "hops", "replies.reply_ttl")
    quoted_ttl = Column(WHOLE, "TTL of the probe as the answer quotes it", "hops", "replies.quoted_ttl")
    labels = Column(
        TEXT,
        "MPLS labels, outermost first; missing where the answer shows none",
        "RFC 4950",
        "replies.labels",
    )
    name = Column(TEXT, "reverse DNS name of the address, where the data brings one", "", "replies.name")
    reached = Column(FLAG, "whether the destination itself answered this trace", "", "test_keys.reached")
    measurement = MEASUREMENT


class Problems(Table):
    """A row per line that could not be read as it should."""

    title = "problems: a row per line that could not be read as it should"
    file = Column(TEXT, "the file", "", "path")
    line = Column(WHOLE, "line in it, from 1; 0 for the file as a whole", "", "counted")
    reason = Column(TEXT, "what is wrong", "", "reader")
    kept = Column(FLAG, "whether the rest of the line was loaded all the same", "", "reader")
