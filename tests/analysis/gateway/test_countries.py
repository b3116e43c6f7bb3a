"""What is on record of real countries is told as it is: never a gateway, where there was none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest
from tests.analysis.gateway import facts
from tests.analysis.gateway.frames import only, records

from gatewatch_analysis.gateway import find
from gatewatch_analysis.loading import Dataset
from gatewatch_analysis.prefixes import PrefixTable

NO_TABLE = PrefixTable(())
COUNTRIES: dict[str, Callable[[], Dataset]] = {
    "Cambodia, www.rfa.org, 2024": facts.cambodia,
    "Malaysia, 2023": lambda: facts.listed("my-2023", "MY"),
    "Thailand, 2022": lambda: facts.listed("th-2022", "TH"),
    "Thailand, 2017": lambda: facts.listed("th-2017", "TH"),
    "Cambodia, VOD, forty providers": lambda: facts.vod(mechanisms=False),
    "Cambodia, VOD, by the means of 2024": lambda: facts.vod(mechanisms=True),
}


def test_cambodia_is_ordered_per_isp() -> None:
    found = find(facts.cambodia(), NO_TABLE)
    row = only(found.answers)
    assert (row["answer"], row["isps"]) == ("ordered", 11)
    assert row["probability"] > 0.95
    whole = records(found.pieces.uniformity)[0]
    assert (round(whole["u"], 2), round(whole["p"], 2)) == (0.89, 0.11)


@pytest.mark.parametrize("name", COUNTRIES)
def test_never_a_gateway(name: str) -> None:
    found = find(COUNTRIES[name](), NO_TABLE)
    row = only(found.answers)
    assert row["answer"] in ("ordered", "undetermined")
    chances = {r["kind"]: r["probability"] for r in records(found.posterior)}
    assert chances["gateway"] < 0.5


@pytest.mark.parametrize("name", COUNTRIES)
def test_not_even_of_a_part_of_what_is_on_record(name: str) -> None:
    data = COUNTRIES[name]()
    asns = sorted(data.measurements["asn"].unique())
    for least in range(0, len(asns), 3):
        part = data.measurements[data.measurements["asn"].isin(asns[least : least + 6])]
        answers = find(replace(data, measurements=part), NO_TABLE).answers
        assert set(answers["answer"]) <= {"ordered", "undetermined", "none"}


def test_simultaneous_blocking_of_one_list_alone_decides_nothing() -> None:
    found = find(facts.vod(mechanisms=False), NO_TABLE)
    row = only(found.answers)
    assert (row["answer"], row["isps"], row["located"]) == ("undetermined", 40, 0)
    assert "orders" in set(found.weighed["piece"])
    # And it is said what would: the ways out, and where it is cut.
    best = [step["step"] for step in records(found.steps) if step["bits"] > 0.2]
    assert {"trace the ways abroad", "locate where it is cut, on one more ISP"} <= set(best)


def test_where_thirty_lines_of_one_provider_measured_no_more_is_known() -> None:
    data = facts.cambodia()
    metfone = data.measurements[data.measurements["asn"] == 38623]
    more = replace(data, measurements=pd.concat([data.measurements, *[metfone] * 30], ignore_index=True))
    one, many = find(data, NO_TABLE), find(more, NO_TABLE)
    assert one.posterior.equals(many.posterior)
