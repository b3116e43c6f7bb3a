"""Observations of whole files: OONI's, damaged ones, several at once, in pieces."""

import json
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.analysis.observed import KEYS, line, observed, rows
from tests.analysis.runs import trace, write_lines, write_run

from gatewatch_analysis.loading.blocks import pieces
from gatewatch_analysis.loading.observations import (
    load_observations,
    observe,
    stream,
)
from gatewatch_analysis.loading.wanted import Wanted
from gatewatch_analysis.tables import Observations
from gatewatch_analysis.tables.arrow import schema

OONI = Path(__file__).resolve().parents[2] / "../shared/data/ooni_qa"
FILES = sorted(f for f in OONI.glob("**/*.json") if f.name != "cases.json")
needs_files = pytest.mark.skipif(not FILES, reason=f"OONI's test measurements not present: {OONI}")


@needs_files
def test_all_of_oonis_files_load_with_every_step() -> None:
    assert len(FILES) == 39
    for file in FILES:
        text = file.read_bytes()
        frame, observer = observed(text)
        assert (observer.read, observer.problems) == (1, []), file.name
        keys = json.loads(text)["test_keys"]
        seen = frame[~frame["control"]]["kind"].value_counts()
        assert {k: int(n) for k, n in seen.items() if n} == {
            k: n
            for k, n in {
                "answer": sum(len(q["answers"] or [1]) for q in keys["queries"] or []),
                "connect": len(keys["tcp_connect"] or []),
                "handshake": len(keys["tls_handshakes"] or []),
                "transaction": len(keys["requests"] or []),
            }.items()
            if n
        }, file.name


@needs_files
def test_a_tenth_of_the_lines_corrupted_costs_just_these() -> None:
    lines = [json.dumps(json.loads(f.read_bytes())).encode() for f in FILES] * 3
    broken = {n: text[: len(text) // 2] for n, text in enumerate(lines) if n % 10 == 3}
    frame, observer = observed(*(broken.get(n, text) for n, text in enumerate(lines)))
    whole, _ = observed(*(text for n, text in enumerate(lines) if n not in broken))
    assert observer.read == len(lines) - len(broken) and observer.aside == len(broken) == 12
    assert [p.line for p in observer.problems] == [n + 1 for n in broken]
    assert all(p.reason.startswith("not a measurement: ") for p in observer.problems)
    pd.testing.assert_frame_equal(frame, whole)


# As JSON, since what is drawn is changed afterwards.
LEAVES = st.sampled_from(
    [
        "null",
        "true",
        "0",
        "-1",
        str(2**70),
        "1.5",
        '""',
        '"\\ud800"',
        '"x"',
        "[]",
        "{}",
        "[[]]",
        '{"":null}',
        "1e999",
    ]
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """One of OONI's files with some values replaced, dropped or doubled, or some bytes of it."""
    data = json.loads(draw(st.sampled_from(FILES)).read_bytes())
    for _ in range(draw(st.integers(0, 4))):
        spot, key = data, None
        while isinstance(spot, dict | list) and spot and (key is None or draw(st.integers(0, 3))):
            above = spot
            key = draw(st.sampled_from(sorted(spot) if isinstance(spot, dict) else range(len(spot))))
            spot = spot[key]
        if key is not None:
            above[key] = json.loads(draw(LEAVES))
    text = json.dumps(data).encode()
    if draw(st.booleans()):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.binary(max_size=3)) + text[at + draw(st.integers(0, 9)) :]
    return text


@needs_files
@settings(max_examples=60, deadline=None, database=None)
@given(st.lists(mutated(), max_size=4))
def test_whatever_comes_each_line_is_accounted_for(lines: list[bytes]) -> None:
    frame, observer = observed(*lines)
    assert observer.read + observer.aside + observer.passed == len(lines)
    assert observer.aside == sum(not p.kept for p in observer.problems)
    assert all(1 <= p.line <= len(lines) for p in observer.problems)
    assert schema(Observations).names == list(frame.columns)


def test_files_load_into_one_frame_with_problems_told_by_file_and_line(tmp_path: Path) -> None:
    run = write_run(tmp_path / "r1", [trace("1.1.1.1", [("36.37.128.1", 1.0)])], lab={"scenario": "x"})
    file = write_lines(
        tmp_path / "x.jsonl.gz", [line(keys=KEYS) + b"\n", b"\x1b[2J\n", line(keys=KEYS, probe_cc="TH")]
    )
    data = load_observations([run, file], processes=1)
    assert data.measurements == 3
    assert rows(data.observations.drop_duplicates("measurement"), "run", "isp", "lab", "country") == [
        ["r1", "Metfone", True, "KH"],
        ["x", "AS38623", False, "KH"],
        ["x", "AS38623", False, "TH"],
    ]
    (problem,) = data.problems.to_dict("records")
    assert (problem["file"], problem["line"], problem["kept"]) == (str(file), 2, False)
    assert data.observations.dtypes.astype(str).to_dict() == {
        name: column.dtype for name, column in Observations.columns().items()
    }


def test_what_is_asked_for_and_nothing_else(tmp_path: Path) -> None:
    lines = [
        line(keys=KEYS, probe_cc=cc, measurement_start_time=f"2024-05-0{day} 00:00:00", input=f"{cc}{day}")
        + b"\n"
        for cc in ("KH", "TH")
        for day in (1, 2, 3)
    ]
    lines.append(line(keys=KEYS, measurement_start_time=None) + b"\n")
    file = write_lines(tmp_path / "x.jsonl", lines)
    wanted = Wanted(frozenset({"KH"}), since=date(2024, 5, 2))
    data = load_observations([file], wanted=wanted, kinds=["answer", "hop"], columns=["input", "kind"])
    assert rows(data.observations.drop_duplicates(), "input", "kind") == [
        ["KH2", "answer"],
        ["KH3", "answer"],
    ]
    assert list(data.observations.columns) == ["input", "kind"] and data.measurements == 2
    none = load_observations([file], wanted=Wanted(frozenset()))
    assert none.observations.empty and none.problems.empty
    assert none.observations.dtypes.astype(str).to_dict() == {
        name: column.dtype for name, column in Observations.columns().items()
    }


def test_pieces_of_a_file_read_by_several_processes_give_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [b"broken\n" if n % 7 == 3 else line(keys=KEYS, input=f"{n}") + b"\n" for n in range(40)]
    file = write_lines(tmp_path / "x.jsonl", lines)
    whole = load_observations([file], processes=1)
    cut = partial(pieces, size=len(b"".join(lines)) // 4)
    monkeypatch.setattr("gatewatch_analysis.loading.observations.files.pieces", cut)
    parts = load_observations([file], processes=2)
    pd.testing.assert_frame_equal(parts.observations, whole.observations, check_categorical=False)
    pd.testing.assert_frame_equal(parts.problems, whole.problems)
    assert whole.problems["line"].tolist() == [4, 11, 18, 25, 32, 39]


def test_tables_come_in_bounded_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observe, "MOST_HELD", 3)
    monkeypatch.setattr("gatewatch_analysis.loading.blocks.BLOCK", 3 * (len(line(keys=KEYS)) + 1))
    file = write_lines(tmp_path / "x.jsonl", [line(keys=KEYS) + b"\n"] * 8)
    told: list[Any] = []
    assert [t.num_rows for t in stream([file, file], told.append)] == [18, 18, 12]
    assert told == []
