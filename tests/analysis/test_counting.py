"""Counting by group: every engine against pandas, over files, folders and frames, with missing values."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch_analysis.counting import aggregate
from gatewatch_analysis.counting.grouped import _dataset, _estimate

ENGINES: list[Literal["auto", "sort", "polars"]] = ["auto", "sort", "polars"]
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


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("sums", [[], ["blocked"], ["blocked", "spent"]])
def test_a_file_is_counted_as_pandas_counts(tmp_path: Path, engine: Any, sums: list[str]) -> None:
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


def test_nothing_to_group_by_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        aggregate(rows(1), [])
