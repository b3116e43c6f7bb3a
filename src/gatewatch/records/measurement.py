"""The envelope of every measurement, df-000, and the keys that the tests share.

One JSON object a line; times of day in UTC; ``t0`` and ``t`` in seconds since ``measurement_start_time``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatewatch.records.connect import Connect
from gatewatch.records.event import NetworkEvent
from gatewatch.records.field import doc, extra
from gatewatch.records.handshake import Handshake
from gatewatch.records.query import Query
from gatewatch.records.transaction import Transaction

#: Times of day in OONI's data formats, UTC.
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
#: The extensions written: format name to version.
EXTENSIONS: Mapping[str, int] = {"dnst": 0, "httpt": 0, "netevents": 0, "tcpconnect": 0, "tlshandshake": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class TestKeys:
    """What happened on the wire; a test's own keys (a verdict, a control) stand in ``extra``."""

    queries: tuple[Query, ...] | None = doc("DNS lookups, df-002", optional=True)
    tcp_connect: tuple[Connect, ...] | None = doc("TCP connects, df-005", optional=True)
    tls_handshakes: tuple[Handshake, ...] | None = doc("TLS handshakes, df-006", optional=True)
    requests: tuple[Transaction, ...] | None = doc("HTTP transactions, newest first, df-001", optional=True)
    network_events: tuple[NetworkEvent, ...] | None = doc("network events, df-008", optional=True)
    extra: Mapping[str, Any] = extra()

    # The name is OONI's; pytest must not collect it.
    __test__ = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One record of one probe on one target."""

    annotations: Mapping[str, Any] | None = doc("engine, platform, network type", optional=True)
    data_format_version: str | None = doc("version of this envelope", "0.2.0")
    extensions: Mapping[str, int] | None = doc("data formats used", EXTENSIONS, optional=True)
    id: str | None = doc("unique id of the measurement", optional=True)
    input: str | None = doc("URL, host:port or name that was tested")
    input_hashes: tuple[str, ...] | None = doc("unused, kept for old readers", optional=True)
    measurement_start_time: str | None = doc("start of the measurement, UTC")
    options: tuple[str, ...] | None = doc("options of the test", optional=True)
    probe_asn: str | None = doc("network of the vantage, AS0 when not known", "AS0")
    probe_cc: str | None = doc("country of the vantage, ZZ when not known", "ZZ")
    probe_city: str | None = doc("never written here", optional=True)
    probe_ip: str | None = doc("always 127.0.0.1: the own address is not stored", "127.0.0.1")
    probe_network_name: str | None = doc("name of the vantage's network", "")
    report_id: str | None = doc("id given by a collector", "")
    measurement_uid: str | None = doc("id given by OONI's pipeline", optional=True)
    resolver_asn: str | None = doc("network of the system resolver", "AS0")
    resolver_ip: str | None = doc("address of the system resolver", "127.0.0.2")
    resolver_network_name: str | None = doc("name of the resolver's network", "")
    software_name: str | None = doc("who measured", "gatewatch")
    software_version: str | None = doc("its version")
    test_helpers: Mapping[str, Any] | None = doc("helpers used", optional=True)
    test_keys: TestKeys = doc("what happened")
    test_name: str | None = doc("web_connectivity, trace, resolve, connect, handshake or fetch")
    test_runtime: float | None = doc("how long the measurement took", 0.0, unit="s")
    test_start_time: str | None = doc("start of the run, UTC")
    test_version: str | None = doc("version of the test", "0.1.0")
    x_gatewatch_item: str | None = doc("id of the plan's item that this measurement answers", optional=True)
    x_gatewatch_target: Mapping[str, Any] | None = doc(
        "category, risk tier and lists of the target", optional=True
    )
    x_gatewatch_verdict: Mapping[str, Any] | None = doc(
        "the verdict at the probe: status, layer, method, rule, evidence, confidence", optional=True
    )
    extra: Mapping[str, Any] = extra()
