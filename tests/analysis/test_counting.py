"""Counting by group: every engine against pandas, over files, folders and frames, with missing values."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch_analysis.counting import aggregate
from gatewatch_analysis.counting.counters import Counters, Slots, TooMany
from gatewatch_analysis.counting.grouped import _dataset, _estimate
from gatewatch_analysis.counting.queried import _engine

ENGINES: list[Literal["auto", "sort", "query"]] = ["auto", "sort", "query"]
KEYS = ["country", "asn", "day"]


def written(folder: Path, frame: pd.DataFrame, rows: int = 1000) -> Path:
    schema = pa.schema(
        [
            ("country", pa.string()),
            ("asn", pa.int64()),
            ("day", pa.date32()),
            ("blocked", pa.bool_()),
            ("spent", pa.float64()),
        ]
    )
    file = folder / "rows.parquet"
    pq.write_table(
        pa.Table.from_pandas(frame, schema=schema, preserve_index=False), file, row_group_size=rows
    )
    return file


def rows(number: int, seed: int = 0, kinds: int = 6) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    days = pd.to_datetime("2024-05-01") + pd.to_timedelta(rng.integers(0, kinds, number), unit="D")
    return pd.DataFrame(
        {
            "country": pd.array(
                np.array(["KH", "TH", "MY", None], object)[rng.integers(0, 4, number)], "string"
            ),
            "asn": pd.array(rng.integers(0, kinds, number) * 1_000_000_007, "Int64"),
            "day": pd.Series(days).astype("datetime64[us]"),
            "blocked": pd.array(rng.random(number) < 0.3, "boolean"),
            "spent": pd.array(rng.integers(0, 100, number) / 4, "Float64"),
        }
    )


def by_pandas(frame: pd.DataFrame, by: Sequence[str], sums: Sequence[str]) -> list[tuple[Any, ...]]:
    groups = frame.groupby(list(by), dropna=False, observed=True)
    counted = groups.size().rename("rows").to_frame().join(groups[list(sums)].sum()).reset_index()
    return comparable(counted)


def comparable(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    plain = [[None if pd.isna(value) else value for value in frame[name]] for name in frame.columns]
    return sorted(zip(*plain, strict=True), key=str)


@pytest.mark.parametrize("engine", [*ENGINES, "count"])
@pytest.mark.parametrize("sums", [[], ["blocked"], ["blocked", "spent"]])
def test_a_file_is_counted_as_pandas_counts(tmp_path: Path, engine: Any, sums: list[str]) -> None:
    if engine == "count" and "spent" in sums:
        engine = "auto"  # counters add up flags
    frame = rows(5000)
    found = aggregate(written(tmp_path, frame), KEYS, sums, engine=engine)
    assert list(found.columns) == [*KEYS, "rows", *sums]
    assert comparable(found) == by_pandas(frame, KEYS, sums)


@given(
    st.lists(st.tuples(st.sampled_from(["KH", "TH", None]), st.integers(-3, 3) | st.none(), st.booleans())),
    st.integers(1, 4),
)
@settings(max_examples=50, deadline=None)
def test_missing_keys_and_values_are_kept_apart(cells: list[tuple[Any, Any, bool]], split: int) -> None:
    frame = pd.DataFrame(
        {
            "country": pd.array([c for c, _, _ in cells], "string"),
            "asn": pd.array([a for _, a, _ in cells], "Int64"),
            "blocked": pd.array([b if (a or 0) < 3 else None for _, a, b in cells], "boolean"),
        }
    )
    assert comparable(aggregate(frame, KEYS[:2], ["blocked"])) == by_pandas(frame, KEYS[:2], ["blocked"])


def test_the_order_is_that_of_the_keys_and_missing_ones_come_last(tmp_path: Path) -> None:
    file = written(tmp_path, rows(500))
    for engine in ENGINES:
        found = aggregate(file, KEYS, engine=engine)
        ordered = found.astype({"country": "string"}).sort_values(KEYS, na_position="last")
        assert ordered.index.tolist() == list(range(len(found)))


def test_types_are_nullable_and_text_is_a_category(tmp_path: Path) -> None:
    for source in (written(tmp_path, rows(50)), rows(50)):
        found = aggregate(source, KEYS, ["blocked", "spent"])
        assert {str(k): str(v) for k, v in found.dtypes.items()} == {
            "country": "category",
            "asn": "Int64",
            "day": "datetime64[us]",
            "rows": "Int64",
            "blocked": "Int64",
            "spent": "Float64",
        }


@pytest.mark.parametrize("wave", [1, 700])
def test_waves_give_what_one_gives(tmp_path: Path, wave: int, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = rows(5000)
    file = written(tmp_path, frame, rows=100)
    monkeypatch.setattr("gatewatch_analysis.counting.grouped._WAVE", wave)
    for sums in (["blocked"], ["spent"]):
        assert comparable(aggregate(file, KEYS, sums, engine="sort")) == by_pandas(frame, KEYS, sums)


def test_keys_of_more_combinations_than_a_number_holds() -> None:
    rng = np.random.default_rng(1)
    names = [f"k{i}" for i in range(9)]
    # 200 values each: 200 to the 9th is more than 2 to the 63rd.
    frame = pd.DataFrame({name: pd.array(rng.permutation(200), "Int64") for name in names})
    frame["blocked"] = pd.array(rng.random(200) < 0.5, "boolean")
    doubled = pd.concat([frame, frame.iloc[:50]], ignore_index=True)
    found = aggregate(doubled, names, ["blocked"])
    assert comparable(found) == by_pandas(doubled, names, ["blocked"])
    assert found["k0"].is_monotonic_increasing


@pytest.mark.parametrize("engine", ENGINES)
def test_folders_that_name_their_values_are_columns(tmp_path: Path, engine: Any) -> None:
    frame = rows(600).dropna(subset="country")
    named = frame.assign(probe_cc=frame["country"], date=frame["day"].dt.strftime("%Y-%m-%d"))
    for (country, day), part in named.groupby(["probe_cc", "date"]):
        folder = tmp_path / f"probe_cc={country}" / f"date={day}"
        folder.mkdir(parents=True)
        written(folder, part)
    found = aggregate(tmp_path, ["probe_cc", "date", "asn"], ["blocked"], engine=engine)
    assert [str(found[name].dtype) for name in ("probe_cc", "date")] == ["category", "category"]
    assert comparable(found) == by_pandas(named, ["probe_cc", "date", "asn"], ["blocked"])


@pytest.mark.parametrize("engine", ENGINES)
def test_no_rows_are_no_groups(tmp_path: Path, engine: Any) -> None:
    found = aggregate(written(tmp_path, rows(0)), KEYS, ["blocked", "spent"], engine=engine)
    assert found.empty
    assert list(found.columns) == [*KEYS, "rows", "blocked", "spent"]
    assert aggregate(rows(0), KEYS).empty


def test_few_groups_and_many_are_told_apart(tmp_path: Path) -> None:
    few = written(tmp_path, rows(20_000), rows=4000)
    (tmp_path / "many").mkdir()
    many = written(tmp_path / "many", rows(20_000, kinds=3000), rows=4000)
    true = len(aggregate(few, KEYS))
    assert true * 0.9 < _estimate(_dataset(few, KEYS), KEYS) < true * 1.1
    assert _estimate(_dataset(many, KEYS), KEYS) > 200_000


@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(-2, 6), st.integers(0, 3) | st.none(), st.booleans() | st.none()),
            max_size=30,
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from([1, 999, 2_000_003]),
)
@settings(max_examples=40, deadline=None)
def test_counters_make_room_for_values_as_they_come(groups: list[Any], apart: int) -> None:
    """Row groups bring new values, higher and lower ones, near to one another and far apart."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "rows.parquet")
        schema = pa.schema(
            {"country": pa.string(), "asn": pa.int64(), "day": pa.date32(), "blocked": pa.bool_()}
        )
        frames = []
        with pq.ParquetWriter(file, schema) as out:
            for number, cells in enumerate(groups):
                numbers = [a * apart for a, _, _ in cells]
                days = [None if d is None else 19_000 - number + d for _, d, _ in cells]
                columns = [
                    pa.array([f"c{abs(a) % (number + 2)}" for a in numbers], pa.string()),
                    pa.array(numbers, pa.int64()),
                    pa.array(days, pa.int32()).cast(pa.date32()),
                    pa.array([b for _, _, b in cells], pa.bool_()),
                ]
                out.write_table(pa.table(columns, schema=schema))
                frames.append(pa.table(columns, schema=schema))
        whole = pa.concat_tables(frames).to_pandas()
        for sums in ([], ["blocked"]):
            found = aggregate(file, KEYS, sums, engine="count")
            assert found.equals(aggregate(file, KEYS, sums, engine="sort"))
            assert found["rows"].sum() == len(whole)


def test_rows_go_behind_what_is_pending_also_when_room_was_made_for_them() -> None:
    counters = Counters([Slots()], 0)
    # Far apart, so that each new number has to be admitted once its row is reached.
    batches = [[0, 999], [999 * 5, 999 * 4, 0], [999 * 9, 999 * 8, 999 * 7, 0]]
    for numbers in batches:
        counters.add([pa.array(numbers, pa.int64())], [])
    part = counters.part([pa.int64()])
    assert part.rows is not None
    found = dict(zip(part.dictionaries[0].to_pylist(), part.rows.tolist(), strict=True))
    assert found == Counter(number for numbers in batches for number in numbers)


def test_counters_are_each_threads_and_slots_are_everybodys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatewatch_analysis.counting.columns._PORTION", 200)
    monkeypatch.setattr("gatewatch_analysis.counting.counters._PENDING", 700)
    monkeypatch.setattr("gatewatch_analysis.counting.counters._SLICE", 64)
    frame = rows(20_000, kinds=40).assign(asn=lambda f: f["asn"] // 1_000_000_007 * 97)
    frame.loc[::50, "asn"] = pd.NA
    file = written(tmp_path, frame, rows=500)
    for _ in range(3):
        found = aggregate(file, KEYS, ["blocked"], engine="count")
        assert comparable(found) == by_pandas(frame, KEYS, ["blocked"])
        assert found.equals(aggregate(file, KEYS, ["blocked"], engine="sort"))


def test_too_many_combinations_go_another_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = rows(3000)
    file = written(tmp_path, frame)
    monkeypatch.setattr("gatewatch_analysis.counting.counters._MOST", 100)
    with pytest.raises(TooMany):
        aggregate(file, KEYS, ["blocked"], engine="count")
    assert comparable(aggregate(file, KEYS, ["blocked"])) == by_pandas(frame, KEYS, ["blocked"])


@pytest.mark.parametrize("missing", [True, False])
def test_without_polars_and_duckdb_arrow_reads(
    tmp_path: Path, missing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if missing:
        for room in ("columns", "queried"):
            monkeypatch.setattr(f"gatewatch_analysis.counting.{room}.find_spec", lambda _: None)
    frame = rows(3000)
    for engine in ("auto", "count", "sort"):
        found = aggregate(written(tmp_path, frame), KEYS, ["blocked"], engine=engine)
        assert comparable(found) == by_pandas(frame, KEYS, ["blocked"])


def test_nothing_to_group_by_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        aggregate(rows(1), [])


def test_odd_names_times_and_files_that_lack_a_column(tmp_path: Path) -> None:
    """Names are no queries, a file's name is no pattern, and times keep their zone."""
    odd = '# rows" FROM x; --'
    days = ["2024-05-01T00:00:00Z", "2024-05-01T07:00:00Z", "NaT", "2024-05-01T00:00:00Z"]
    frame = pd.DataFrame({odd: ["a'b", "a'b", None, "a'b"], "# rows": [1, 1, 2, 1]})
    frame["at"] = pd.to_datetime(days)
    frame["it's"] = pd.array([2**60, -(2**60), 3, None], "Int64")
    whole = pd.concat([frame, frame.drop(columns="it's")], ignore_index=True)
    expected = by_pandas(whole, [odd, "# rows", "at"], ["it's"])
    for name in ("plain", "a [b] *.c", "it's"):
        folder = tmp_path / name
        folder.mkdir()
        frame.to_parquet(folder / "0.parquet")
        frame.drop(columns="it's").to_parquet(folder / "1.parquet")
        for engine in ("auto", "sort"):
            found = aggregate(folder, [odd, "# rows", "at"], ["it's"], engine=engine)
            assert comparable(found) == expected
    assert not list(Path().glob(".tmp*"))


def test_what_is_counted_by_a_query_leaves_the_network_alone(tmp_path: Path) -> None:
    engine = _engine(os.getpid())
    for name in ("autoinstall_known_extensions", "autoload_known_extensions"):
        assert engine.execute(f"SELECT current_setting('{name}')").fetchone() == (False,)
