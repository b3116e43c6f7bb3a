"""Interruptions at events: found where they are, and nowhere else."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.analysis.frames import judged
from tests.analysis.runs import web, write_run

from gatewatch_analysis.events import by_target, counted, event_answers, interruptions, joint_changes, series
from gatewatch_analysis.events.joint import by_chance
from gatewatch_analysis.events.segmented import step_at
from gatewatch_analysis.events.series import Division
from gatewatch_analysis.loading import load
from gatewatch_analysis.statistics import sign_test_both_ways
from gatewatch_analysis.tables import Series
from gatewatch_targets import DataError
from gatewatch_targets.dates import parse_span
from gatewatch_targets.events import Event, Expects, events, read_events

FIRST = pd.Timestamp("2022-01-01", tz="UTC")


def event(start: str, expects: Expects = "change", name: str = "x") -> Event:
    span = parse_span(start)
    return Event(name, ("KH",), "block", span, None, True, expects, "Something", "a step", "high", "s")


def made(
    shares: np.ndarray, *, isp: str = "A", asn: int = 1, trials: int = 40, seed: int = 1
) -> pd.DataFrame:
    """A series with these shares, drawn from so many targets a day."""
    rng = np.random.default_rng(seed)
    rows = [
        ("KH", isp, asn, False, "all", FIRST + pd.Timedelta(days=n), int(rng.binomial(trials, share)), trials)
        for n, share in enumerate(shares)
    ]
    return Series.frame(rows)


def flat(days: int, share: float) -> np.ndarray:
    return np.full(days, share)


def stepped(days: int, at: int, before: float, after: float) -> np.ndarray:
    return np.where(np.arange(days) < at, before, after)


def test_a_step_is_found_with_its_size() -> None:
    found = interruptions(made(stepped(200, 120, 0.1, 0.4)), events=[event("2022-05-01")])
    row = found.iloc[0]
    assert row["outcome"] == "up" and row["low"] < 0.3 < row["high"] and row["placebo_share"] <= 0.05
    assert (row["days_before"], row["days_after"]) == (60, 60)


def test_what_an_event_of_a_month_does_within_it_is_left_out() -> None:
    # The step lies in the middle of the month; the days of that month belong to neither side.
    found = interruptions(made(stepped(240, 135, 0.5, 0.1)), events=[event("2022-05")]).iloc[0]
    assert found["outcome"] == "down" and found["low"] < -0.4 < found["high"]
    assert found["date"] == pd.Timestamp("2022-06-01", tz="UTC")


@pytest.mark.parametrize("noise", ["independent", "days alike"])
def test_where_nothing_happens_hardly_anything_is_found(noise: str) -> None:
    rng = np.random.default_rng(20221)
    outcomes = []
    for seed in range(60):
        wave = np.zeros(200)
        if noise == "days alike":
            for n in range(1, 200):
                wave[n] = 0.8 * wave[n - 1] + rng.normal(0, 0.03)
        share = np.clip(0.3 + wave, 0.01, 0.99)
        outcomes.append(
            interruptions(made(share, seed=seed), events=[event("2022-05-01")]).iloc[0]["outcome"]
        )
    alarms = sum(outcome in ("up", "down") for outcome in outcomes)
    # One in twenty of sixty is three; seven or more would come by chance once in a hundred times.
    assert alarms <= 6, outcomes
    assert outcomes.count("cannot tell") <= 6


def test_a_trend_is_no_step() -> None:
    share = np.linspace(0.1, 0.6, 200)
    row = interruptions(made(share, trials=200), events=[event("2022-05-01")]).iloc[0]
    assert row["outcome"] == "none"


def test_too_few_days_tell_nothing() -> None:
    row = interruptions(made(stepped(9, 5, 0.1, 0.9)), events=[event("2022-01-06")]).iloc[0]
    assert row["outcome"] == "cannot tell" and pd.isna(row["level"])
    assert interruptions(made(flat(9, 0.1)), events=[event("2023-01-06")]).empty


def test_a_share_that_never_varies_keeps_an_interval() -> None:
    days = np.arange(40)
    zero, one = np.zeros(40, np.int64), np.full(40, 5)
    step = step_at(days, zero, one, 20, 20)
    assert step is not None and step.level == pytest.approx(0) and step.low < 0 < step.high


def test_the_isps_together() -> None:
    found = pd.concat(
        made(stepped(200, 120, 0.1, 0.4 if n < 3 else 0.1), isp=f"N{n}", asn=n + 1, seed=n) for n in range(4)
    )
    known = [event("2022-05-01", name=events()[0].id), event("2022-05-01", "nothing", events()[1].id)]
    rows = event_answers(interruptions(found, events=known)).set_index("expects")
    assert rows.loc["change", "answer"] == "as expected" and rows.loc["change", "up"] == 3
    assert rows.loc["nothing", "answer"] == "detector fired"
    assert rows.loc["change", "isps"] == 4 and rows.loc["change", "text"] == events()[0].text
    quiet = pd.concat(made(flat(200, 0.1), isp=f"N{n}", asn=n + 1, seed=n) for n in range(3))
    answers = set(event_answers(interruptions(quiet, events=known))["answer"])
    assert answers == {"not as expected", "quiet as expected"}


def test_sign_test_by_hand() -> None:
    assert sign_test_both_ways(5, 0) == pytest.approx(2 / 32)
    assert sign_test_both_ways(3, 3) == 1.0
    assert sign_test_both_ways(0, 8) == pytest.approx(2 / 256)


def test_series_count_targets_not_measurements(tmp_path: Path) -> None:
    lines = [
        *(web("https://a.example/", "tls.reset", start=f"2024-05-01 1{n}:00:00") for n in range(3)),
        web("https://a.example/", "ok", start="2024-05-01 20:00:00"),
        web("https://b.example/", "ok"),
        web("https://c.example/", "dns.nxdomain", category="HUMR"),
        web("https://d.example/", "inconclusive(no_control)"),
    ]
    measured = load([write_run(tmp_path / "run", lines)]).measurements
    one = series(measured).iloc[0]
    assert (one["hits"], one["trials"], one["subject"]) == (2, 3, "all")
    assert one["day"].date() == date(2024, 5, 1)
    layers = series(measured, "layer").set_index("subject")
    assert layers["hits"].to_dict() == {"dns": 1, "tls": 1} and set(layers["trials"]) == {3}
    categories = series(measured, "category").set_index("subject")
    assert categories["hits"].to_dict() == {"HUMR": 1, "NEWS": 1}
    assert series(measured, "host")["trials"].sum() == 3
    assert series(measured.iloc[:0]).empty


def on_days(*days: int, flat_isps: int = 1, of: int = 150) -> pd.DataFrame:
    """ISPs that step up on these days, and some that do not."""
    steps = [stepped(of, day, 0.1, 0.5) for day in days] + [flat(of, 0.1)] * flat_isps
    return pd.concat(made(s, isp=f"N{n}", asn=n + 1, seed=n) for n, s in enumerate(steps))


def test_isps_that_change_on_one_day_meet_the_event() -> None:
    known = [event("2022-04-01", name="one"), event("2022-04", name="month")]
    [row] = joint_changes(on_days(90, 90, 90), events=known).to_dict("records")
    assert (row["isps"], row["of"], row["direction"], row["event"]) == (3, 4, "up", "one")
    assert row["low"] <= pd.Timestamp("2022-04-01", tz="UTC") <= row["high"]
    assert row["probability"] >= 0.99 and row["spread_days"] <= 2
    # The whole month and three days around it, of 150 days.
    assert row["chance"] == pytest.approx(36 / 150)
    [row] = joint_changes(on_days(90, 90, 90), events=[event("2022-02-01")]).to_dict("records")
    assert pd.isna(row["event"])


def test_an_isp_that_misses_days_is_still_one() -> None:
    found = on_days(90, 90, 90)
    gap = (found["asn"] == 2) & found["day"].between("2022-03-01", "2022-03-20")
    [row] = joint_changes(found[~gap], events=[]).to_dict("records")
    assert (row["isps"], row["of"], row["direction"]) == (3, 4, "up")
    # And one that was measured on one side alone is none of them.
    late = (found["asn"] == 1) & (found["day"] < "2022-04-01")
    [row] = joint_changes(found[~late], events=[]).to_dict("records")
    assert (row["isps"], row["of"]) == (2, 3)


def test_isps_that_follow_within_weeks_are_found_as_such() -> None:
    # Three within two weeks of five months come about by chance once in 35 times; of a year, once in 200.
    assert joint_changes(on_days(90, 96, 104), events=[]).empty
    [row] = joint_changes(on_days(90, 96, 104, of=365), events=[event("2022-04")]).to_dict("records")
    assert (row["isps"], row["direction"], row["closeness"]) == (3, "up", "within 28 days")
    assert 12 <= row["spread_days"] <= 16 and row["event"] == "x"


def test_isps_that_change_months_apart_are_not_joint() -> None:
    assert joint_changes(on_days(30, 75, 120), events=[]).empty


def test_dates_near_one_another_by_chance() -> None:
    rng = np.random.default_rng(5)
    dates = rng.random((200_000, 3))
    seen = float(np.mean(dates.max(axis=1) - dates.min(axis=1) <= 0.2))
    assert by_chance(3, 20, 100) == pytest.approx(seen, abs=0.003)
    assert by_chance(2, 150, 100) == 1.0
    # The closest three of ten, in twenty of four hundred days: never rarer than what the bound says.
    ten = np.sort(rng.random((50_000, 10)), axis=1)
    closest = float(np.mean((ten[:, 2:] - ten[:, :-2]).min(axis=1) <= 0.01))
    assert closest <= by_chance(3, 4, 400, of=10) <= 3 * closest


def test_among_many_isps_some_change_close_together_by_chance() -> None:
    rng = np.random.default_rng(11)
    found = []
    for _ in range(4):
        days = [int(day) for day in rng.integers(20, 345, 20)]
        series_ = [
            made(stepped(365, d, 0.1, 0.5), isp=f"N{n}", asn=n + 1, seed=n) for n, d in enumerate(days)
        ]
        found += joint_changes(pd.concat(series_), events=[])["isps"].tolist()
    # Each group of these would have been called one in a hundred by itself.
    assert not found


def listed(*, at: int, blocked: int, really: bool = False, isps: int = 3) -> pd.DataFrame:
    """Twenty sites a day on each ISP; from a day on, other sites too, of which some are blocked all along."""
    rows = []
    for day in range(150):
        for asn in range(1, isps + 1):
            rows += [
                {"day": day, "asn": asn, "input": f"http://s{n}.com/", "label": label}
                for n in range(20)
                for label in ["dns.nxdomain" if really and n < blocked and day >= at else "ok"]
            ]
            if day >= at:
                rows += [
                    {"day": day, "asn": asn, "input": f"http://new{n}.com/", "label": label}
                    for n in range(20)
                    for label in ["dns.nxdomain" if n < blocked else "ok"]
                ]
    return judged(rows)


@pytest.mark.parametrize("by", ["all", "layer", "category"])
def test_a_list_that_grows_by_blocked_sites_is_no_event(by: Division) -> None:
    targets = by_target(listed(at=90, blocked=8), by)
    daily = counted(targets)
    # May and three months: the list changed on 30 July 2024.
    known = [event("2024-07-30")]
    assert set(interruptions(daily, events=known)["outcome"]) == {"up"}
    assert set(interruptions(daily, targets, events=known)["outcome"]) == {"cannot tell"}
    assert len(joint_changes(daily, events=known)) == 1
    assert joint_changes(daily, targets, events=known).empty
    # Where the sites of before are blocked as well, it is the ISPs' doing.
    targets = by_target(listed(at=90, blocked=8, really=True), by)
    daily = counted(targets)
    assert set(interruptions(daily, targets, events=known)["outcome"]) == {"up"}
    [row] = joint_changes(daily, targets, events=known).to_dict("records")
    assert (row["isps"], row["direction"], row["event"]) == (3, "up", "x")


def test_two_of_many_isps_step_by_chance() -> None:
    flats = [made(flat(200, 0.1), isp=f"N{n}", asn=n + 1, seed=n) for n in range(20)]
    steps = interruptions(pd.concat(flats), events=[event("2022-05-01")])

    def answered(up: int) -> str:
        marked = steps.assign(outcome=["up"] * up + ["none"] * (20 - up))
        return str(event_answers(marked)["answer"].iloc[0])

    # One date in twenty has as large a step on an ISP on which nothing happened: of twenty ISPs, one has.
    assert answered(2) == answered(3) == "not as expected" and answered(4) == "as expected"


def test_a_change_of_one_isp_is_not_joint() -> None:
    found = on_days(90, flat_isps=3)
    assert joint_changes(found, events=[]).empty
    assert joint_changes(found[found["asn"] == 1], events=[]).empty


def test_a_timeline_of_ones_own(tmp_path: Path) -> None:
    heading = "id,countries,kind,start,end,expects,event,signal,confidence,source"
    file = tmp_path / "timeline.csv"
    file.write_text(
        f"{heading}\nb,KH,plan,2022-05-02,,nothing,Two,,high,me\na,KH,plan,2022-05-01,,nothing,One,x,high,me\n"
    )
    with file.open("rb") as stream, pytest.raises(DataError, match=r"timeline\.csv:2: signal: is missing"):
        read_events(stream, "timeline.csv")
    file.write_text(
        f"{heading}\nb,KH,plan,2022-05-02,,nothing,Two,x,high,me\na,KH,plan,2022-05-01,,nothing,One,x,high,me\n"
    )
    with file.open("rb") as stream:
        own = read_events(stream, "timeline.csv")
    assert [event.id for event in own] == ["a", "b"]
    steps = interruptions(made(stepped(200, 60, 0.1, 0.4)), events=own)
    answers = event_answers(steps, own)
    assert dict(zip(answers["event"], answers["text"], strict=True)) == {"a": "One", "b": "Two"}
