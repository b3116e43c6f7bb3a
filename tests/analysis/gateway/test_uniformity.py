"""U and P, by hand and on Cambodia's real matrix."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from pathlib import Path

import pytest
from tests.analysis.gateway import facts
from tests.analysis.gateway.frames import made, measurements, records, verdicts

from gatewatch_analysis.blocking import everywhere_down
from gatewatch_analysis.gateway.uniformity import agreement, mechanisms, theil, uniformity
from gatewatch_analysis.tables import Mechanisms

SHARED = Path(__file__).resolve().parents[3] / "../shared/data/facts/kh_matrix.csv"


def test_cambodia_2024() -> None:
    whole, one = records(uniformity(made(Mechanisms, facts.rfa())))
    assert (whole["subject"], one["subject"]) == ("all", "https://www.rfa.org/")
    for row in (whole, one):
        assert (row["isps"], row["mechanisms"]) == (11, 7)
        assert (round(row["u"], 2), round(row["p"], 2)) == (0.89, 0.11)
        # Six of the 55 pairs: three ISPs with 127.0.0.1, three with NXDOMAIN.
        assert (row["p"], row["main_isps"]) == (6 / 55, 3)


# What the matrix's words for a mechanism mean; a number follows in brackets.
WORDS = {
    r"fake A \S+ \(": "dns.redirect",
    r"bogon (?:A )?\(": "dns.bogon",
    r"NXDOMAIN \(": "dns.nxdomain",
    r"TLS reset \(": "tls.reset",
    r"TLS timeout \(": "tls.timeout",
    r"DNS timeout \(": "dns.timeout",
    r"TCP timeout \(?": "tcp.timeout",
}


def test_the_matrix_as_it_lies_beside_the_project() -> None:
    if not SHARED.is_file():
        pytest.skip(f"Cambodia's matrix is not present: {SHARED}")
    found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in csv.DictReader(SHARED.read_text(encoding="utf-8").splitlines()):
        name = row["asn"].partition(" ")[2]
        # Its two numbers are one provider.
        provider = "EZECOM" if name.startswith("EZECOM") else name
        said = row["observation_www_rfa_org_2023-07_2024-06"].replace(",", "").replace("some ", "")
        for pattern, mechanism in WORDS.items():
            for number in re.findall(pattern + r"(\d+)", said):
                found[provider][mechanism] += float(number)
    parts = {
        name: {way: count / sum(ways.values()) for way, count in ways.items()}
        for name, ways in found.items()
        # Fewer rows than that carry no conclusion in the source, either.
        if sum(ways.values()) >= 50
    }
    mains = [max(ways, key=lambda way: ways[way]) for ways in parts.values()]
    u = theil(list(parts.values()))
    assert u is not None
    assert (len(parts), round(u, 2)) == (11, 0.89)
    assert round(agreement(mains) or 0.0, 2) == 0.11


def test_by_hand() -> None:
    # Two ISPs with a way of their own: the ISP explains all.
    assert theil([{"a": 1.0}, {"b": 1.0}]) == pytest.approx(1.0)
    # Both do half and half: it explains nothing.
    assert theil([{"a": 0.5, "b": 0.5}] * 2) == pytest.approx(0.0)
    # One always a, one half a, half b: H = h(3/4), within 1/2.
    h = -(0.75 * -0.41503749927884376 + 0.25 * -2)
    assert theil([{"a": 1.0}, {"a": 0.5, "b": 0.5}]) == pytest.approx((h - 0.5) / h)
    # One way everywhere leaves nothing to explain, and P says so.
    assert (theil([{"a": 1.0}] * 3), agreement(["a"] * 3)) == (None, 1.0)
    assert agreement(["a"]) is None


def test_mechanisms_of_what_is_blocked_and_not_dead() -> None:
    rows = measurements(
        verdicts(1, "tls.reset", ["a", "b"], many=2),
        verdicts(1, "ok", ["c"]),
        verdicts(2, "tcp.timeout", ["gone"]),
        verdicts(1, "down", ["gone"]),
    )
    found = mechanisms(rows, everywhere_down(rows))
    assert [(r["asn"], r["input"], r["mechanism"], r["count"]) for r in records(found)] == [
        (1, "a", "tls.reset", 2),
        (1, "b", "tls.reset", 2),
    ]


def test_every_target_of_an_isp_counts_alike() -> None:
    rows = measurements(
        verdicts(1, "tls.reset", ["a"], many=50),
        verdicts(1, "dns.bogon", ["b", "c"]),
        verdicts(2, "dns.bogon", ["a"]),
    )
    whole = records(uniformity(mechanisms(rows)))[0]
    # The first ISP's main way is that of two of its three targets.
    assert (whole["isps"], whole["p"], whole["main"], whole["main_isps"]) == (2, 1.0, "dns.bogon", 2)


def test_repeats_and_the_order_of_rows_change_nothing() -> None:
    rows = measurements(*(verdicts(n, "tls.reset" if n < 4 else "dns.bogon") for n in range(1, 7)))
    more = measurements(
        *(verdicts(n, "tls.reset" if n < 4 else "dns.bogon", many=n) for n in range(6, 0, -1))
    )
    assert uniformity(mechanisms(rows)).equals(uniformity(mechanisms(more)))
