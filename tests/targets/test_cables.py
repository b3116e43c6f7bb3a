from __future__ import annotations

import copy
import random
from datetime import date
from typing import Any

import pytest
from tests.targets.spoil import missing, misspelt, toml, wrong_types

from gatewatch_targets import DataError, sources
from gatewatch_targets.cables import (
    Answer,
    Cable,
    When,
    cable_named,
    cables,
    cables_between,
    chinese_built,
    chinese_operated,
    chinese_owned,
    companies,
    links,
    read,
)
from gatewatch_targets.reference import open_data

TODAY = date(2026, 11, 24)
SURE = {"confidence": "high", "source": "recall"}
ONE: dict[str, Any] = {
    "aae-1": {
        "name": "Asia-Africa-Europe-1",
        "aliases": ["AAE-1"],
        "exists": {"value": True, **SURE},
        "in_service": {"date": "2017-06", **SURE, "note": "so they say"},
        "retired": {"date": "2040-01-31", **SURE},
        "planned": {"date": "2016-Q4", **SURE},
        "seen": {"date": "2026", **SURE},
        "length": {"km": 25000.0, "km_max": 26000.0, **SURE},
        "landing": [
            {"place": "Satun", "country": "TH", "lat": 6.6, "lon": 100.1, "where": "gazetteer", **SURE},
            {"place": "Aden", "country": "YE", **SURE},
        ],
        "landing_count": {"count": 20, **SURE},
        "owner": [
            {"company": "china-unicom", "share_min": 0.1, "share_max": 0.3, "since": "2014-01-27", **SURE},
            {"company": "viettel", "share": 0.2, "until": "2030", **SURE},
        ],
        "owner_count": {"count": 19, **SURE},
        "builder": [{"company": "nec", **SURE}],
        "operator": [{"company": "hyalroute", **SURE}],
        "party": [{"company": "national-telecom", "place": "Satun", "country": "TH", **SURE}],
        "cut": [{"since": "2024-02-24", "until": "2024-03", **SURE}],
        "note": "prose",
    }
}
OPTIONAL = frozenset(
    (
        *("aliases", "exists", "in_service", "retired", "planned", "seen", "length", "km_max", "note", "cut"),
        *("landing", "landing_count", "owner", "owner_count", "builder", "operator", "party"),
        *("share", "share_min", "share_max", "since", "until"),
    )
)


def failing(tree: dict[str, Any]) -> str:
    with pytest.raises(DataError) as caught:
        read(toml(tree), "cables.toml")
    return str(caught.value)


def changed(*keys: str | int, to: object) -> dict[str, Any]:
    tree = copy.deepcopy(ONE)
    at: Any = tree["aae-1"]
    for key in keys[:-1]:
        at = at[key]
    at[keys[-1]] = to
    return tree


def test_a_whole_entry_is_read() -> None:
    (cable,) = read(toml(ONE), "cables.toml")
    assert cable.in_service is not None
    assert cable.in_service.value == When("2017-06", date(2017, 6, 1), date(2017, 6, 30))
    assert (cable.owners[0].low, cable.owners[0].high, cable.owners[1].low) == (0.1, 0.3, 0.2)
    assert [landing.lat for landing in cable.landings] == [6.6, None]
    assert str(cable.length and cable.length.value) == "25,000 to 26,000 km"


@pytest.mark.parametrize(
    ("tree", "error"),
    [
        (changed("landing", 0, "lat", to=123.4), "aae-1.landing[0].lat: 123.4 is not a latitude"),
        (changed("landing", 0, "lon", to=-181), "aae-1.landing[0].lon: -181 is not a longitude"),
        (changed("landing", 1, "lat", to=12.8), "aae-1.landing[1].lon: is missing"),
        (
            changed("in_service", "date", to="2017-13"),
            "aae-1.in_service.date: '2017-13' is not a day of the calendar",
        ),
        (changed("retired", "date", to="2011"), "aae-1.retired: 2011 is before it came into service"),
        (changed("cut", 0, to=SURE), "aae-1.cut[0].since: is missing"),
        (changed("cut", 0, "until", to="2023"), "aae-1.cut[0].until: 2023 is before 2024-02-24"),
        (
            changed("builder", 0, "company", to="Unicom"),
            "aae-1.builder[0].company: 'Unicom' is not a company of owners.toml",
        ),
        (
            changed("seen", "source", to="recall hearsay"),
            "aae-1.seen.source: 'hearsay' is not a key of sources.csv",
        ),
        (changed("owner", 1, "share", to=1.2), "aae-1.owner[1].share: 1.2 is not a share from 0 to 1"),
        (changed("owner", 0, "share", to=0.2), "aae-1.owner[0].share_min: stands beside share"),
        (changed("owner_count", "count", to=1), "aae-1.owner_count: 1 is less than the 2 listed"),
        (changed("party", 0, "place", to="Aden"), "aae-1.party[0].place: 'Aden' is no landing of this cable"),
    ],
)
def test_an_error_says_where_and_what(tree: dict[str, Any], error: str) -> None:
    assert failing(tree).startswith(f"cables.toml: {error}")


def test_every_way_to_spoil_a_table_is_refused_with_the_path() -> None:
    read(toml(ONE), "cables.toml")
    variants = [*wrong_types(ONE), *missing(ONE, OPTIONAL), *misspelt(ONE)]
    assert len(variants) > 400
    for what, path, tree in variants:
        # What is wrong with a table as a whole may be told at one of its keys.
        assert failing(tree).startswith((f"cables.toml: {path}: ", f"cables.toml: {path}.")), (what, path)


def test_random_damage_never_ends_in_a_traceback() -> None:
    with open_data("links.toml") as stream:
        whole = bytearray(stream.read())
    dice = random.Random(5)
    refused = 0
    for _ in range(150):
        spoilt = bytearray(whole)
        for _ in range(dice.choice((1, 3, 20))):
            spoilt[dice.randrange(len(spoilt))] = dice.randrange(256)
        del spoilt[dice.choice((len(spoilt), dice.randrange(len(spoilt)))) :]
        try:
            read(bytes(spoilt), "links.toml", "terrestrial")
        except DataError as error:
            refused += 1
            assert str(error).startswith("links.toml: ")
    assert refused > 75


@pytest.mark.parametrize(
    "data", [b"\xff", b"a = ", b"x = " + b"9" * 5000, b"x = " + b"[" * 5000, b"aae-1 = 3", b"[aae-1]"]
)
def test_what_is_no_table_at_all(data: bytes) -> None:
    with pytest.raises(DataError, match=r"^cables\.toml: "):
        read(data, "cables.toml")


def everything() -> tuple[Cable, ...]:
    return (*cables().values(), *links().values())


def test_every_fact_has_a_source_and_a_confidence() -> None:
    count = 0
    for cable in everything():
        told = list(cable.facts())
        assert told, cable.id
        for path, source, confidence in told:
            assert source and set(source.split()) <= set(sources()), (cable.id, path)
            assert confidence in ("high", "medium", "low"), (cable.id, path)
        count += len(told)
    for company in companies().values():
        for parent in company.parents:
            assert parent.source
        assert company.country is None or company.country.source
    assert count > 900


def test_the_systems_of_the_report_and_the_borders_are_there() -> None:
    assert {"mct", "aae-1", "shv-hk", "adc", "sea-h2x", "dunant"} <= set(cables())
    assert {"np-cn-gyirong", "np-cn-zhangmu"} <= set(links())
    for pair in ("KH-TH", "KH-VN", "KH-LA", "NP-IN", "NP-CN", "TH-MY", "TH-LA", "MY-SG"):
        first, second = pair.split("-")
        assert cables_between(first, second, among=links().values()), pair


def test_one_place_has_one_position() -> None:
    found: dict[tuple[str, str], set[tuple[float | None, float | None]]] = {}
    for cable in everything():
        for landing in cable.landings:
            if landing.lat is not None:
                found.setdefault((landing.place, landing.country), set()).add((landing.lat, landing.lon))
    assert [place for place, positions in found.items() if len(positions) > 1] == []


def test_a_cable_is_known_by_its_id_in_public_lists() -> None:
    assert cable_named("Asia-Africa-Europe-1-AAE-1") is cables()["aae-1"]
    assert cable_named("AAE") is None


def answers(name: str, on: date = TODAY) -> tuple[bool | None, bool | None, bool | None]:
    cable = {**cables(), **links()}[name]
    return (
        chinese_owned(cable, on).value,
        chinese_built(cable).value,
        chinese_operated(cable, on).value,
    )


def test_owner_builder_and_operator_are_three_questions() -> None:
    assert answers("aae-1") == (True, False, True)  # NEC and SubCom built, CFOCN lands
    assert answers("mct") == (False, True, None)
    assert answers("shv-hk") == (None, True, None)
    assert answers("fea") == (None, False, None)  # its owner's home was not looked up
    assert answers("np-cn-gyirong") == (None, None, True)
    assert answers("dunant") == (False, False, None)


def test_reasons_and_bounds() -> None:
    answer = chinese_owned(cables()["aae-1"], TODAY)
    assert answer.by == ("china-unicom", "hyalroute")
    assert answer.stakes == ("pccw",)
    assert (answer.low, answer.high) == (0.0, 1.0)  # the consortium's shares are not told
    assert chinese_owned(cables()["mct"], TODAY).stakes == ("dtac",)
    assert chinese_owned(cables()["mct"], date(2022, 1, 1)).stakes == ()
    assert chinese_owned(cables()["peace"], TODAY).by == ("peace-cable-international",)


def owned(*owners: dict[str, Any], count: int) -> Answer:
    tree = {"x": {"name": "X", "owner": list(owners), "owner_count": {"count": count, **SURE}}}
    (cable,) = read(toml(tree), "cables.toml")
    return chinese_owned(cable, TODAY)


def test_shares_bound_the_answer() -> None:
    ours = {"company": "china-unicom", "share": 0.25, **SURE}
    theirs = {"company": "viettel", "share": 0.5, **SURE}
    answer = owned(ours, theirs, count=3)
    assert (answer.value, answer.low, answer.high, answer.confidence) == (True, 0.25, 0.5, "high")
    answer = owned(theirs, count=2)
    assert (answer.value, answer.low, answer.high) == (None, 0.0, 0.5)
    assert answer.why == "not every owner is listed"
    assert owned(theirs, count=1).value is False
    left = owned({"company": "china-unicom", "until": "2020", **SURE}, theirs, count=2)
    assert left.value is False
    leaving = owned({"company": "china-unicom", "until": "2026", **SURE}, theirs, count=2)
    assert (leaving.value, leaving.why) == (
        None,
        "china-unicom: the dates are not told precisely enough",
    )


def names(first: str, second: str, on: date | None = None) -> list[str]:
    return [cable.id for cable in cables_between(first, second, on)]


def test_cables_between_on_a_day() -> None:
    assert names("kh", "HK") == ["aae-1", "shv-hk"]
    assert names("KH", "HK", date(2024, 1, 1)) == ["aae-1"]
    assert names("KH", "HK", TODAY) == ["aae-1", "shv-hk"]  # nobody says whether the second works
    assert "smw3" in names("TH", "MY", date(2024, 12, 1))
    assert "smw3" not in names("TH", "MY", date(2024, 12, 2))
    assert names("NP", "CN", date(2015, 1, 1)) == ["np-cn-zhangmu"]
    assert names("NP", "HK") == []


@pytest.mark.parametrize(
    ("name", "day", "works"),
    [
        ("mct", "2017-02-28", False),
        ("mct", "2017-03-10", None),
        ("mct", "2017-03-31", True),
        ("shv-hk", "2025-06-30", False),
        ("shv-hk", "2026-11-24", None),
        ("kh-th-poipet", "2020-01-01", None),
        ("kh-th-poipet", "2025-06-12", True),
        ("kh-th-poipet", "2025-06-13", None),
        ("np-in-birgunj", "2026-11-24", True),
        ("th-my", "2026-11-24", None),
        ("np-cn-gyirong", "2020-01-01", True),
        ("np-cn-gyirong", "2026-09-01", None),
        ("iax", "2026-11-24", None),
        ("cap-1", "2026-11-24", False),
    ],
)
def test_works(name: str, day: str, works: bool | None) -> None:
    assert {**cables(), **links()}[name].works(date.fromisoformat(day)) is works


def test_the_reports_count_for_thailand_is_not_reproduced() -> None:
    # "Of the eight cables landing in Thailand, more than half are at least partly Chinese owned": by this
    # table there were eight at the end of 2022, three with a Chinese owner, a fourth built by one.
    on = date(2022, 11, 30)
    landing = [cable for cable in cables().values() if "TH" in cable.countries and cable.works(on)]
    assert sorted(cable.id for cable in landing) == [
        "aae-1",
        "aag",
        "apg",
        "fea",
        "mct",
        "smw3",
        "smw4",
        "tis",
    ]
    assert [cable.id for cable in landing if chinese_owned(cable, on).value] == ["aae-1", "apg", "smw3"]
    assert [cable.id for cable in landing if chinese_built(cable).value] == ["mct"]


def test_a_cut_with_an_end() -> None:
    (cable,) = read(toml(ONE), "cables.toml")
    days = ("2024-02-23", "2024-02-24", "2024-02-29", "2024-03-15", "2024-03-31")
    assert [cable.works(date.fromisoformat(day)) for day in days] == [True, False, False, None, True]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024", "2024-01-01", "2024-12-31"),
        ("2024-Q1", "2024-01-01", "2024-03-31"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2024-12", "2024-12-01", "2024-12-31"),
        ("2024-02-29", "2024-02-29", "2024-02-29"),
    ],
)
def test_when(text: str, first: str, last: str) -> None:
    assert When.parse(text) == When(text, date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    "text", ["", "24", "2024-13", "2023-02-29", "2024-Q5", "1066", "2024-1", "٢٠٢٤", "2024 "]
)
def test_when_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not|lies outside"):
        When.parse(text)
