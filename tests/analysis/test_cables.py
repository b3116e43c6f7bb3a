"""Traps of the cables: what must be a candidate, what must not, and what must not be claimed."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from tests.analysis.cables_by_hand import (
    CAT,
    CAT2,
    CTG,
    CTG2,
    HE,
    HE2,
    HKG,
    HOME,
    LAST,
    PCCW,
    PCCW2,
    SIN,
    SITE,
    TABLE,
    TODAY,
    VIETTEL,
    VIETTEL2,
    Line,
    judged,
    to,
    traced,
    weights,
)

from gatewatch_analysis.cables import ATTRIBUTES, DEFINITION, Knowledge, whose_cables
from gatewatch_analysis.cables.attributes import HIDDEN, Chance
from gatewatch_analysis.cables.knowledge import MISSING, MISSING_ELSEWHERE, companies_of
from gatewatch_analysis.cables.shares import Draw, share
from gatewatch_analysis.cables.ways import _by_sea, ways
from gatewatch_analysis.paths import placed
from gatewatch_analysis.paths.places import Place
from gatewatch_analysis.tables import (
    Candidates,
    ChineseByCountry,
    ChineseByIsp,
    ChineseCrossings,
    Crossings,
)
from gatewatch_targets.cables import cables, cables_between, pair_table, read_foreign

MAP = Path(__file__).resolve().parents[2] / "../shared/data/cables/region_2022.json"
TO_HONG_KONG = to([(PCCW, 29.0, {"name": HKG}), (PCCW2, 29.3)])
PSEUDO = {"unlisted", "abstain"}


def by_sea(country: str, place: Place, day: date, rtt: float | None = None) -> set[str]:
    found = ways(Knowledge.own(), country, place, (day, day), rtt)
    return {way.system.id for way in found if way.kind == "sea" and way.system}


def test_terrestrial_unlisted_and_abstain_are_always_there() -> None:
    for path in (TO_HONG_KONG, to([(VIETTEL, 5.0)]), to([(CTG, 29.0)])):
        [item] = judged(traced(path))
        assert PSEUDO | {"terrestrial"} <= set(weights(item))
        assert sum(weights(item).values()) == pytest.approx(1)


def test_cambodia_to_hong_kong_the_attribute_holds_though_the_cable_is_not_told() -> None:
    [item] = judged(traced(TO_HONG_KONG, "2024-06-01"))
    owned = item.chances["owned"]
    assert owned.least > 0.7 and owned.most == 1
    # No single system is sure enough to be named.
    assert max(weights(item).values()) < 0.75
    # Two years later a second cable may carry it, and the chance still lies over a half.
    [later] = judged(traced(TO_HONG_KONG, "2026-03-01"))
    assert weights(later)["shv-hk"] > 0.01
    assert later.chances["owned"].least > 0.5


def test_the_new_cable_is_none_before_it_was_planned_and_unknown_after() -> None:
    [before] = judged(traced(TO_HONG_KONG, "2025-06-30"))
    assert "shv-hk" not in weights(before)
    [after] = judged(traced(TO_HONG_KONG, "2025-08-01"))
    way = next(c.way for c in after.candidates if c.id == "shv-hk")
    assert way is not None and way.service is None


def test_times_do_not_tell_the_new_cable_from_the_way_by_land_and_sea() -> None:
    [item] = judged(traced(TO_HONG_KONG, "2026-03-01"))
    possible = {c.id: c.way for c in item.candidates if c.weight > 0 and c.way}
    # Along 2,715 km and straight back; by land to Viet Nam and its cables.
    assert possible["shv-hk"].least_ms < 29 and possible["apg"].least_ms < 29
    assert (possible["shv-hk"].borders, possible["apg"].borders) == (0, 1)


def test_a_stated_length_rules_a_cable_out_that_the_great_circle_would_allow() -> None:
    day, place = date(2026, 3, 1), Place("HK", "Hong Kong", 22.30, 114.17)
    assert "shv-hk" in by_sea("KH", place, day, 20.0)
    assert "shv-hk" not in by_sea("KH", place, day, 16.0)
    assert "apg" in by_sea("KH", place, day, 16.0)
    # Nothing but what is nearer is left where light could not even be in Hong Kong.
    assert by_sea("KH", place, day, 5.0) == set()


def test_a_retired_cable_is_no_candidate() -> None:
    place = Place("SG", "Singapore", 1.29, 103.85)
    assert "smw3" in by_sea("TH", place, date(2024, 11, 30))
    assert "smw3" not in by_sea("TH", place, date(2024, 12, 2))


def test_links_to_thailand_count_for_less_after_the_cut() -> None:
    path = to([(CAT, 12.0), (CAT2, 12.3)])
    [before] = judged(traced(path, "2025-06-12"))
    [after] = judged(traced(path, "2025-06-20"))
    assert weights(before)["kh-th-poipet"] > 1.5 * weights(after)["kh-th-poipet"] > 0
    states = [
        c.way.service for c in (*before.candidates, *after.candidates) if c.id == "kh-th-poipet" and c.way
    ]
    assert states == [True, None]


def test_what_was_rerouted_is_another_crossing_in_another_month() -> None:
    result = whose_cables(
        pd.concat(
            [
                traced(to([(CAT, 12.0), (CAT2, 12.3)]), "2025-05-20"),
                traced(TO_HONG_KONG, "2025-07-20", number=1),
            ],
            ignore_index=True,
        ),
        TABLE,
        today=TODAY,
    )
    assert result.crossings["month"].tolist() == ["2025-05", "2025-07"]
    owned = result.by_country[result.by_country["attribute"] == "owned"].set_index("month")["p_min"]
    # A baseline of May says nothing of July.
    assert owned["2025-07"] > owned["2025-05"] + 0.1


def test_dark_fibre_shows_no_network_and_stays_possible() -> None:
    [item] = judged(traced(to([(VIETTEL, 5.0), (VIETTEL2, 5.2)])))
    link = next(c for c in item.candidates if c.id == "kh-vn-hyalroute")
    assert link.weight > 0 and not any("cfocn" in c.matched for c in item.candidates)
    assert item.chances["owned"].most == pytest.approx(1, abs=0.1)
    assert item.chances["carrier"].most < 0.05


def test_a_registrys_country_is_no_place() -> None:
    [item] = judged(traced(to([(CTG, 29.0), (CTG2, 29.4)])))
    [option] = item.crossing.stand.options
    assert option.place.country == "CN" and option.weight == pytest.approx(0.3)
    assert weights(item)["abstain"] == pytest.approx(0.7)
    # Whose network it is does not hang on where it stands.
    assert item.chances["carrier"].least > 0.99


def test_a_far_end_of_which_nobody_knows_where_it_stands_abstains() -> None:
    # Listed in the United States, where light cannot have been to.
    [item] = judged(traced(to([(HE, 29.0), (HE2, 29.4)])))
    assert weights(item)["abstain"] == 1
    assert all(weight == 0 for id_, weight in weights(item).items() if id_ != "abstain")
    # What the worst of all possible places leaves: no more than for any of them that is told.
    owned = item.chances["owned"]
    assert owned.least < 0.35 and owned.most > 0.9


def test_an_exchange_places_the_hop_before_the_registry_does() -> None:
    [item] = judged(traced(to([("27.111.228.9", 19.0), (HE, 19.3), (HE2, 19.4)])))
    assert item.crossing.stand.options[0].place.country == "SG"
    assert item.crossing.stand.options[0].sources == ("exchange",)


def test_a_tunnel_over_the_border_is_one_span() -> None:
    label = {"labels": "24015"}
    path = to([(PCCW, 29.4, label), (PCCW2, 29.2, label), ("63.218.3.1", 29.0, {"name": HKG})], home=3.0)
    [item] = judged(traced(path))
    crossing = item.crossing
    assert (crossing.foreign, crossing.far, crossing.why) == (PCCW, "63.218.3.1", "labels")
    assert crossing.delta_ms == pytest.approx(26)
    # Inside a tunnel the last hop at home seems as far as its end: the span begins before it.
    inside: list[Line] = [
        ("192.168.1.1", 0.5), (HOME, 2.0), (LAST, 29.4, label), (PCCW, 29.2, label),
        (PCCW2, 29.0, {"name": HKG}), (SITE, 60.0),
    ]  # fmt: skip
    [item] = judged(traced(inside))
    assert (item.crossing.domestic, item.crossing.near_ms, item.crossing.delta_ms) == (LAST, 2.0, 27.0)


def test_hidden_hops_leave_room_for_another_carrier() -> None:
    [open_] = judged(traced(TO_HONG_KONG))
    [hidden] = judged(traced(to([(None, None), (None, None), (PCCW, 29.0), (PCCW2, 29.2)])))
    assert open_.chances["carrier"].most < 0.01
    assert hidden.chances["carrier"].least == 0
    assert hidden.chances["carrier"].most == pytest.approx(0.004 + 2 * HIDDEN)


def test_a_router_at_home_that_wears_the_carriers_address() -> None:
    [item] = judged(traced(to([(PCCW, 3.5), (PCCW2, 29.0, {"name": HKG})])))
    assert (item.crossing.foreign, item.crossing.far) == (PCCW, PCCW2)
    assert item.crossing.stand.options[0].place.name == "Hong Kong"


def test_a_router_abroad_that_wears_the_providers_address() -> None:
    # The last hop by prefix stands in Hong Kong already: the step before it is the crossing's.
    [item] = judged(traced(to([(PCCW, 29.2, {"name": HKG})], home=28.8)))
    assert (item.crossing.domestic, item.crossing.near_ms) == (LAST, 2.0)
    assert item.crossing.delta_ms == pytest.approx(27.2)


def test_a_step_of_the_volunteers_own_line_is_no_crossing() -> None:
    path: list[Line] = [
        ("192.168.1.1", 0.5),
        (HOME, 25.0),
        (LAST, 25.4),
        (PCCW, 25.6),
        (PCCW2, 50.0, {"name": HKG}),
        (SITE, 60.0),
    ]
    [item] = judged(traced(path))
    assert item.crossing.near_ms == 25.4 and item.crossing.far == PCCW2


def test_a_carrier_behind_a_foreign_hop_may_be_the_one_that_crosses() -> None:
    [item] = judged(traced(to([(PCCW, 29.0), (CTG, 29.4), (CTG2, 29.5)])))
    assert item.chances["carrier"] == Chance(0.0, 1.0)


def test_both_sides_of_the_border_count_as_owners() -> None:
    [item] = judged(traced(TO_HONG_KONG))
    matched = {c.id: c.matched for c in item.candidates}
    # Metfone and PCCW own AAE-1; of APG only Viettel, who decides over Metfone, is on the path.
    assert matched["aae-1"] == ("metfone", "pccw")
    assert matched["apg"] == ("viettel",)
    assert "viettel" in companies_of(38623, TODAY)
    assert companies_of(64496, TODAY) == frozenset() == companies_of(None, TODAY)


@pytest.mark.parametrize(
    ("first", "second"),
    [("KH", "TH"), ("KH", "MY"), ("KH", "HK"), ("TH", "SG"), ("MY", "SG"), ("MY", "IN"), ("TH", "JP")],
)
def test_direct_ways_are_the_systems_that_land_in_both(first: str, second: str) -> None:
    knowledge = Knowledge.own()
    direct = {
        system.id
        for index, system in enumerate(knowledge.systems)
        if system.kind == "submarine"
        and any(p.borders == 0 and not p.unlisted for p in _by_sea(knowledge, index, first, Place(second)))
    }
    assert direct == {c.id for c in cables_between(first, second, among=cables().values())}


@pytest.mark.skipif(not MAP.is_file(), reason="the public map's copy for checking is not beside the tree")
def test_the_sets_by_pair_agree_with_the_table_of_the_public_map() -> None:
    listed = read_foreign(MAP)
    assert json.loads(MAP.read_text(encoding="utf-8"))
    knowledge = Knowledge.listed(listed.cables, date(2022, 11, 30))
    pairs = [("KH", "TH"), ("KH", "HK"), ("TH", "SG"), ("TH", "HK"), ("MY", "SG"), ("MY", "IN"), ("SG", "HK")]
    for row in pair_table(pairs, listed.cables):
        direct = [
            index
            for index, system in enumerate(knowledge.systems)
            if system.kind == "submarine"
            and any(
                p.borders == 0 and not p.unlisted
                for p in _by_sea(knowledge, index, row.first, Place(row.second))
            )
        ]
        assert len(direct) == row.cables, row


def test_how_much_room_is_left_for_what_no_list_holds() -> None:
    own = Knowledge.own()
    assert own.missing("KH", "HK", date(2022, 1, 1)) == MISSING
    assert MISSING < own.missing("KH", "HK", date(2026, 1, 1)) < MISSING_ELSEWHERE
    assert own.missing("VN", "HK", date(2022, 1, 1)) == MISSING_ELSEWHERE
    whole = Knowledge.listed(cables().values(), date(2026, 1, 1))
    assert whole.missing("VN", "HK", date(2026, 1, 1)) == MISSING
    assert whole.missing("VN", "HK", date(2060, 1, 1)) == 0.5


def test_a_share_is_bounded_by_draws_not_by_crossings() -> None:
    assert share([]).low == 0 and share([]).high == 1
    sure = share([Draw(Chance(1, 1), 1.0)])
    assert (sure.least, sure.most, sure.low, sure.high) == (1, 1, 1, 1)
    # One draw with a chance of a half is none or all; twenty of them are about a half.
    one = share([Draw(Chance(0.5, 0.5), 1.0)])
    assert (one.low, one.high) == (0, 1)
    many = share([Draw(Chance(0.5, 0.5), 1.0)] * 20)
    # The central 95 % of Binomial(20, 1/2) go from 6 to 14.
    assert (many.low, many.high) == (0.3, 0.7)
    # Unequal parts: the surer one weighs more.
    mixed = share([Draw(Chance(1, 1), 2.0), Draw(Chance(0, 1), 1.0)])
    assert mixed.low == pytest.approx(2 / 3, abs=0.001) and mixed.high == 1


def test_every_table_is_as_documented_and_isps_count_the_same() -> None:
    smart = ("KH", "Smart", 45498)
    chinese = [
        ("192.168.1.1", 0.5),
        ("103.5.24.1", 2.0),
        ("103.5.25.1", 3.0),
        (CTG, 29.0),
        (CTG2, 29.2),
        (SITE, 70.0),
    ]
    hops = pd.concat(
        [
            traced(TO_HONG_KONG, number=0),
            traced(TO_HONG_KONG, number=1, destination="104.16.1.2"),
            traced(TO_HONG_KONG, number=2, destination="104.16.1.3"),
            traced(chinese, number=3, isp=smart),
        ],
        ignore_index=True,
    )
    result = whose_cables(hops, TABLE, today=TODAY)
    for frame, table in (
        (result.crossings, Crossings),
        (result.candidates, Candidates),
        (result.chinese, ChineseCrossings),
        (result.by_isp, ChineseByIsp),
        (result.by_country, ChineseByCountry),
    ):
        assert {str(k): str(v) for k, v in frame.dtypes.items()} == {
            k: c.dtype for k, c in table.columns().items()
        }
        assert not frame.empty
    carrier = result.by_country[result.by_country["attribute"] == "carrier"].iloc[0]
    # Three paths of one ISP and one of the other: one of two ISPs, not one of four paths.
    assert (carrier["isps"], carrier["paths"]) == (2, 4)
    assert carrier["p_min"] == pytest.approx(0.5, abs=0.01)
    assert set(result.chinese["attribute"]) == set(ATTRIBUTES)
    assert (result.chinese["p_min"] <= result.chinese["p_max"]).all()
    assert "mainland China" in DEFINITION


def test_traces_without_a_day_are_judged_by_todays() -> None:
    result = whose_cables(traced(TO_HONG_KONG, None), TABLE, today=date(2026, 3, 1))
    assert result.crossings["month"].tolist() == [""]
    assert result.crossings["first"].isna().all()
    # Any day may be meant: what was retired is possible again.
    assert {"shv-hk", "smw3"} <= set(result.candidates["candidate"])


def test_no_border_no_crossing() -> None:
    result = whose_cables(traced([(HOME, 2.0), (LAST, 3.0)], destination=LAST), TABLE, today=TODAY)
    assert result.crossings.empty and result.by_country.empty and result.candidates.empty


def test_nepals_exits_are_by_land_and_their_owners_unknown() -> None:
    path: list[Line] = [
        ("192.168.1.1", 0.5), ("27.34.0.1", 2.0), ("27.34.1.1", 3.0), ("182.79.1.1", 15.0),
        ("182.79.2.1", 15.2), (SITE, 60.0),
    ]  # fmt: skip
    [item] = judged(traced(path, isp=("NP", "WorldLink", 17501)))
    assert {"np-in-bhairahawa", "np-in-birgunj", "np-in-biratnagar", "terrestrial"} <= set(weights(item))
    assert item.chances["owned"].least < 0.1 and item.chances["owned"].most > 0.9
    assert item.chances["carrier"].most < 0.01


def test_a_name_that_says_singapore_narrows_the_candidates() -> None:
    [item] = judged(traced(to([(HE, 19.0, {"name": SIN}), (HE2, 19.2)])))
    assert item.crossing.stand.options[0].place.country == "SG"
    assert weights(item)["abstain"] == pytest.approx(0.06, abs=0.01)


def test_traces_of_others_get_the_vantage_of_their_first_router() -> None:
    nobody = ("ZZ", "", 0)
    atlas = traced(TO_HONG_KONG, isp=nobody)
    silent = traced([(None, None), ("5.5.5.5", 3.0), (SITE, 9.0)], number=1, isp=nobody)
    ours = traced(TO_HONG_KONG, number=2, isp=("KH", "Smart", 45498))
    hops = pd.concat([atlas, silent, ours], ignore_index=True)
    found = placed(hops, TABLE).groupby("trace")[["country", "isp", "asn"]].first()
    assert found.to_numpy().tolist() == [
        ["KH", "AS38623", 38623],
        ["US", "AS13335", 13335],
        ["KH", "Smart", 45498],
    ]
    result = whose_cables(hops, TABLE, today=TODAY)
    assert result.crossings["asn"].tolist() == [38623, 45498]
    assert placed(ours, TABLE) is ours
