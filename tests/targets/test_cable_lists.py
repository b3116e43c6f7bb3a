"""Cable lists that a user fetched: the public API's format, merged or as its own files."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from math import sqrt
from pathlib import Path
from typing import Any

import pytest
from tests.targets.spoil import wrong_types

from gatewatch_targets import DataError
from gatewatch_targets.cables import (
    DEFINITION,
    FIBRE_KM_PER_MS,
    Cable,
    Foreign,
    cable_rtt,
    cables,
    distance,
    least_rtt,
    least_rtt_between,
    pair_table,
    read_foreign,
)
from gatewatch_targets.cables.light import GROUP_INDEX, LIGHT_KM_PER_MS, TOWN_KM
from gatewatch_targets.cables.places import country_code

REGION = Path(__file__).resolve().parents[2] / "../shared/data/cables/region_2022.json"
needs_region = pytest.mark.skipif(
    not REGION.exists(), reason="the public map's list of November 2022 is not here (its terms forbid a copy)"
)

#: As the API has it: a cable's own file.
LIVE: dict[str, Any] = {
    "id": "asia-africa-europe-1-aae-1",
    "name": "Asia Africa Europe-1 (AAE-1)",
    "length": "25,000 km",
    "landing_points": [
        {"id": "sihanoukville-cambodia", "name": "Sihanoukville, Cambodia", "country": "Cambodia"},
        {"id": "cape-daguilar-china", "name": "Cape D’Aguilar, China", "country": "China", "is_tbd": None},
        {"id": "aden-yemen", "name": "Aden, Yemen", "country": "Yemen", "is_tbd": True},
    ],
    "owners": "China Unicom, Hyalroute, Peace Cable International Network Co. Ltd., Acme Co., Ltd.",
    "suppliers": "NEC, HMN Tech",
    "rfs": "2017 June",
    "rfs_year": 2017,
    "is_planned": False,
    "url": None,
    "notes": None,
}
GEO = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"id": id_, "name": id_, "is_tbd": None},
            "geometry": {"type": "Point", "coordinates": [lon, lat]},
        }
        for id_, lon, lat in (
            ("sihanoukville-cambodia", 103.5, 10.6),
            ("cape-daguilar-china", 114.26, 22.21),
        )
    ],
}
#: The same in the merged form, with positions beside the landing points and shorter names.
MERGED = {
    "id": LIVE["id"],
    "name": LIVE["name"],
    "rfs": "2017 June",
    "planned": False,
    "length": "25,000 km",
    "owners": LIVE["owners"],
    "suppliers": LIVE["suppliers"],
    "core": True,
    "landing_points": [
        {**LIVE["landing_points"][0], "lon": 103.5, "lat": 10.6},
        {**LIVE["landing_points"][1], "lon": 114.26, "lat": 22.21},
    ],
}


def load(document: object) -> Foreign:
    return read_foreign(json.dumps(document).encode(), "list.json")


def live(**changes: object) -> dict[str, Any]:
    return {**copy.deepcopy(LIVE), **changes}


def check(cable: Cable) -> None:
    assert [(at.place, at.country, at.lat) for at in cable.landings[:2]] == [
        ("Sihanoukville", "KH", 10.6),
        ("Cape D’Aguilar", "HK", 22.21),
    ]
    assert [role.company for role in cable.owners] == [
        "china-unicom",
        "hyalroute",
        "peace-cable-international",
        "Acme Co., Ltd.",
    ]
    assert [role.company for role in cable.builders] == ["nec", "hmn-tech"]
    assert cable.in_service is not None
    assert (str(cable.in_service.value), cable.in_service.source) == ("2017-06", cable.origin)
    assert cable.length is not None
    assert cable.length.value.low == 25000


def test_one_importer_reads_all_three_shapes(tmp_path: Path) -> None:
    (merged,) = load([MERGED]).cables
    check(merged)
    (bundle,) = load({"cables": [LIVE], "landing_points": GEO}).cables
    check(bundle)
    assert [(at.lat, at.confidence) for at in bundle.landings][2:] == [(None, "low")]
    (tmp_path / "cable").mkdir()
    (tmp_path / "landing-point").mkdir()
    (tmp_path / "cable" / "aae-1.json").write_text(json.dumps(LIVE))
    (tmp_path / "cable" / "all.json").write_text(json.dumps([{"id": LIVE["id"], "name": LIVE["name"]}]))
    (tmp_path / "cable" / "torn.json").write_text('{"id": "to')
    (tmp_path / "landing-point" / "landing-point-geo.json").write_text(json.dumps(GEO))
    folder = read_foreign(tmp_path, "fetched")
    check(folder.cables[0])
    assert [str(problem).partition(" is not JSON")[0] for problem in folder.rejected] == ["torn.json:"]


def test_a_position_may_be_missing_but_not_halved() -> None:
    point = {**LIVE["landing_points"][0], "lat": None, "lon": None}
    (cable,) = load([live(landing_points=[point])]).cables
    assert (cable.landings[0].lat, cable.landings[0].where) == (None, "")
    (problem,) = load([live(landing_points=[{**point, "lon": 103.5}])]).rejected
    assert (problem.field, problem.text) == (f"{LIVE['id']}.landing_points[0].lat", "'None' is not a number")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"length": "about 5 km"}, """length: 'about 5 km' is not a length such as "1,300 km\""""),
        ({"length": "1,30 km"}, """length: '1,30 km' is not a length such as "1,300 km\""""),
        ({"length": "999,999 km"}, "length: '999,999 km' is longer than any cable"),
        ({"rfs": "2017 Juni"}, """rfs: '2017 Juni' is not a date such as "2017 June\""""),
        ({"rfs": "1017 June"}, "rfs: '1017-06' lies outside 1900 to 2100"),
        ({"is_planned": "no"}, "is_planned: 'no' is not true or false"),
        ({"landing_points": None}, "landing_points: 'None' is not a list"),
        ({"landing_points": [{"id": "x", "name": "X"}]}, "landing_points[0].country: is missing"),
        (
            {"landing_points": [{"id": "x", "name": "X", "country": "Khmer Republic"}]},
            "landing_points[0].country: 'Khmer Republic' is not the name of a country",
        ),
        (
            {"landing_points": [{"id": "x", "name": "X", "country": "Cambodia", "lat": 123.4, "lon": 1}]},
            "landing_points[0].lat: 123.4 is not a latitude",
        ),
        (
            {"landing_points": [{"id": "x", "name": "X", "country": "Cambodia", "lat": 12.4}]},
            "landing_points[0].lon: is missing",
        ),
    ],
)
def test_a_malformed_entry_is_put_aside_and_the_rest_goes_on(changes: dict[str, Any], error: str) -> None:
    found = load([live(**changes), live(id="good")])
    assert [str(problem) for problem in found.rejected] == [f"list.json: {LIVE['id']}.{error}"]
    assert [cable.id for cable in found.cables] == ["good"]


def variants() -> Iterator[tuple[str, str, dict[str, Any]]]:
    # What nobody reads cannot be wrong, and some texts may be empty; a note may be any text.
    unread = ("core", "url", "rfs_year")
    for tree in (MERGED, LIVE):
        for what, path, spoilt in wrong_types(tree):
            field = path.partition(".")[0].partition("[")[0]
            empty = what.endswith("becomes ''") and field in ("rfs", "length", "owners", "suppliers")
            note = path == "notes" and what.endswith("'seven'")
            # A landing point that has its position beside it needs no id.
            point_id = tree is MERGED and path.startswith("landing_points[") and path.endswith("].id")
            if field not in unread and not (empty or note or point_id):
                yield what, path, spoilt
        for key in ("id", "name", "landing_points"):
            yield "left out", key, {k: v for k, v in tree.items() if k != key}


def test_a_hundred_malformed_variants_are_refused_with_the_path() -> None:
    assert load([MERGED]).rejected == load([LIVE]).rejected == ()
    all_of_them = list(variants())
    assert len(all_of_them) > 150
    for what, path, spoilt in all_of_them:
        found = load([spoilt])
        assert found.cables == (), (what, path)
        (problem,) = found.rejected
        name, _, field = problem.field.partition(".")
        assert name in (LIVE["id"], "[0]"), (what, path)
        assert field == path or field.startswith(f"{path}."), (what, path, field)


def test_random_damage_never_ends_in_a_traceback() -> None:
    whole = json.dumps({"cables": [LIVE, live(id="b")], "landing_points": GEO}).encode()
    dice = random.Random(7)
    for _ in range(300):
        spoilt = bytearray(whole)
        for _ in range(dice.choice((1, 3, 20))):
            spoilt[dice.randrange(len(spoilt))] = dice.randrange(256)
        try:
            read_foreign(bytes(spoilt), "list.json")
        except DataError as error:
            assert str(error).startswith("list.json: ")


@pytest.mark.parametrize(
    "document",
    [b"", b"\xff\xfe", b"[" * 100_000, b'"cables"', b"{}", b'{"cables": 3}', b"[" + b"9" * 5000 + b"]"],
)
def test_what_is_no_list_at_all(document: bytes) -> None:
    with pytest.raises(DataError, match=r"^list\.json: "):
        read_foreign(document, "list.json")


def test_duplicates_and_odd_entries_are_put_aside() -> None:
    found = load([LIVE, LIVE, None, 3, "x", []])
    assert len(found.cables) == 1
    assert [str(problem) for problem in found.rejected] == [
        "list.json: asia-africa-europe-1-aae-1: 'asia-africa-europe-1-aae-1' stands in the list already",
        "list.json: [2]: 'None' is not a table",
        "list.json: [3]: '3' is not a table",
        "list.json: [4]: 'x' is not a table",
        "list.json: [5]: '[]' is not a table",
    ]


def test_hong_kong_and_macao_are_told_from_china_by_where_they_lie() -> None:
    assert country_code("China", 22.21, 114.26) == "HK"
    assert country_code("China", 22.16, 113.56) == "MO"
    assert country_code("China", 22.54, 114.06) == "CN"  # Shenzhen
    assert country_code("China", 22.27, 113.58) == "CN"  # Zhuhai
    assert country_code("China") == "CN"
    assert country_code("Côte d’Ivoire") == "CI"
    assert country_code("Chinatown") is None


# reference: counted by hand from the list of November 2022: systems, with a Chinese owner, HMN-built
TABLE = {
    "KH-TH": (2, 1, 1),
    "KH-MY": (2, 1, 1),
    "KH-SG": (0, 0, 0),
    "KH-HK": (1, 1, 0),
    "TH-SG": (9, 5, 1),
    "TH-HK": (8, 6, 1),
    "TH-MY": (9, 4, 2),
    "MY-SG": (12, 6, 2),
    "MY-HK": (8, 5, 1),
    "MY-IN": (9, 5, 0),
    "SG-HK": (11, 7, 1),
    "TH-IN": (5, 2, 0),
    "TH-JP": (5, 4, 0),
}


@needs_region
def test_the_pair_table_is_reproduced() -> None:
    found = read_foreign(REGION)
    assert (len(found.cables), found.rejected) == (100, ())
    rows = pair_table([(pair[:2], pair[3:]) for pair in TABLE], found.cables)
    assert {
        f"{row.first}-{row.second}": (row.cables, row.chinese_owner, row.hmn_built) for row in rows
    } == TABLE
    assert "Hong Kong is a country of its own" in DEFINITION.replace("\n", " ")


def test_the_pair_table_follows_its_definition() -> None:
    point = {"id": "x", "name": "X", "lat": 1.0, "lon": 1.0}
    both = [{**point, "country": "Cambodia"}, {**point, "country": "Thailand"}]
    entries = [
        live(id="hidden", landing_points=both, owners="CFOCN", suppliers="Huawei Marine"),
        live(id="whole", landing_points=both, owners="China Mobile", suppliers="NEC", is_planned=True),
        live(id="part", landing_points=both, owners="Unicom, Inc.", suppliers="HMN Tech Europe"),
        live(id="one end", landing_points=both[:1]),
    ]
    (row,) = pair_table([("KH", "TH")], load(entries).cables)
    # CFOCN is HyalRoute's, but its own home is Cambodia, and parents are not followed.
    assert (row.cables, row.chinese_owner, row.hmn_built) == (3, 1, 1)


@needs_region
def test_our_facts_agree_with_the_list_they_were_looked_up_in() -> None:
    theirs = {cable.id: cable for cable in read_foreign(REGION).cables}
    compared = 0
    for ours in cables().values():
        listed = next((theirs[name] for name in (ours.id, *ours.aliases) if name in theirs), None)
        if listed is None:
            assert ours.id in ("shv-hk", "dunant")
            continue
        for landing in ours.landings:
            assert landing.lat is not None
            assert landing.lon is not None
            near = min(
                distance(landing.lat, landing.lon, other.lat, other.lon)
                for other in listed.landings
                if other.country == landing.country and other.lat is not None and other.lon is not None
            )
            assert near < TOWN_KM, (ours.id, landing.place, near)
            compared += 1
        assert {r.company for r in ours.owners} - {"telcotech"} <= {r.company for r in listed.owners}, ours.id
        assert {r.company for r in ours.builders} == {r.company for r in listed.builders}, ours.id
    assert compared > 200


def test_nothing_is_faster_than_light_in_silica() -> None:
    # Malitson 1965: three terms (strength, wavelength in micrometres); the group index is n - w * dn/dw.
    terms = ((0.6961663, 0.0684043), (0.4079426, 0.1162414), (0.8974794, 9.896161))

    def index(w: float) -> float:
        return sqrt(1 + sum(b * w * w / (w * w - c * c) for b, c in terms))

    def group(w: float) -> float:
        return index(w) - w * (index(w + 1e-5) - index(w - 1e-5)) / 2e-5

    least = min(group(w / 1000) for w in range(1250, 1700))
    assert 0 <= least - GROUP_INDEX < 0.0001
    assert round(group(1.55), 4) == 1.4626
    assert FIBRE_KM_PER_MS == LIGHT_KM_PER_MS / GROUP_INDEX


def test_distances_and_bounds() -> None:
    assert distance(0, 0, 0, 180) == pytest.approx(20015.1, abs=0.1)
    assert distance(10.6, 103.5, 10.6, 103.5) == 0
    # Bangkok to Hong Kong is 1,729 km on the ellipsoid (Vincenty): a bound must lie below what light needs.
    bound = least_rtt_between(13.7563, 100.5018, 22.3193, 114.1694)
    assert 0.98 * least_rtt(1729) < bound < least_rtt(1729)
    assert least_rtt_between(1.0, 1.0, 1.0, 1.1, blur_km=50) == 0


def test_a_cable_of_two_landings_is_as_long_as_it_is() -> None:
    cable = cables()["shv-hk"]
    assert cable_rtt(cable, *cable.landings) == pytest.approx((26.47, 29.25), abs=0.01)
    aae = cables()["aae-1"]
    low, high = cable_rtt(aae, aae.landings[0], aae.landings[-1]) or (0, 0)
    assert 0.98 * least_rtt(9850) < low < least_rtt(9850)  # Sihanoukville to Marseille
    assert high == least_rtt(25000)
    (unknown,) = load([live(length=None)]).cables
    assert cable_rtt(unknown, unknown.landings[0], unknown.landings[2]) is None
    (open_end,) = load([{**MERGED, "length": ""}]).cables
    assert (cable_rtt(open_end, *open_end.landings) or (0, 0))[1] == float("inf")
