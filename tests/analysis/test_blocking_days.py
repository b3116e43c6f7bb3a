"""Rates by ISP, domain and day: what counts as one, what is dead, and what an interval may claim."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pytest
from tests.analysis.frames import judged

from gatewatch_analysis.blocking import by_country, by_day, by_domain
from gatewatch_analysis.blocking.days import CONFIRMING
from gatewatch_analysis.statistics import wilson
from gatewatch_analysis.tables import CountryDays, Days, Domains, Table

SIGN = "http.blockpage.sign"


def on_days(labels: Sequence[str | None], **about: Any) -> list[dict[str, Any]]:
    """One measurement a day; None for a day without."""
    return [{"label": label, "day": day, **about} for day, label in enumerate(labels) if label]


def test_repeats_of_a_run_are_one_unit() -> None:
    rows: list[dict[str, Any]] = [
        *[{"label": "tls.reset", "run": "a"}] * 9,
        {"label": "tls.reset", "run": "a", "input": "https://site.com/page"},
        {"label": "ok", "run": "b"},
        {"label": "inconclusive", "run": "c"},
        {"label": "down", "run": "d"},
    ]
    [day] = by_day(judged(rows)).to_dict("records")
    assert (day["measurements"], day["units"], day["decided"], day["anomalies"]) == (13, 4, 2, 1)
    assert (day["anomaly_share"], day["anomaly_low"], day["anomaly_high"]) == (0.5, *wilson(1, 2))
    # A block, a way through and a dead site, one each: the day decides nothing.
    assert (day["status"], day["label"]) == ("inconclusive", "inconclusive(repeats_disagree)")


def test_measuring_more_often_makes_nothing_surer() -> None:
    once = by_day(judged([{"label": "tls.reset", "run": "a"}])).iloc[0]
    often = by_day(judged([{"label": "tls.reset", "run": "a"}] * 50)).iloc[0]
    assert (once["anomaly_low"], once["anomaly_high"]) == (often["anomaly_low"], often["anomaly_high"])


def test_interference_blocking_and_known_signs_are_three_things() -> None:
    rows = [
        {"label": "http.blockpage", "rule": SIGN},
        {"label": "http.blockpage", "rule": "http.blockpage"},
        {"label": "tampered"},
        {"label": "ok"},
    ]
    [day] = by_day(judged(rows)).to_dict("records")
    assert [day[name] for name in ("decided", "anomalies", "blocked", "confirmed")] == [4, 3, 2, 1]
    assert (day["confirmed_share"], day["confirmed_low"]) == (0.25, wilson(1, 4)[0])
    assert SIGN in CONFIRMING and "http.blockpage" not in CONFIRMING


def test_domains_days_isps_and_tests_are_kept_apart() -> None:
    rows: list[dict[str, Any]] = [
        {"input": "https://a.com/"},
        {"input": "https://b.com/"},
        {"input": "https://a.com/", "day": 1},
        {"input": "https://a.com/", "asn": 2},
        {"input": "https://a.com/", "lab": True},
        {"input": "https://a.com/", "test_name": "quic"},
    ]
    found = by_day(judged(rows))
    assert len(found) == 6
    assert "a.com [quic]" in set(found["domain"])
    assert found["day"].dt.hour.eq(0).all()


def test_a_site_dead_on_all_isps_around_a_day_is_not_counted() -> None:
    rows = [
        *on_days(["ok", "ok", None, None, None, None, "down", "tcp.timeout"], asn=1),
        *on_days(["ok", None, None, None, None, None, None, "down"], asn=2),
    ]
    found = by_day(judged(rows)).set_index(["asn", "day"])
    # Day 6 counts as dead for what was found the day after; day 1 is too far away.
    assert found["dead"].tolist() == [False, False, True, True, False, True]
    assert found["status"].tolist() == ["ok", "ok", "down", "down", "ok", "down"]
    assert found.loc[found["dead"], ["decided", "anomalies"]].to_numpy().sum() == 0
    assert found.loc[found["dead"], "anomaly_share"].isna().all()


def test_a_site_that_comes_back_was_dead_only_then() -> None:
    labels = ["down"] * 5 + ["ok"] * 20 + ["tcp.timeout"] * 5
    rows = [*on_days(labels, asn=1), *on_days(["down"] * 5 + ["ok"] * 25, asn=2)]
    found = by_day(judged(rows)).groupby("day")["dead"].all().tolist()
    # Three days around a day on which somebody reached it are not dead, and blocking on one ISP is no death.
    assert found == [True, True] + [False] * 28


def test_blocking_everywhere_that_the_control_denies_is_no_death() -> None:
    rows = [row for asn in (1, 2, 3) for row in on_days(["tcp.timeout"] * 3, asn=asn)]
    assert not by_day(judged(rows))["dead"].any()


def test_days_are_summed_up_with_what_they_are_worth() -> None:
    labels = ["ok"] * 10 + ["dns.nxdomain"] * 6 + ["dns.bogon"] + ["dns.nxdomain"] * 3
    [found] = by_domain(by_day(judged(on_days(labels)))).to_dict("records")
    assert (found["days"], found["decided"], found["blocked"]) == (20, 20, 10)
    assert (found["blocked_from"].day, found["blocked_to"].day) == (11, 20)
    assert (found["method"], found["methods"], found["switches"]) == ("dns.nxdomain", 2, 2)
    assert found["method_share"] == pytest.approx(0.9)
    # Ten days free and ten blocked in a row are two spells, not twenty coins.
    assert found["effective_days"] < 3
    assert found["anomaly_high"] - found["anomaly_low"] > 0.6


def test_days_that_come_as_they_like_are_worth_a_day_each() -> None:
    labels = ["ok", "tls.reset"] * 10
    [found] = by_domain(by_day(judged(on_days(labels)))).to_dict("records")
    assert found["effective_days"] == 20
    assert (found["anomaly_low"], found["anomaly_high"]) == pytest.approx(wilson(10, 20))


def test_a_country_counts_isps() -> None:
    rows = [
        *[{"label": "tls.reset", "asn": 1, "run": f"r{i}"} for i in range(9)],
        {"label": "ok", "asn": 2},
        {"label": "http.blockpage", "asn": 3, "rule": SIGN},
        {"label": "inconclusive", "asn": 4},
        {"label": "ok", "asn": 5, "country": "TH"},
    ]
    kh, th = by_country(by_day(judged(rows))).to_dict("records")
    assert [kh[name] for name in ("units", "decided", "anomalies", "confirmed")] == [4, 3, 2, 1]
    assert (kh["anomaly_low"], kh["anomaly_high"]) == pytest.approx(wilson(2, 3))
    assert (th["country"], th["decided"], th["anomalies"]) == ("TH", 1, 0)


@pytest.mark.parametrize("rows", [[], [{"label": "tls.reset"}, {"label": "inconclusive", "asn": 2}]])
def test_columns_are_those_documented(rows: list[dict[str, Any]]) -> None:
    days = by_day(judged(rows))
    tables: list[tuple[type[Table], pd.DataFrame]] = [
        (Days, days),
        (Domains, by_domain(days)),
        (CountryDays, by_country(days)),
    ]
    for table, got in tables:
        types = {str(name): str(kind) for name, kind in got.dtypes.items()}
        assert types == {name: column.dtype for name, column in table.columns().items()}, table
