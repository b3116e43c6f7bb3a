"""DNS results of RIPE Atlas, as lookups of a ``resolve`` measurement.

The format: https://atlas.ripe.net/docs/apis/result-format/ (version 5000, and those before it as far as they
go).  The response message itself is in the result (``abuf``, base64) and is read here; what Atlas' own parser
says beside it is not.  A probe that asked several resolvers gives several lookups (``resultset``).  The
probe's addresses are left out.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from gatewatch.net import dnswire, message
from gatewatch.net.address import endpoint, is_address
from gatewatch.records import Answer, Measurement, Query, TestKeys
from gatewatch.records import failure as f
from gatewatch.records.measurement import TIME_FORMAT

# A message over TCP has 65,535 bytes (RFC 1035 4.2.2).
_LONGEST = 65_535
# A probe has a handful of resolvers; Atlas asks each once.
_MOST = 64
# Records of a kind that df-002 has no place for keep their text, cut like a name (RFC 1035 2.3.4).
_LONGEST_RECORD = 255
_ADDRESSES = (dnswire.QTYPES["A"], dnswire.QTYPES["AAAA"])


def from_atlas_dns(data: Mapping[str, Any]) -> Measurement:
    """Read a DNS result; raises ValueError or TypeError when it is none."""
    if data.get("type") != "dns" or not isinstance(data.get("timestamp"), int):
        raise ValueError("not a DNS result of RIPE Atlas")
    rows = data.get("resultset")
    if rows is None:
        rows = [data]
    if not isinstance(rows, list):
        raise ValueError("its resultset is no list")
    began = data["timestamp"]
    queries = [_query({**data, **row}, began) for row in rows[:_MOST] if isinstance(row, Mapping)]
    start = datetime.fromtimestamp(began, UTC).strftime(TIME_FORMAT)
    name = next((query.hostname for query in queries if query.hostname), None)
    return Measurement(
        input=name,
        measurement_start_time=start,
        test_start_time=start,
        software_name="ripe-atlas",
        software_version=str(data.get("fw", "")),
        test_name="resolve",
        test_runtime=max((q.t for q in queries if q.t is not None), default=None),
        test_keys=TestKeys(queries=tuple(queries)),
    )


def _query(row: Mapping[str, Any], began: int) -> Query:
    result, error = row.get("result"), row.get("error")
    result = result if isinstance(result, Mapping) else {}
    time = row.get("time")
    t0 = float(time - began) if isinstance(time, int) and time >= began else 0.0
    name, kind = _asked(row.get("qbuf"))
    rcode, answers, failure = None, None, _error(error)
    wire = _bytes(result.get("abuf"))
    if failure is None:
        failure = f.DNS_MISBEHAVING
        if wire is not None:
            with suppress(ValueError):
                rcode, failure, answers, name, kind = _response(wire)
    spent = result.get("rt")
    seconds = spent / 1000 if isinstance(spent, int | float) and not isinstance(spent, bool) else None
    protocol = str(row.get("proto", "UDP")).lower()
    return Query(
        answers=answers if failure is None else None,
        engine=protocol if protocol in ("udp", "tcp") else "unknown",
        failure=failure,
        hostname=name,
        query_type=kind,
        resolver_address=_resolver(row),
        raw_response=None if wire is None else str(result["abuf"]),
        rcode=rcode,
        t0=t0,
        t=None if seconds is None else t0 + seconds,
    )


def _response(wire: bytes) -> tuple[int | None, str | None, tuple[Answer, ...], str, str]:
    """Read a message: rcode, failure, answers, and the question; raises ValueError on rubbish."""
    rcode, failure, answers, (name, number) = message.read(wire)
    if number not in _ADDRESSES:
        answers = _texts(wire)
        if failure in (None, f.DNS_NO_ANSWER):
            failure = None if answers else f.DNS_NO_ANSWER
    return rcode, failure, answers, name, _type_name(number)


def _texts(wire: bytes) -> tuple[Answer, ...]:
    """Read records of any kind, each as its text."""
    import dns.exception
    import dns.message
    import dns.rdatatype

    try:
        answer = dns.message.from_wire(wire, ignore_trailing=True).answer
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError(f"no DNS message: {error}") from error
    return tuple(
        Answer(
            answer_type=dns.rdatatype.to_text(rrset.rdtype),
            hostname=rdata.to_text().rstrip(".")[:_LONGEST_RECORD],
            ttl=rrset.ttl,
        )
        for rrset in answer
        for rdata in rrset
    )


def _asked(text: Any) -> tuple[str | None, str | None]:
    """Read the question that was sent, where the result keeps it."""
    wire = _bytes(text)
    if wire is None:
        return None, None
    try:
        _, name, number = dnswire.question(wire)
    except ValueError:
        return None, None
    return name, _type_name(number)


def _type_name(number: int) -> str:
    import dns.rdatatype

    return dns.rdatatype.to_text(dns.rdatatype.RdataType.make(number))


def _error(error: Any) -> str | None:
    if not error:
        return None
    if isinstance(error, Mapping):
        if "timeout" in error:
            return f.GENERIC_TIMEOUT
        return f.unknown(" ".join(f"{key} {value}" for key, value in list(error.items())[:4]))
    return f.unknown(str(error)[:_LONGEST_RECORD])


def _resolver(row: Mapping[str, Any]) -> str | None:
    # A name stands here where the probe was told to look it up by itself, and could not.
    for key in ("dst_addr", "dst_name"):
        host = row.get(key)
        if isinstance(host, str) and host:
            port = str(row.get("dst_port", 53))
            number = int(port) if port.isascii() and port.isdecimal() and len(port) < 6 else 53
            return endpoint(host, number) if is_address(host) else f"{host[:_LONGEST_RECORD]}:{number}"
    return None


def _bytes(text: Any) -> bytes | None:
    if not isinstance(text, str) or not text or len(text) > 2 * _LONGEST:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None
