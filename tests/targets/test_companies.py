"""Who owns whom: the last owner on a day, names, and every way to spoil the table."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from tests.targets.spoil import missing, misspelt, toml, wrong_types
from tests.targets.test_cables import SURE, TODAY

from gatewatch_targets import DataError
from gatewatch_targets.cables import company_named, ultimate
from gatewatch_targets.cables.companies import read_companies


@pytest.mark.parametrize(
    ("company", "on", "end", "country"),
    [
        ("Huawei Marine", date(2020, 3, 8), "huawei", "CN"),
        ("HMN Tech", date(2020, 3, 9), "hengtong", "CN"),
        ("cfocn", TODAY, "hyalroute", "CN"),
        ("China Mobile International", TODAY, "china-mobile", "CN"),
        ("Telcotech", TODAY, "ezecom", "KH"),
        ("DTAC", date(2023, 2, 28), "dtac", "TH"),
        ("DTAC", TODAY, "true", "TH"),
        ("gcx", TODAY, "gcx", ""),
    ],
)
def test_ultimate(company: str, on: date, end: str, country: str) -> None:
    found = ultimate(company, on)
    assert (found.company, found.country) == (end, country)


def test_a_minority_stake_is_told_and_does_not_decide() -> None:
    (before,) = ultimate("true", date(2020, 1, 1)).stakes
    (after,) = ultimate("true", TODAY).stakes
    assert (before.company, before.low, before.high) == ("china-mobile", 0.18, 0.18)
    assert (after.company, after.low, after.high) == ("china-mobile", 0.0, 0.08)
    assert ultimate("true", date(2013, 1, 1)).stakes == ()
    assert [stake.company for stake in ultimate("hyalroute", TODAY).stakes] == ["kuang-chi"]


def test_names_are_matched_whole() -> None:
    assert company_named("china  UNICOM") == "china-unicom"
    assert company_named("Unicom, Inc.") is None
    assert company_named("Unicom") is None
    with pytest.raises(KeyError):
        ultimate("Unicom", TODAY)


def test_who_owns_whom_must_not_go_round() -> None:
    def holding(company: str) -> dict[str, Any]:
        return {"name": f"Held by {company}", "parent": [{"company": company, "control": True, **SURE}]}

    with pytest.raises(DataError, match=r"^owners\.toml: a\.parent\[0\]\.company: 'b' is owned by a itself$"):
        read_companies(toml({"a": holding("b"), "b": holding("a")}), "owners.toml")


def test_companies_spoilt_in_every_way() -> None:
    tree: dict[str, Any] = {
        "top": {"name": "Top", "country": {"code": "CN", **SURE}},
        "sub": {
            "name": "Sub",
            "aliases": ["Sub Co."],
            "parent": [{"company": "top", "control": True, "share": 0.51, "since": "2020-03-09", **SURE}],
        },
    }
    read_companies(toml(tree), "owners.toml")
    optional = frozenset(("aliases", "country", "parent", "share", "since"))
    variants = [*wrong_types(tree), *missing(tree, optional), *misspelt(tree)]
    assert len(variants) > 60
    for what, path, spoilt in variants:
        with pytest.raises(DataError) as caught:
            read_companies(toml(spoilt), "owners.toml")
        assert str(caught.value).startswith((f"owners.toml: {path}: ", f"owners.toml: {path}.")), what
    low = {
        **tree,
        "sub": {"name": "S", "parent": [{"company": "top", "control": True, "share": 0.2, **SURE}]},
    }
    with pytest.raises(DataError, match=r"sub\.parent\[0\]\.control: a share of 0\.2 does not decide"):
        read_companies(toml(low), "owners.toml")
