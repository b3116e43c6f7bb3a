"""Since when, on whom at once, and whether tests agree: against series whose truth is known."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.analysis.frames import DAY, judged

from gatewatch_analysis.blocking import by_day, changes, common_changes, consistency
from gatewatch_analysis.tables import BlockChanges, CommonChanges, Consistency, Table

FREE, CUT = "ok", "tls.reset"


def series(blocked: Sequence[int | None], **about: Any) -> list[dict[str, Any]]:
    """One measurement a day: 1 for blocked, 0 for reached, None for a day without."""
    return [
        {"label": CUT if b else FREE, "day": day, **about} for day, b in enumerate(blocked) if b is not None
    ]


def days_of(times: "pd.Series[Any]") -> list[int]:
    return [int((t - DAY).days) for t in times]


def test_a_block_that_begins_and_ends_is_dated() -> None:
    found = changes(by_day(judged(series([0] * 15 + [1] * 20 + [0] * 15))))
    assert found["change"].tolist() == ["began", "ended"]
    assert days_of(found["at"]) == [15, 35]
    # A day beside the true one has some three parts in a hundred.
    for name in ("low", "high"):
        assert days_of(found[name]) == pytest.approx([15, 35], abs=1)
    assert found[["days_before", "days_after"]].to_numpy().tolist() == [[15, 20], [20, 15]]
    assert found[["share_before", "share_after"]].to_numpy().tolist() == [[0, 1], [1, 0]]
    assert (found["probability"] > 0.99).all()
    assert (found["p_value"] <= 0.01).all()


def test_days_without_measurements_widen_the_date() -> None:
    [found] = changes(by_day(judged(series([0] * 15 + [None] * 6 + [1] * 15)))).to_dict("records")
    assert [(found[name] - DAY).days for name in ("low", "at", "high")] == [15, 21, 21]


@pytest.mark.parametrize("blocked", [[0] * 40, [1] * 40, [0, 1] * 20, [0] * 39 + [1], [1]])
def test_what_does_not_change_has_no_date(blocked: list[int]) -> None:
    assert changes(by_day(judged(series(blocked)))).empty


def test_each_isp_and_domain_has_dates_of_its_own() -> None:
    rows = [
        *series([0] * 20 + [1] * 20, asn=1),
        *series([0] * 30 + [1] * 10, asn=2),
        *series([0] * 40, asn=3),
        *series([1] * 10 + [0] * 30, asn=1, input="https://other.com/"),
    ]
    found = changes(by_day(judged(rows)))
    assert found[["asn", "domain", "change"]].to_numpy().tolist() == [
        [1, "other.com", "ended"],
        [1, "site.com", "began"],
        [2, "site.com", "began"],
    ]
    assert days_of(found["at"]) == [10, 20, 30]


def test_isps_that_begin_on_one_day_are_told_from_those_that_do_not() -> None:
    together = [row for asn in (1, 2, 3) for row in series([0] * 20 + [1] * 20, asn=asn)]
    found = common_changes(by_day(judged([*together, *series([0] * 40, asn=4)])))
    [one] = found.to_dict("records")
    assert (days_of(found["at"]), one["isps"], one["changed"], one["names"]) == (
        [20],
        4,
        3,
        "ISP 1, ISP 2, ISP 3",
    )
    assert one["together"] > 0.99
    apart = [
        row for asn, at in ((1, 8), (2, 20), (3, 32)) for row in series([0] * at + [1] * (40 - at), asn=asn)
    ]
    assert common_changes(by_day(judged(apart))).empty
    assert common_changes(by_day(judged(series([0] * 20 + [1] * 20)))).empty


def test_false_alarms_of_many_steady_series_are_as_stated() -> None:
    rng = np.random.default_rng(9)
    rows = [
        row
        for site in range(60)
        for row in series(rng.binomial(1, 0.1, 60).tolist(), input=f"https://{site}.com/")
    ]
    # 60 series at one in 99: none or one is expected, and four come by chance in fewer than 1 of 200 tests.
    assert len(changes(by_day(judged(rows)))) < 4


def test_tests_that_agree_and_tests_that_do_not() -> None:
    rows = [
        *series([1, 1, 1, 0]),
        *series([1, 1, 0, 0], test_name="handshake", input="https://site.com/"),
        *series([0], test_name="quic", input="https://site.com/"),
        *series([1], input="https://alone.com/"),
    ]
    alone, both = consistency(judged(rows)).to_dict("records")
    assert (alone["tests"], alone["days"]) == (1, 0)
    assert (both["tests"], both["days"], both["agree"]) == (3, 4, 2)
    assert (both["blocked_days"], both["same_layer"]) == (2, 2)
    assert both["blocked_by"] == "handshake tls.reset, web_connectivity tls.reset"
    assert both["open_by"] == "handshake, quic, web_connectivity"


def test_layers_that_differ_between_tests_are_counted() -> None:
    rows = [{"label": "dns.bogon"}, {"label": "tls.reset", "test_name": "handshake"}]
    [found] = consistency(judged(rows)).to_dict("records")
    assert (found["agree"], found["blocked_days"], found["same_layer"]) == (1, 1, 0)


@pytest.mark.parametrize("rows", [[], series([0] * 20 + [1] * 20) + series([0] * 20 + [1] * 20, asn=2)])
def test_columns_are_those_documented(rows: list[dict[str, Any]]) -> None:
    measurements = judged(rows)
    days = by_day(measurements)
    tables: list[tuple[type[Table], pd.DataFrame]] = [
        (BlockChanges, changes(days)),
        (CommonChanges, common_changes(days)),
        (Consistency, consistency(measurements)),
    ]
    for table, got in tables:
        types = {str(name): str(kind) for name, kind in got.dtypes.items()}
        assert types == {name: column.dtype for name, column in table.columns().items()}, table
