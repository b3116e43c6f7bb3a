"""Measurements as rows for a spreadsheet: one line each, and no cell that a spreadsheet would carry out."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from typing import IO, Any

from gatewatch.store.lines import measured
from gatewatch.store.uid import uid
from gatewatch_targets.text import printable

#: Column and what it holds; docs/results.md shows them.
COLUMNS: Mapping[str, str] = {
    "start": "when it began, UTC",
    "country": "of the vantage",
    "asn": "of the vantage",
    "network": "name of the vantage's network",
    "test": "name of the test",
    "input": "what was tested",
    "category": "of the target, Citizen Lab's code",
    "status": "ok, blocked, tampered, down, server_side or inconclusive; empty where nothing judges the test",
    "layer": "dns, tcp, tls, http, quic or throttled",
    "method": "how, within the layer",
    "verdict": "the three in one word",
    "rule": "id of the rule that decided",
    "confidence": "of that rule, 0 to 1",
    "runtime_s": "how long it took",
    "run": "the run and the item of its plan",
    "uid": "name of the measurement, the same wherever it was sent",
}
# What begins a formula in some spreadsheet (OWASP, "CSV Injection"), full-width forms of East Asia included.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")


def write(lines: Iterable[bytes], out: IO[str]) -> int:
    """Write rows for stored lines, with a head; gives how many."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for line in lines:
        if (record := measured(line)) is not None:
            writer.writerow(map(cell, _row(record, line)))
            count += 1
    return count


def cell(value: Any) -> Any:
    """Give a cell: numbers as they are; text that nothing takes for a formula, and in one line."""
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    if isinstance(value, (int, float)):
        return value
    text = str(value)
    # Some readers cut spaces off first.
    if text.lstrip().startswith(_FORMULA) or text.startswith(_FORMULA):
        text = f"'{text}"
    return printable(text)


def _row(record: Mapping[str, Any], line: bytes) -> tuple[Any, ...]:
    verdict, target = _table(record, "x_gatewatch_verdict"), _table(record, "x_gatewatch_target")
    return (
        record.get("measurement_start_time"),
        record.get("probe_cc"),
        record.get("probe_asn"),
        record.get("probe_network_name"),
        record.get("test_name"),
        record.get("input"),
        target.get("category"),
        verdict.get("status"),
        verdict.get("layer"),
        verdict.get("method"),
        verdict.get("label"),
        verdict.get("rule"),
        verdict.get("confidence"),
        record.get("test_runtime"),
        record.get("id"),
        uid(line),
    )


def _table(record: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = record.get(key)
    return value if isinstance(value, Mapping) else {}
