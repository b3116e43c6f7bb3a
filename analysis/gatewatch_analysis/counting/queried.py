"""Few groups, counted by DuckDB, where the files lie on this machine: it uses all cores and hashes fast."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any

import pyarrow as pa
from pyarrow.fs import LocalFileSystem

from gatewatch_analysis.counting.parts import Part, part

# In a name of a file DuckDB takes these for patterns.
_PATTERN = frozenset("*?[")
# What the rows are counted under: no column's name.
_ROWS = "\x1frows"


def can_query(dataset: Any) -> bool:
    """Tell whether DuckDB is there and can read an Arrow dataset's files."""
    return (
        find_spec("duckdb") is not None
        and isinstance(dataset.filesystem, LocalFileSystem)
        and bool(dataset.files)
        and not any(_PATTERN.intersection(file) for file in dataset.files)
    )


def queried(dataset: Any, by: Sequence[str], sums: Sequence[str]) -> Part:
    """Count rows and add up ``sums`` by group; gives groups in no order, which differ all."""
    kinds = dataset.schema
    keys = [f"{_as_read(kinds.field(name).type, name)} AS {_quoted(name)}" for name in by]
    totals = [f"{_total(kinds.field(name).type, name)} AS {_quoted(name)}" for name in sums]
    # Arrow's schema is the first file's, too; what another file lacks is missing in its rows.
    several = str(len(dataset.files) > 1).lower()
    hive = str(any("=" in file for file in dataset.files)).lower()
    query = (
        f"SELECT {', '.join([*keys, 'count(*) AS ' + _quoted(_ROWS), *totals])} FROM read_parquet("
        f"$files, union_by_name = {several}, hive_partitioning = {hive}, hive_types_autocast = false) "
        f"GROUP BY {', '.join(str(place + 1) for place in range(len(by)))}"
    )
    with _engine(os.getpid()).cursor() as asked:
        found = asked.sql(query, params={"files": list(dataset.files)}).to_arrow_table()
    return part(found, by, sums, _ROWS)


@cache
def _engine(_: int) -> Any:
    """Give this process's engine: starting one takes longer than a million rows."""
    import duckdb

    # It loads nothing from a network, and leaves no file in the folder where it happens to be called.
    quiet: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "temp_directory": "",
    }
    return duckdb.connect(config=quiet)


def _as_read(kind: pa.DataType, name: str) -> str:
    """Give a key as Arrow reads it: what a folder names is a text for DuckDB, and may be a number."""
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    return f"CAST({_quoted(name)} AS BIGINT)" if pa.types.is_integer(plain) else _quoted(name)


def _total(kind: pa.DataType, name: str) -> str:
    if pa.types.is_boolean(kind):
        return f"count(*) FILTER (WHERE {_quoted(name)})"
    number = "DOUBLE" if pa.types.is_floating(kind) else "BIGINT"
    return f"CAST(coalesce(sum(CAST({_quoted(name)} AS {number})), 0) AS {number})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
