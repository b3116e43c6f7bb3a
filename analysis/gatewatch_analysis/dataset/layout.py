"""Where what lies: ``observations/probe_cc=KH/date=2024-05-01/PART.parquet``, a folder for each table.

The partitions are hive's, as Arrow, Spark, DuckDB and dask read them.  They repeat columns that are in the
files as well (``country``, and the day of ``start``), so that each file stands for itself.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache

import pyarrow as pa

from gatewatch_analysis.tables import (
    CATEGORY,
    TEXT,
    Contrasts,
    Hops,
    Loci,
    Measurements,
    Observations,
    Problems,
    Table,
)
from gatewatch_analysis.tables.arrow import schema

#: Tables cut by country and day.  The first is the one by which copies are told.
CUT: dict[str, type[Table]] = {
    "measurements": Measurements,
    "observations": Observations,
    "hops": Hops,
    "loci": Loci,
    "contrasts": Contrasts,
}
#: And one that is not: a line that cannot be read is of no country.
PROBLEMS = "problems"
TABLES: dict[str, type[Table]] = {**CUT, PROBLEMS: Problems}

# Not .json, lest it be taken for a measurement.
MANIFEST = "dataset.manifest"
#: What is being made; Arrow, dask and Spark leave names with an underscore aside.
UNFINISHED = "_unfinished"

#: Hive's name for a partition without a value.
NO_DAY = "__HIVE_DEFAULT_PARTITION__"
NO_COUNTRY = "ZZ"
_COUNTRY = re.compile(r"[A-Z]{2}")
# Sixteen digits of a SHA-256 name a source; the file's name tells which one it came from.
_PREFIXES = re.compile(r"prefixes/[0-9a-f]{16}\.csv")
_PART = re.compile(r"[0-9a-f]{16}-\d+(?:-[0-9a-f]{8})?\.parquet")


def country_of(code: str | None) -> str:
    """Give the partition of a country: what is no code of two letters is not known."""
    return code if code is not None and _COUNTRY.fullmatch(code) else NO_COUNTRY


def path(table: str, country: str, day: str | None, file: str) -> str:
    """Give a part's path within the dataset."""
    if table == PROBLEMS:
        return f"{table}/{file}"
    return f"{table}/probe_cc={country}/date={day or NO_DAY}/{file}"


def prefixes(sha256: str) -> str:
    """Give the path of a run's table of prefixes, by its hash."""
    return f"prefixes/{sha256[:16]}.csv"


def is_prefixes(text: str) -> bool:
    """Tell whether a path within a dataset is one of a table of prefixes."""
    return bool(_PREFIXES.fullmatch(text))


def is_part(text: str) -> bool:
    """Tell whether a path within a dataset is where only a build writes."""
    table, *between = text.split("/")
    file = between.pop() if between else ""
    if table not in TABLES or not _PART.fullmatch(file):
        return False
    if table == PROBLEMS:
        return not between
    if len(between) != 2:
        return False
    country, day = between[0].removeprefix("probe_cc="), between[1].removeprefix("date=")
    return bool(_COUNTRY.fullmatch(country)) and (day == NO_DAY or _is_day(day))


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


@cache
def stored(table: str) -> pa.Schema:
    """Give a table's schema as it is stored: text is text, and Parquet keeps a dictionary of it by itself."""
    plain = [
        pa.field(field.name, pa.string() if pa.types.is_dictionary(field.type) else field.type)
        for field in schema(TABLES[table])
    ]
    return pa.schema(plain)


def texts(table: str) -> list[str]:
    """Give the columns that are text, and are read as numbers into a dictionary."""
    return [name for name, c in TABLES[table].columns().items() if c.dtype in (CATEGORY, TEXT)]
