from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path
from typing import BinaryIO

import pytest

import gatewatch_targets.reference as reference
from gatewatch_targets import DataError
from gatewatch_targets.dates import parse_span
from gatewatch_targets.events import events, events_of

FACTS = Path(__file__).resolve().parents[2] / "../shared/data/facts/events.csv"
HEADER = "id,countries,kind,start,end,expects,event,signal,confidence,source\n"


@pytest.mark.parametrize(
    ("text", "first", "last", "precision"),
    [
        ("2018", date(2018, 1, 1), date(2018, 12, 31), "year"),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29), "month"),
        ("2025-12", date(2025, 12, 1), date(2025, 12, 31), "month"),
        ("2022-02-16", date(2022, 2, 16), date(2022, 2, 16), "day"),
    ],
)
def test_a_date_is_the_days_in_which_it_may_lie(text: str, first: date, last: date, precision: str) -> None:
    span = parse_span(text)
    assert (span.first, span.last, span.precision, str(span)) == (first, last, precision, text)
    assert first in span and last in span and date(2017, 12, 31) not in span
    assert span.days == (last - first).days + 1


@pytest.mark.parametrize(
    "text",
    ["", "18", "2018-1", "2018-13", "2018-00", "2018-02-30", "1066", "2018-01-01T00:00", "٢٠١٨", "soon"],
)
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not (a date|in the calendar)"):
        parse_span(text)


def test_the_timeline() -> None:
    by_id = {event.id: event for event in events()}
    assert len(by_id) == len(events()) == 60
    placebo = by_id["kh-gateway-start"]
    assert (placebo.expects, str(placebo.start), placebo.kind) == ("nothing", "2022-02-16", "plan")
    # Not a day before, not a day after, and not for ever.
    assert [placebo.can_cover(date(2022, 2, day)) for day in (15, 16, 17)] == [False, True, False]
    tiktok, thai = by_id["np-tiktok"], by_id["kh-thai-cut"]
    assert tiktok.can_cover(date(2024, 1, 1)) and not tiktok.can_cover(date(2025, 1, 1))
    assert thai.is_open and thai.can_cover(date(2030, 1, 1)) and not thai.can_cover(date(2025, 6, 12))
    assert by_id["kh-data-centre"].can_cover(date(2025, 12, 31))  # "2025" may be any day of it
    assert {event.id for event in events_of("KH")} >= {"kh-vod", "kh-thai-cut", "th-nbtc-cut", "rfa-ends"}


def test_plans_and_decrees_move_no_packet() -> None:
    assert {e.expects for e in events() if e.kind in ("plan", "law", "order")} <= {"nothing", "context"}
    assert sum(event.expects == "nothing" for event in events()) >= 8


@pytest.mark.skipif(not FACTS.exists(), reason="the collection of facts is not beside this tree")
def test_dates_are_those_of_the_facts_and_the_words_are_ours() -> None:
    with FACTS.open(encoding="utf-8", newline="") as stream:
        facts = list(csv.DictReader(stream))
    assert len(facts) == len(events())
    texts = {row["event"] for row in facts}
    days = {parse_span(row["start"]).first for row in facts}
    # The facts doubt the day of one event, which is given by its month here.
    assert {event.start.first for event in events()} ^ days == {date(2023, 8, 1), date(2023, 8, 8)}
    assert not texts & {event.text for event in events()}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (",KH,block,2018,,change,e,s,high,recall", "id: is missing"),
        ("a,,block,2018,,change,e,s,high,recall", "countries: is missing"),
        ("a,KHM,block,2018,,change,e,s,high,recall", "countries: 'KHM' is not a two-letter"),
        ("a,KH,ban,2018,,change,e,s,high,recall", "kind: 'ban' is not one of block"),
        ("a,KH,block,18,,change,e,s,high,recall", "start: '18' is not a date"),
        ("a,KH,block,2018,2017,change,e,s,high,recall", "end: 2017 is before the start, 2018"),
        ("a,KH,block,2018,later,change,e,s,high,recall", "end: 'later' is not a date"),
        ("a,KH,block,2018,,maybe,e,s,high,recall", "expects: 'maybe' is not one of change, nothing, context"),
        ("a,KH,block,2018,,change,,s,high,recall", "event: is missing"),
        ("a,KH,block,2018,,change,e,,high,recall", "signal: is missing"),
        ("a,KH,block,2018,,change,e,s,H,recall", "confidence: 'H' is not one of high"),
        ("a,KH,block,2018,,change,e,s,high,x", "source: 'x' is not a key of sources.csv"),
        (
            "a,KH,block,2018,,change,e,s,high,recall\nb,KH,block,2017,,change,e,s,high,recall",
            "start: 2017 is before the row above",
        ),
    ],
)
def test_a_damaged_table_is_named(monkeypatch: pytest.MonkeyPatch, row: str, message: str) -> None:
    real = reference.open_data

    def open_data(file: str) -> BinaryIO:
        return io.BytesIO((HEADER + row + "\n").encode()) if file == "events.csv" else real(file)

    monkeypatch.setattr(reference, "open_data", open_data)
    with pytest.raises(DataError) as caught:
        events.__wrapped__()
    assert str(caught.value).startswith("events.csv:") and message in str(caught.value)
