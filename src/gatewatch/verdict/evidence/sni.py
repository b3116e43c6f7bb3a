"""What a measurement of the ``sni`` probe says: whether the name is cut, and what the filter reads of it."""

from __future__ import annotations

from typing import Any

from gatewatch.records import Measurement
from gatewatch.verdict.evidence.hops import place
from gatewatch.verdict.words import NOT_LOOKED, OK, UNUSABLE

#: The test's name; not OONI's sni_blocking, whose keys and method are others.
SNI_TEST = "sni_filter"
_MOST = 256
_CUT = ("reset", "eof", "timeout")
# What the filter must read to cut a variant that passes when it is not cut, and what it cannot be reading.
_READS = {
    "split": ("over segments", "in one segment"),
    "records": ("over records", "in one record"),
    "ech": ("beside ECH", "not beside ECH"),
    "elsewhere": ("anywhere", "at this address"),
}


def _rows(m: Measurement) -> list[dict[str, Any]]:
    raw = m.test_keys.extra.get("x_gatewatch_sni") if m.test_keys else None
    return [
        row
        for row in (raw[:_MOST] if isinstance(raw, list) else ())
        if isinstance(row, dict) and all(isinstance(row.get(key), str) for key in ("variant", "outcome"))
    ]


def _word(rows: list[dict[str, Any]], variant: str) -> str:
    """What a variant came to: how it was cut when that was more often than it was answered, else ok."""
    outcomes = [row["outcome"] for row in rows if row["variant"] == variant]
    if not outcomes:
        return NOT_LOOKED
    passed = outcomes.count("answered")
    # A control passes before each trigger: that it was cut at other times is what the filter left behind.
    if passed and (variant == "control" or passed >= sum(word in _CUT for word in outcomes)):
        return OK
    return next((word for word in _CUT if word in outcomes), UNUSABLE)


def _times(rows: list[dict[str, Any]], variant: str) -> int:
    return sum(row["variant"] == variant and row["outcome"] in _CUT for row in rows)


def evidence(m: Measurement) -> dict[str, Any]:
    """Give the features: those of TLS and of second controls, and what only this test looks at."""
    rows = _rows(m)
    # The last address that was tried; one that answers no control name is left for the next.
    site = next((row.get("address") for row in reversed(rows) if row["variant"] == "control"), None)
    here = [row for row in rows if row.get("address") == site or row["variant"].startswith("elsewhere")]
    words = {variant: _word(here, variant) for variant in ("whole", *_READS, "control", "control_ech")}
    whole = words["whole"]
    failures = [row.get("failure") for row in here if row["variant"] == "whole"]
    failure = next((f for f in failures if isinstance(f, str)), "")
    reads = [
        _READS[variant][words[variant] == OK]
        for variant in _READS
        if whole in _CUT and words[variant] not in (NOT_LOOKED, UNUSABLE)
    ]
    answered = {OK: "answered"}
    return {
        "judged_test": True,
        "looked": bool(m.test_keys and (m.test_keys.queries or rows)),
        "host": place(m.input if isinstance(m.input, str) else "").host,
        "scheme": "https",
        "tls": whole,
        "tls_failure": failure,
        "second_sni": answered.get(words["control"], words["control"]),
        # Cut once only, and then no control passed any more: it has not shown twice.
        "second_again": whole if _times(here, "whole") > 1 else NOT_LOOKED,
        "second_elsewhere": answered.get(words["elsewhere"], words["elsewhere"]),
        "sni_split": words["split"],
        "sni_records": words["records"],
        "sni_ech": words["ech"],
        "sni_control_ech": words["control_ech"],
        "sni_reads": f"; reads names {', '.join(reads)}" if reads else "",
    }
