"""Where hops may stand: votes, weights, and light's law."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest
from tests.analysis.runs import measurement, write_run

from gatewatch.records import HopReply, TraceKeys, encode
from gatewatch_analysis.loading import load
from gatewatch_analysis.paths import places
from gatewatch_analysis.paths.places import (
    EXCHANGE,
    LISTING,
    LISTING_OF_CARRIER,
    NAME,
    Place,
    Vote,
    stand,
    votes,
)
from gatewatch_analysis.prefixes import Prefix, PrefixTable
from gatewatch_analysis.tables import HopPlaces

PCCW = Prefix(ip_network("63.218.0.0/16"), 3491, "HK", "PCCW Global")
HKG, SIN, US = Place("HK", "Hong Kong", 22.30, 114.17), Place("SG", "Singapore", 1.29, 103.85), Place("US")


def test_who_votes_and_with_what_weight() -> None:
    hkix = Prefix(ip_network("123.255.90.0/23"), 0, "HK", "", "HKIX")
    equinix = Prefix(ip_network("27.111.228.0/22"), 0, "SG", "", "Equinix Singapore")
    at_home = Prefix(ip_network("113.160.0.0/11"), 131429, "VN", "Mobifone")
    told = votes("hu-0-0-0-11.clbr02.hkg04.pccwbtn.net", PCCW, "KH")
    assert [(v.source, v.place.country, v.weight) for v in told] == [
        ("name", "HK", NAME),
        ("listing", "HK", LISTING_OF_CARRIER),
    ]
    assert [(v.source, v.place, v.weight) for v in votes(None, equinix, "KH")] == [
        ("exchange", SIN, EXCHANGE)
    ]
    # Next door a carrier's listing is as good as anybody's.
    assert [v.weight for v in votes(None, PCCW, "CN")] == [LISTING]
    # Hong Kong is one city; Viet Nam is not.
    assert votes(None, hkix, "KH")[0].place == HKG
    assert [(v.place, v.weight) for v in votes("unknown.example", at_home, "TH")] == [(Place("VN"), LISTING)]
    assert votes("core1.ash1.example.net", None, "KH") == []


def test_words_that_agree_add_up_and_nobody_may_be_right() -> None:
    alone = stand([Vote(HKG, "name", 0.94)], {"KH": 27.0})
    assert alone.options[0].weight == pytest.approx(0.94)
    assert alone.unknown == pytest.approx(0.06)
    both = stand([Vote(HKG, "name", 0.94), Vote(Place("HK"), "listing", 0.3)], {"KH": 27.0})
    assert both.options[0].weight == pytest.approx(0.984, abs=0.001)
    assert both.options[0].sources == ("name", "listing")
    split = stand([Vote(HKG, "name", 0.94), Vote(SIN, "listing", 0.3)], {"KH": 27.0})
    assert [o.place.country for o in split.options] == ["HK", "SG"]
    assert sum(o.weight for o in split.options) + split.unknown == pytest.approx(1)
    assert stand([], {"KH": 27.0}).unknown == 1


def test_light_rules_places_out_and_never_in() -> None:
    # Phnom Penh to anywhere in the United States and back takes over 110 ms.
    found = stand([Vote(US, "listing", 0.6)], {"KH": 60.0})
    assert not found.told
    assert [vote.place for vote in found.rejected] == [US]
    # A long time proves nothing: Hong Kong stays possible at 300 ms.
    assert stand([Vote(HKG, "name", 0.94)], {"KH": 300.0}).told
    # From the edge of the box that holds Cambodia, Hong Kong is 1,100 km away.
    assert not stand([Vote(HKG, "name", 0.94)], {"KH": 9.0}).told
    # Whom several countries have seen is bounded from several sides: 4 ms from Singapore is not Hong Kong.
    assert not stand([Vote(HKG, "name", 0.94)], {"KH": 27.0, "SG": 4.0}).told
    assert stand([Vote(SIN, "name", 0.94)], {"KH": 27.0, "SG": 4.0}).told
    # A listing is believed of cities: 6 ms from Cambodia reach a corner of India, and no city of it.
    assert not stand([Vote(Place("IN"), "listing", 0.6)], {"KH": 7.0}).told
    # Without a time, or a country whose extent is known, nothing is ruled out.
    assert stand([Vote(US, "listing", 0.6)], {}).told
    assert stand([Vote(US, "listing", 0.6)], {"ZZ": 5.0}).told


def test_a_hop_with_a_place_that_light_rejects(tmp_path: Path) -> None:
    replies = (
        HopReply(ttl=1, address="63.218.0.1", rtt=31.0),
        HopReply(ttl=2, address="63.218.0.9", rtt=27.0, name="Hu-0.clbr02.hkg04.pccwbtn.net"),
        HopReply(ttl=3, address="5.5.5.5", rtt=40.0),
        HopReply(ttl=1, address="63.218.0.1", rtt=1.5, attempt=1),
    )
    keys = TraceKeys(
        protocol="udp",
        destination="1.1.1.1",
        source_port=1,
        destination_port=2,
        reached=False,
        replies=replies,
    )
    hops = load([write_run(tmp_path / "r", [measurement("trace", "1.1.1.1", encode(keys))])]).hops
    frame = places(hops, PrefixTable([PCCW]))
    assert {str(name): str(kind) for name, kind in frame.dtypes.items()} == {
        name: column.dtype for name, column in HopPlaces.columns().items()
    }
    row = frame.set_index(["address", "source"])
    # 1.5 ms: whoever wears this carrier's address stands in or next to Cambodia.
    assert row.loc[("63.218.0.1", "listing"), "rejected"]
    assert row.loc[("63.218.0.1", "unknown"), "weight"] == 1
    assert row.loc[("63.218.0.9", "name listing"), "place"] == "Hong Kong"
    assert row.loc[("5.5.5.5", "unknown"), "weight"] == 1
    assert frame.groupby("address")["weight"].sum().tolist() == pytest.approx([1, 1, 1])
