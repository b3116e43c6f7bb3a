"""The fast way from lines to measurements says what the slow way says: every row, every problem."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analysis.ooni_lines import cases, damaged, fires, fires_of_others, generated, kinds, mutants

from gatewatch.records import loads
from gatewatch.verdict import ruling
from gatewatch.verdict.reading import rows as true_rows
from gatewatch_analysis.loading.blocks import Block
from gatewatch_analysis.loading.loader import Loader
from gatewatch_analysis.loading.measured import known, quick, shape, single
from gatewatch_analysis.loading.measured.columns import Joined
from gatewatch_analysis.loading.measured.shape import Record
from gatewatch_analysis.loading.sources import Source
from gatewatch_analysis.tables import Measurements

SOURCE = Source("x.jsonl", "x")
decode = msgspec.json.Decoder(Record).decode


def rows(data: bytes, *, fast: bool, whole: bool = False) -> tuple[dict[str, list[Any]], Loader]:
    """All tables that a block gives, column by column."""
    loader = Loader(fast=fast)
    loader.block(SOURCE, Block("x.jsonl", 1, data, whole))
    loaded = loader.take()
    joined = Joined()
    joined.add(loaded.measurements)
    column = joined.columns(joined.names())
    tables = {name: column(name).to_pylist() for name in Measurements.columns()}
    for name, table in loaded.others.items():
        tables |= {f"{name}.{key}": values for key, values in table.to_pydict().items()}
    return tables, loader


def same(lines: list[bytes]) -> Loader:
    """Assert that both ways agree about lines, alone and in a block; gives the fast way's loader."""
    data = b"".join(line.rstrip(b"\n") + b"\n" for line in lines)
    (fast, loader), (slow, _) = rows(data, fast=True), rows(data, fast=False)
    for name in slow:
        if fast[name] != slow[name]:
            bad = [n for n, (a, b) in enumerate(zip(fast[name], slow[name], strict=False)) if a != b]
            raise AssertionError((name, bad[:3], [(fast[name][n], slow[name][n]) for n in bad[:3]]))
    return loader


def test_the_benchmarks_records() -> None:
    assert same(list(generated())).slow == 0
    assert same(list(kinds())).slow == 0


def test_oonis_cases() -> None:
    if not cases():
        pytest.skip("OONI's acceptance cases are not present")
    for file in cases():
        data = file.read_bytes()
        fast, _ = rows(data, fast=True, whole=True)
        slow, _ = rows(data, fast=False, whole=True)
        assert fast == slow, file


def test_measurements_for_every_rule() -> None:
    assert same(list(fires())).slow > 0  # with our own keys
    assert same(list(fires_of_others())).slow == 0


@pytest.mark.parametrize("seed", range(4))
def test_mutants(seed: int) -> None:
    lines = mutants(250, seed)
    loader = same(lines)
    assert 0 < loader.slow < len(lines)


@given(st.integers(0, 2**32), st.integers(0, 399))
def test_damaged_lines(seed: int, which: int) -> None:
    same([damaged(generated()[which], random.Random(seed))])


def test_a_tenth_of_the_lines_damaged() -> None:
    chance = random.Random(1)
    lines = list(generated())
    bad = chance.sample(range(len(lines)), len(lines) // 10)
    for n in bad:
        lines[n] = lines[n][: len(lines[n]) // 2] + b"\n"
    same(lines)
    got, _ = rows(b"".join(lines), fast=True)
    assert len(got["input"]) == len(lines) - len(bad)
    assert got["problems.line"] == [n + 1 for n in sorted(bad)]
    assert not any(got["problems.kept"])
    assert all(reason.startswith("not a measurement: ") for reason in got["problems.reason"])


def test_what_else_lines_may_hold() -> None:
    good = generated()[0].rstrip(b"\n")
    judged = json.loads(good)
    verdict = {"status": "blocked", "layer": "tls", "method": "reset", "rule": "r", "confidence": 0.5}
    judged["x_gatewatch_verdict"] = verdict
    judged["x_gatewatch_target"] = {"category": "NEWS"}
    ours = json.loads(good) | {"x_gatewatch_verdict": verdict, "test_name": "resolve"}
    ours["test_keys"]["x_gatewatch_line"] = {"ipv6": True}
    same(
        [
            b"",
            b"   ",
            good + b" ",
            b" " + good,
            good + good,
            good + b" " + good,
            b"\xef\xbb\xbf" + good,
            good.replace(b"nginx", b"\xff"),
            good.replace(b"Viettel", "Việt".encode()),
            good.replace(b'"test_runtime":', b'"test_runtime":1e400,"x":'),
            good.replace(b'"annotations":{', b'"annotations":7,"x":{'),
            good.replace(b'"probe_asn":"AS', b'"probe_asn":"AS9'),
            json.dumps(judged).encode(),
            json.dumps(judged | {"x_gatewatch_verdict": {}}).encode(),
            json.dumps(judged | {"x_gatewatch_verdict": {"status": ["ok"]}}).encode(),
            json.dumps(ours).encode(),
            json.dumps(ours | {"test_keys": None}).encode(),
            json.dumps(ours | {"test_name": "contrast"}).encode(),
            *(good.replace(b'"start', b'"start') for _ in range(2)),
        ]
    )


def test_a_value_over_two_lines_is_two_bad_lines() -> None:
    loader = same([b'{"test_name":', b'"web_connectivity"}', b"{}{}"])
    assert loader.slow == 3


def test_spoiled_times_are_told() -> None:
    line = json.loads(generated()[0])
    times = ["2024-05-01T12:00:00", "2024-05-01 12:00:00+07:00", "2024-05-01", "yesterday", "", None, 7]
    same([json.dumps(line | {"measurement_start_time": time}).encode() for time in times])


def test_quick_facts_are_true() -> None:
    proven: Counter[str] = Counter()
    for line in [*generated(), *fires(), *fires_of_others(), *mutants(300, 99)]:
        record = typed(line)
        facts = None if record is None else quick.prove(record)
        if facts is None:
            continue
        true = list(true_rows(loads(line)[0]))
        assert len(true) == len(facts)
        for hop, row in zip(quick.rows(facts), true, strict=True):
            assert any(variant.items() <= row.items() for variant in hop), line
        proven.update(fact[0] for fact in facts)
    assert set(proven) == {"secure", "bare", "plain", "page"}


def test_features_of_single_visits_are_those_of_the_evidence() -> None:
    seen: dict[str, set[Any]] = {name: set() for name in single.NAMES}
    for line in [*kinds(), *fires_of_others(), *mutants(500, 7)]:
        record = typed(line)
        try:
            found = None if record is None else single.features(record)
        except shape.Unfit:
            continue
        if found is None:
            continue
        [row] = true_rows(loads(line)[0])
        assert known.SAME.items() <= row.items()
        for name, value in zip(single.NAMES, found, strict=True):
            if value is not None:
                seen[name].add(value)
                assert value == single.stand_in(name, row[name]), (name, value, row[name])
    # A feature that is never worked out, or is always the same, would not be tested.
    constant = {name for name, values in seen.items() if len(values) < 2}
    assert constant == {"depth"}


def typed(line: bytes) -> Record | None:
    try:
        record = decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    # As the reader: what brings a verdict is not judged.
    return record if record.x_gatewatch_verdict is None else None


def test_structs_are_judged_as_records_are() -> None:
    judged = 0
    for line in [*fires_of_others(), *mutants(300, 3)]:
        record = typed(line)
        if record is None or record.test_name != "web_connectivity":
            continue
        try:
            rule = ruling(record)  # type: ignore[arg-type] # which it stands in for
        except shape.Unfit:
            continue
        judged += 1
        assert rule is ruling(loads(line)[0])
    assert judged > 100


class _Spy(dict[str, Any]):
    """Notes which keys are asked for."""

    asked: set[str]

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


def test_the_evidence_reads_no_key_that_structs_do_not_know() -> None:
    import dataclasses

    asked: set[str] = set()
    for line in fires():
        m = loads(line)[0]
        if m.test_name != "web_connectivity":
            continue
        extra = _Spy(m.test_keys.extra)
        extra.asked = asked
        ruling(dataclasses.replace(m, test_keys=dataclasses.replace(m.test_keys, extra=extra)))
    names = {field.encode_name for field in msgspec.structs.fields(shape.Keys)}
    assert asked <= names
    assert "x_gatewatch_second" in asked


def test_stand_ins_lie_between_the_same_constants() -> None:
    stand = known.StandIn("page_proportion")
    cuts = known.constants("page_proportion")
    assert cuts
    for value in (-1.0, 0.0, *cuts, *(c + 1e-9 for c in cuts), *(c - 1e-9 for c in cuts), 1.0):
        for cut in cuts:
            other = stand(value)
            assert ((value > cut), (value < cut)) == ((other > cut), (other < cut))


def test_rows_taken_in_parts_are_the_same_rows() -> None:
    loader = Loader()
    parts = Joined()
    for start in range(0, 400, 150):
        loader.block(SOURCE, Block("x", 1, b"".join(generated()[start : start + 150])))
        parts.add(loader.take().measurements)
    whole, _ = rows(b"".join(generated()), fast=True)
    column = parts.columns(parts.names())
    assert {name: column(name).to_pylist() for name in Measurements.columns()} == {
        name: whole[name] for name in Measurements.columns()
    }
    assert isinstance(column("input"), pa.ChunkedArray)
