"""From tables to answers: a country of each class, written by hand, and what must change nothing."""

from __future__ import annotations

import random
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pandas as pd
import pytest
from tests.analysis.gateway.frames import End, isp, locus, made, only, records, verdicts

from gatewatch_analysis.gateway import NOTHING, Known, find
from gatewatch_analysis.loading import Dataset
from gatewatch_analysis.prefixes import Prefix, PrefixTable
from gatewatch_analysis.tables import Contrasts, Hops, Loci, Measurements, Problems

CARRIERS = {3491: "63.218", 6453: "80.1", 9498: "182.79"}
GATE = "103.9"
TABLE = PrefixTable(
    [
        *(Prefix(ip_network(f"36.{n}.0.0/16"), n, "KH", f"ISP {n}") for n in range(1, 12)),
        *(Prefix(ip_network(f"{start}.0.0/16"), n, "US", f"Carrier {n}") for n, start in CARRIERS.items()),
        Prefix(ip_network(f"{GATE}.0.0/16"), 99, "KH", "The gate"),
    ]
)
TARGETS = [f"https://{name}.org/" for name in "abcdef"]


def own(n: int, last: int = 1) -> End:
    return f"36.{n}.0.{last}", n, "KH"


def abroad(carrier: int, last: int = 1) -> End:
    return f"{CARRIERS[carrier]}.0.{last}", carrier, "US"


def carrier_of(n: int, one: bool = False) -> int:
    return 3491 if one else list(CARRIERS)[n % 3]


def way(n: int, trace: int, through: list[str], carrier: int) -> list[dict[str, Any]]:
    """A trace of an ISP over some routers at home, to a carrier and a destination behind it."""
    hops = [f"36.{n}.0.1", *through, f"{CARRIERS[carrier]}.0.1", f"{CARRIERS[carrier]}.0.2", "8.8.8.8"]
    about = {**isp(n), "run": f"r{n}", "trace": trace, "destination": "8.8.8.8", "reached": True}
    return [
        {**about, "ttl": ttl, "address": address, "rtt_ms": 2.0 * ttl} for ttl, address in enumerate(hops, 1)
    ]


def country(
    label: dict[int, str],
    where: dict[int, dict[str, Any]],
    contrast: dict[int, str],
    through: dict[int, list[str]] | None = None,
    carriers: dict[int, int] | None = None,
) -> Dataset:
    """A country of ISPs that block all targets in some way (or none: ok), with what is known of each."""
    pages = [
        row for n, way_ in label.items() for r in ("x", "y") for row in verdicts(n, way_, TARGETS, run=r)
    ]
    ways = [
        row for n in label
        for row in way(n, n, (through or {}).get(n, []), (carriers or {}).get(n, carrier_of(n)))
    ]  # fmt: skip
    contrasts = [
        {**isp(n), "input": "a", "method": "tls", "conclusion": word} for n, word in contrast.items()
    ]
    return Dataset(
        measurements=made(Measurements, pages),
        hops=made(Hops, ways),
        loci=made(Loci, where.values()),
        contrasts=made(Contrasts, contrasts),
        problems=Problems.frame([]),
    )


SIX = range(1, 7)
WAYS = ["tls.reset", "dns.nxdomain", "tls.timeout", "dns.bogon", "tcp.timeout", "dns.redirect"]
WAYS += ["tls.eof", "dns.nxdomain"]


def gate_for(n: int) -> dict[str, Any]:
    return locus(n, "border", own(n), (f"{GATE}.0.{n}", 99, "KH"))


def through_the_gate() -> dict[int, list[str]]:
    return {n: [f"{GATE}.0.{n}"] for n in SIX}


def gateway(one_carrier: bool = False) -> Dataset:
    return country(
        dict.fromkeys(SIX, "tls.reset"),
        {n: gate_for(n) for n in SIX},
        dict.fromkeys(SIX, "foreign_only"),
        through_the_gate(),
        {n: carrier_of(n, one_carrier) for n in SIX},
    )


def ordered() -> Dataset:
    eight = range(1, 9)
    return country(
        dict(zip(eight, WAYS, strict=True)),
        {n: locus(n, "access", own(n), own(n, 2), "dns" if n % 2 == 0 else "tls") for n in eight},
        {n: "both" if n % 2 else "neither" for n in eight},
    )


def central() -> Dataset:
    habits: dict[str, Any] = {"flags": "RA", "initial_ttl": "64", "ip_id": "zero", "packets": 3}
    return country(
        dict.fromkeys(SIX, "tls.reset"),
        {n: locus(n, "access", own(n), own(n, 2), **habits) for n in SIX},
        dict.fromkeys(SIX, "both"),
    )


def upstream() -> Dataset:
    hit = [n for n in range(1, 9) if n % 3 == 0 or n > 6]
    return country(
        {n: "tls.reset" if n in hit else "ok" for n in range(1, 9)},
        {n: locus(n, "foreign", abroad(9498), abroad(9498, 2)) for n in hit},
        dict.fromkeys(hit, "foreign_only"),
        carriers={n: 9498 if n in hit else 3491 if n % 2 else 6453 for n in range(1, 9)},
    )


def nobody() -> Dataset:
    return country(dict.fromkeys(SIX, "ok"), {}, {})


COUNTRIES = {
    "gateway": gateway,
    "not identifiable": lambda: gateway(one_carrier=True),
    "ordered": ordered,
    "central": central,
    "upstream": upstream,
    "none": nobody,
}


@pytest.mark.parametrize("kind", COUNTRIES)
def test_a_country_of_each_class(kind: str) -> None:
    found = find(COUNTRIES[kind](), TABLE, NOTHING)
    row = only(found.answers)
    assert (row["answer"], row["why"]) == (kind, None)
    chances = {r["kind"]: r["probability"] for r in records(found.posterior)}
    assert sum(chances.values()) == pytest.approx(1.0) and chances[kind] == row["probability"]


def test_what_is_seen_is_told() -> None:
    found = find(gateway(), TABLE, NOTHING)
    said = {row["piece"]: row["seen"] for row in records(found.weighed)}
    assert said["interference"] == "6 of 6 ISPs affected"
    assert said["places"] == "shared at home 6; 6 of 6 ISPs at AS99, a share of at least 0.74"
    assert said["contrast, home"] == "foreign_only 6"
    assert said["exits"].startswith("3.0 effective networks abroad")
    # That six ISPs at one node block alike says nothing more.
    assert not {piece for piece in said if piece.startswith("mechanisms")}
    row = only(found.pieces.identifiable)
    assert (row["told"], row["node"], row["behind"], row["around"]) == (True, "AS99", 3, 0)


@pytest.mark.parametrize("kind", COUNTRIES)
def test_the_order_of_rows_changes_nothing(kind: str) -> None:
    data = COUNTRIES[kind]()

    def mixed(frame: pd.DataFrame) -> pd.DataFrame:
        rows = list(range(len(frame)))
        random.Random(1).shuffle(rows)
        return frame.iloc[rows].reset_index(drop=True)

    names = ("measurements", "hops", "loci", "contrasts")
    parts: dict[str, Any] = {name: mixed(getattr(data, name)) for name in names}
    other = replace(data, **parts)
    assert find(other, TABLE, NOTHING).posterior.equals(find(data, TABLE, NOTHING).posterior)


@pytest.mark.parametrize("kind", COUNTRIES)
def test_measuring_one_isp_again_and_again_makes_nothing_surer(kind: str) -> None:
    data = COUNTRIES[kind]()

    def again(frame: pd.DataFrame) -> pd.DataFrame:
        return pd.concat([frame, *[frame[frame["asn"] == 3]] * 5], ignore_index=True)

    more = replace(data, measurements=again(data.measurements), loci=again(data.loci))
    assert find(more, TABLE, NOTHING).posterior.equals(find(data, TABLE, NOTHING).posterior)


@pytest.mark.parametrize("kind", COUNTRIES)
@pytest.mark.parametrize("count", [1, 2])
def test_fewer_than_three_isps_are_undetermined(kind: str, count: int) -> None:
    data = COUNTRIES[kind]()
    parts: dict[str, Any] = {
        name: (frame := getattr(data, name))[frame["asn"] <= count]
        for name in ("measurements", "hops", "loci", "contrasts")
    }
    row = only(find(replace(data, **parts), TABLE, NOTHING).answers)
    assert (row["answer"], row["isps"]) == ("undetermined", count)
    assert f"{count} of at least 3 ISPs measured" in row["why"]


def test_isps_that_all_buy_from_one_are_no_gateway() -> None:
    data = country(
        dict.fromkeys(SIX, "tls.reset"),
        {n: locus(n, "border", own(1, 8), own(1, 9)) for n in SIX},
        dict.fromkeys(SIX, "foreign_only"),
        {n: ["36.1.0.8", "36.1.0.9"] for n in SIX},
        dict.fromkeys(SIX, 3491),
    )
    found = find(data, TABLE, NOTHING)
    row = only(found.answers)
    assert row["units"] == 1 and row["answer"] in ("not identifiable", "undetermined")


def test_a_gate_that_the_law_names_is_no_seller_even_where_it_is_an_isp() -> None:
    data = gateway()
    gate_is_an_isp = Known(retail=frozenset({99}), company={99: "Telecom"})
    assert only(find(data, TABLE, gate_is_an_isp).answers)["answer"] != "gateway"
    by_law = replace(gate_is_an_isp, gates=frozenset({99}))
    assert only(find(data, TABLE, by_law).answers)["answer"] == "gateway"


def test_two_networks_of_one_company_are_one_isp() -> None:
    data = ordered()
    apart = find(data, TABLE, NOTHING)
    together = find(data, TABLE, Known(company={1: "One", 3: "One", 5: "One", 7: "One"}))
    assert only(together.answers)["units"] == 5 < only(apart.answers)["units"]

    def weight(found: Any) -> float:
        [row] = [r for r in records(found.weighed) if r["piece"].startswith("mechanisms on the path")] or [{}]
        return float(row.get("ordered", 0.0) or 0.0) - float(row.get("gateway", 1.0) or 0.0)

    # Four ways of blocking on the path spoke for orders; four of one company are one way.
    assert weight(apart) > 0.5 and not [
        r for r in records(together.weighed) if r["piece"].startswith("mechanisms on the path")
    ]


def test_the_lab_and_the_world_are_two_countries() -> None:
    data, lab = ordered(), gateway()
    both: dict[str, Any] = {
        name: pd.concat([getattr(data, name), getattr(lab, name).assign(lab=True)], ignore_index=True).astype(
            getattr(data, name).dtypes.to_dict()
        )
        for name in ("measurements", "hops", "loci", "contrasts")
    }
    found = find(replace(data, **both), TABLE, NOTHING)
    assert [(r["lab"], r["answer"]) for r in records(found.answers)] == [
        (False, "ordered"),
        (True, "gateway"),
    ]


def test_no_evidence_is_no_country() -> None:
    nothing = country({}, {}, {})
    found = find(nothing, TABLE, NOTHING)
    assert found.answers.empty and found.steps.empty
