"""One way of counting, in its own process: ``python -m benchmarks.aggregate_one WAY FILE KEY...``.

Its imports come first; then each line ``time`` on stdin counts once, and ``result`` tells what was found.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

_TEXT = ("cc", "domain")


def _ours(file: str, keys: list[str]) -> Callable[[], Any]:
    import duckdb  # noqa: F401 - up front, as everybody's imports
    import polars as pl  # noqa: F401

    from gatewatch_analysis.counting import aggregate

    return lambda: aggregate(file, keys, ["anomaly"])


def _pandas(file: str, keys: list[str], categories: bool) -> Callable[[], Any]:
    import pandas as pd
    import pyarrow.parquet as pq

    text = [key for key in keys if key in _TEXT]

    def count() -> Any:
        if categories:
            frame = pq.read_table(file, columns=[*keys, "anomaly"], read_dictionary=text).to_pandas()
        else:
            frame = pd.read_parquet(file, columns=[*keys, "anomaly"])
        groups = frame.groupby(keys, observed=True, sort=False)["anomaly"]
        return groups.agg(rows="size", anomaly="sum").reset_index()

    return count


def _polars(file: str, keys: list[str], categories: bool) -> Callable[[], Any]:
    import pandas as pd  # noqa: F401 - to_pandas would import it within the time
    import polars as pl

    text = [key for key in keys if key in _TEXT]

    def count() -> Any:
        lazy = pl.scan_parquet(file)
        if categories:
            lazy = lazy.with_columns(pl.col(text).cast(pl.Categorical))
        grouped = lazy.group_by(keys).agg(pl.len().alias("rows"), pl.col("anomaly").sum())
        return grouped.collect(engine="streaming").to_pandas()

    return count


def _duckdb(file: str, keys: list[str], arrow: bool) -> Callable[[], Any]:
    import duckdb
    import pandas as pd  # noqa: F401 - df() would import it within the time
    import pyarrow as pa  # noqa: F401 - so would that

    columns = ", ".join(keys)
    query = f"SELECT {columns}, count(*) AS rows, sum(anomaly::int) AS anomaly FROM '{file}' GROUP BY ALL"

    def count() -> Any:
        found = duckdb.sql(query)
        assert found is not None
        return found.to_arrow_table().to_pandas() if arrow else found.df()

    return count


def _told(frame: Any) -> dict[str, Any]:
    """Give the number of groups, and a hash that does not depend on their order or on types."""
    import pandas as pd

    total = 0
    for start in range(0, len(frame), 500_000):
        part = frame.iloc[start : start + 500_000]
        plain = pd.DataFrame(
            {
                name: part[name].astype("string").astype(object)
                if name in _TEXT
                else pd.to_datetime(part[name]).astype("datetime64[us]")
                if name == "day"
                else part[name].astype("int64")
                for name in part.columns
            }
        )
        total += int(pd.util.hash_pandas_object(plain, index=False, categorize=True).sum())
    return {"groups": len(frame), "hash": total % 2**64}


def main() -> None:
    """Answer on stdout, a JSON object a line."""
    way, file, *keys = sys.argv[1:]
    name, _, kind = way.partition(" ")
    try:
        count = {
            "ours": lambda: _ours(file, keys),
            "pandas": lambda: _pandas(file, keys, kind == "categories"),
            "polars": lambda: _polars(file, keys, kind == "categories"),
            "duckdb": lambda: _duckdb(file, keys, kind == "arrow"),
        }[name]()
    except ModuleNotFoundError as error:
        print(json.dumps({"missing": str(error)}), flush=True)
        return
    print(json.dumps({}), flush=True)
    peak = 0
    for line in sys.stdin:
        gc.collect()
        began = time.perf_counter()
        found = count()
        taken = time.perf_counter() - began
        if line.strip() == "time":
            # Telling takes memory of its own, which is not counted.
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            print(json.dumps({"seconds": taken}), flush=True)
        else:
            print(json.dumps({**_told(found), "bytes": peak}), flush=True)
        del found


if __name__ == "__main__":
    main()
