"""From a record to its rows: which lists each test has, and what the test helper saw of them."""

from __future__ import annotations

import sys

from gatewatch_analysis.loading.observations.carriers import MOST_ROWS, Rows, Way
from gatewatch_analysis.loading.observations.shape import (
    Answer,
    Connect,
    Control,
    Handshake,
    Keys,
    Part,
    Query,
    Record,
    Request,
    Response,
    Status,
    TlsTrace,
    Transaction,
)
from gatewatch_analysis.loading.observations.words import endpoint, host_of


def flatten(record: Record, owner: int, rows: Rows, *, size: int = sys.maxsize) -> int:
    """Add a record's rows; of one that has beyond all measure none stay, and the number is given, else 0.

    ``size`` is that of the line: a row takes three bytes at least, so few lines need counting.
    """
    keys = record.test_keys
    if keys is None:
        return 0
    if size < 3 * MOST_ROWS:
        _flatten(record, keys, owner, rows)
        return 0
    before = rows.sizes()
    _flatten(record, keys, owner, rows)
    added = sum(rows.sizes()[1:]) - sum(before[1:])
    if added <= MOST_ROWS:
        return 0
    rows.cut(before)
    return added


def _flatten(record: Record, keys: Keys, owner: int, rows: Rows) -> None:
    _lists(keys, rows, rows.carrier(owner))
    if keys.x_dns_duplicate_responses:
        for query in keys.x_dns_duplicate_responses:
            query.x_gatewatch_late = query.x_gatewatch_late or 1
        rows.add_queries(rows.carrier(owner), keys.x_dns_duplicate_responses)
    if keys.bootstrap is not None:
        _lists(keys.bootstrap, rows, rows.carrier(owner, "bootstrap"))
    for parts in (keys.lookups, keys.targets):
        if parts:
            for name, part in parts.items():
                _lists(part, rows, rows.carrier(owner, name))
    if keys.iterative_trace:
        _tls_traces(keys.iterative_trace, owner, rows)
    if keys.replies:
        way = Way(keys.protocol, keys.destination, keys.destination_port, keys.reached)
        rows.add_replies(rows.carrier(owner), way, keys.replies)
    if keys.x_gatewatch_locate:
        for row in keys.x_gatewatch_locate:
            if row.hops:
                way = Way(row.method, row.address, row.port, None)
                rows.add_replies(rows.carrier(owner, row.method), way, row.hops)
    if keys.control is not None:
        _control(record.input, keys.control, rows, rows.carrier(owner, control=True))


def _lists(part: Part, rows: Rows, carrier: int) -> None:
    if part.queries:
        rows.add_queries(carrier, part.queries)
    if part.tcp_connect:
        rows.add_connects(carrier, part.tcp_connect)
    if part.tls_handshakes:
        rows.add_handshakes(carrier, part.tls_handshakes)
    if part.requests:
        rows.add_transactions(carrier, part.requests)


def _tls_traces(traces: list[TlsTrace], owner: int, rows: Rows) -> None:
    for trace in traces:
        for name in ("control_trace", "target_trace"):
            half = getattr(trace, name)
            if half is None or not half.iterations:
                continue
            carrier = rows.carrier(owner, name)
            for iteration in half.iterations:
                handshake = iteration.handshake
                if handshake is None:
                    continue
                # OONI's traces leave both out here: they stand once for all iterations.
                handshake.address = handshake.address or trace.address
                handshake.server_name = handshake.server_name or half.server_name
                rows.add_handshakes(carrier, [handshake], iteration.ttl)


def _control(url: str | None, seen: Control, rows: Rows, carrier: int) -> None:
    """Put what the test helper saw into the same records as what the vantage saw."""
    if seen.dns is not None:
        asns = {address: info.asn for address, info in (seen.ip_info or {}).items()}
        answers = [_answer(address, asns.get(address)) for address in seen.dns.addrs or ()]
        query = Query(answers=answers, failure=seen.dns.failure, hostname=host_of(url), query_type="ANY")
        rows.add_queries(carrier, [query])
    if seen.tcp_connect:
        rows.add_connects(carrier, [_connect(where, status) for where, status in seen.tcp_connect.items()])
    if seen.tls_handshake:
        shaken = [
            Handshake(network="tcp", address=where, failure=_failure(status), server_name=status.server_name)
            for where, status in seen.tls_handshake.items()
        ]
        rows.add_handshakes(carrier, shaken)
    http = seen.http_request
    if http is not None:
        # The helper writes -1 for what it did not get.
        response = Response(
            code=http.status_code,
            headers=http.headers,
            title=http.title,
            body_length=None if http.body_length == -1 else http.body_length,
        )
        fetched = Transaction(failure=http.failure, request=Request(url=url, method="GET"), response=response)
        rows.add_transactions(carrier, [fetched])


def _answer(address: str, asn: int | None) -> Answer:
    if ":" in address:
        return Answer(answer_type="AAAA", ipv6=address, asn=asn)
    return Answer(answer_type="A", ipv4=address, asn=asn)


def _connect(where: str, status: Status) -> Connect:
    ip, port = endpoint(where)
    failure = _failure(status)
    return Connect(ip=ip, port=port, status=Status(failure=failure, success=failure is None))


def _failure(status: Status) -> str | None:
    if isinstance(status.failure, str):
        return status.failure
    # A failure without a word for it is one all the same.
    return "unknown_failure" if status.status is False else None
