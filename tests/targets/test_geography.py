"""Boxes, land borders, cities and the places in routers' names."""

from __future__ import annotations

import random

import pytest

from gatewatch_targets.cables import cables, distance, links
from gatewatch_targets.geography import (
    Box,
    borders_between,
    cities,
    city_named,
    hinted,
    hints,
    lands,
)


def test_a_box_is_as_far_as_its_nearest_point() -> None:
    dice = random.Random(3)
    for _ in range(40):
        south, west = dice.uniform(-60, 50), dice.uniform(-170, 150)
        box = Box(south, south + dice.uniform(0.5, 15), west, west + dice.uniform(0.5, 20))
        lat, lon = dice.uniform(-70, 70), dice.uniform(-180, 180)
        tried = min(
            distance(
                lat,
                lon,
                box.south + a * (box.north - box.south) / 60,
                box.west + b * (box.east - box.west) / 60,
            )
            for a in range(61)
            for b in range(61)
        )
        found = box.distance(lat, lon)
        # Never too far, and no nearer than half a step of the grid.
        assert found <= tried + 1e-6
        assert found >= tried - 111.2 * 20 / 60


def test_two_boxes_are_never_said_to_be_further_than_they_are() -> None:
    dice = random.Random(4)
    pairs = [(a.box, b.box) for a in lands().values() for b in lands().values()]
    for one, other in dice.sample(pairs, 200):
        lat, lon = dice.uniform(one.south, one.north), dice.uniform(one.west, one.east)
        assert one.between(other) <= other.distance(lat, lon) + 1e-6


def test_far_countries_are_told_to_be_far() -> None:
    kh, hk, us = (lands()[code].box for code in ("KH", "HK", "US"))
    assert 1000 < kh.between(hk) < 1300
    assert kh.between(us) > 10_000
    assert kh.between(lands()["VN"].box) == 0


@pytest.mark.parametrize(
    ("first", "second", "borders"),
    [("KH", "KH", 0), ("KH", "TH", 1), ("KH", "SG", 3), ("KH", "HK", 3), ("NP", "HK", 2), ("TH", "SG", 2),
     ("KH", "JP", None), ("KR", "CN", None), ("MY", "BN", 1), ("XX", "KH", None)],
)  # fmt: skip
def test_land_borders(first: str, second: str, borders: int | None) -> None:
    assert borders_between(first, second) == borders
    assert borders_between(second, first) == borders


def test_what_lies_in_a_country_lies_in_its_box() -> None:
    for city in cities().values():
        assert lands()[city.country].box.distance(city.lat, city.lon) == 0, city
    for cable in (*cables().values(), *links().values()):
        for landing in cable.landings:
            if landing.lat is not None and landing.lon is not None and landing.country in lands():
                # Towns on the shore of an island off the box: Andaman, Hawaii and the like.
                off = lands()[landing.country].box.distance(landing.lat, landing.lon)
                assert off < 30 or landing.place == "Keawaula", (cable.id, landing)


@pytest.mark.parametrize(
    ("name", "city"),
    [
        ("100ge10-1.core1.hkg1.he.net", "hkg"),
        ("e0-2.switch2.ash1.he.net", "iad"),
        ("core1.ash1.example.net", None),
        ("ae-7.r21.sngpsi07.sg.bb.gin.ntt.net", "sin"),
        ("be3733.ccr31.sin01.atlas.cogentco.com", "sin"),
        ("IF-AE-6-2.tcore2.SVW-Singapore.as6453.net.", "sin"),
        ("ix-ae-4-2.tcore2.pdi-palo-alto.as6453.net", "pao"),
        ("hu-0-0-0-11.clbr02.hkg04.pccwbtn.net", "hkg"),
        ("te0-3-0-4.128.br04.sjo01.pccwbtn.net", "sjc"),
        ("ldn-bb4-link.ip.twelve99.net", "lon"),
        ("ae12.cr3-fra2.ip4.gtt.net", "fra"),
        ("xe-2-0-0.hkg11.ip4.gtt.net", "hkg"),
        ("et9-1-0.ashburn2.ash.seabone.net", "iad"),
        ("ae2.0.eji01.tpe001.flagtel.com", "tpe"),
        ("ae0-100.sngtp-dr1.ix.singtel.com", "sin"),
        # A code that the table does not list tells nothing, nor does a name that merely ends alike.
        ("core1.xyz1.he.net", None),
        ("core1.hkg1.nothe.net", None),
        ("he.net", None),
        ("a." * 200 + "he.net", None),
        ("static.pccwglobal.net", None),
    ],
)
def test_the_place_in_a_name(name: str, city: str | None) -> None:
    found = hinted(name)
    assert (found.code if found else None) == city


def test_every_domain_lists_codes_and_a_source() -> None:
    assert len(hints()) >= 10
    assert all(hint.codes and hint.source for hint in hints().values())


def test_an_exchange_is_placed_by_a_city_in_its_name() -> None:
    def code(text: str) -> str | None:
        city = city_named(text)
        return city.code if city else None

    assert code("Equinix Singapore") == "sin"
    assert code("AMS-IX Hong Kong") == "hkg"
    assert code("Singaporean Exchange") is None
    assert code("HKIX") is None
