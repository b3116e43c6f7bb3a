"""Tables as Arrow has them: the form in which columns are gathered, stored in Parquet, and read back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from gatewatch_analysis.tables.base import CATEGORY, FLAG, REAL, TEXT, TIME, WHOLE, Table

if TYPE_CHECKING:
    import pandas as pd

# A URL that servers take has 8,000 characters at most (RFC 9110 4.1); a longer text is no name of anything.
LONGEST_TEXT = 8_000

_TYPES = {
    TEXT: pa.string(),
    CATEGORY: pa.dictionary(pa.int32(), pa.string()),
    WHOLE: pa.int64(),
    REAL: pa.float64(),
    FLAG: pa.bool_(),
    TIME: pa.timestamp("us", tz="UTC"),
}


def schema(table: type[Table]) -> pa.Schema:
    """Give a table's columns as Arrow's types."""
    return pa.schema([(name, _TYPES[column.dtype]) for name, column in table.columns().items()])


def column(dtype: str, values: Sequence[Any]) -> pa.Array:
    """Make a column of Python values."""
    return numbered(dtype, plain_column(dtype, values))


def plain_type(dtype: str) -> pa.DataType:
    """Give the type before texts are numbered."""
    return pa.string() if dtype == CATEGORY else _TYPES[dtype]


def plain_column(dtype: str, values: Sequence[Any]) -> pa.Array:
    """Make a column of Python values in which no number is none."""
    array = pa.array(values, plain_type(dtype))
    if dtype == REAL and not pc.all(pc.is_finite(array), min_count=0).as_py():
        array = pc.if_else(pc.is_finite(array), array, None)
    return array


def numbered(dtype: str, array: pa.Array) -> pa.Array:
    """Number the texts of a category; all text is cut at LONGEST_TEXT."""
    if dtype not in (TEXT, CATEGORY):
        return array
    distinct = array.dictionary_encode()
    words = distinct.dictionary
    if len(words) and pc.max(pc.binary_length(words)).as_py() > LONGEST_TEXT:
        array = pc.utf8_slice_codeunits(array, 0, LONGEST_TEXT)
        distinct = array.dictionary_encode()
    return distinct if dtype == CATEGORY else array


def fitted(data: pa.Table, want: pa.Schema) -> pa.Table:
    """Bring what an older or newer build wrote into the columns wanted: missing ones are empty."""
    if data.schema.equals(want):
        return data
    columns = [
        data[field.name].cast(field.type)
        if field.name in data.column_names
        else pa.nulls(len(data), field.type)
        for field in want
    ]
    return pa.table(columns, schema=want)


def to_pandas(data: pa.Table, table: type[Table]) -> pd.DataFrame:
    """Give columns of a table as pandas, with the documented types."""
    import pandas as pd

    columns = table.columns()
    plain = data.unify_dictionaries()
    return pd.DataFrame({name: series(plain[name], columns[name].dtype) for name in data.column_names})


def series(values: pa.ChunkedArray, dtype: str) -> pd.Series[Any]:
    """Give a column as pandas, with its documented type."""
    import pandas as pd

    if dtype == CATEGORY:
        # With one dictionary for all chunks, which is what unify_dictionaries has made.
        codes = [chunk.indices.fill_null(-1) for chunk in values.chunks]
        words = values.chunk(0).dictionary.to_pylist() if codes else []
        numbers = pa.chunked_array(codes, pa.int32()).to_numpy()
        return pd.Series(pd.Categorical.from_codes(numbers, categories=pd.Index(words, dtype=object)))
    if dtype == TIME:
        return pd.Series(values.to_pandas(), dtype=dtype)
    # The nullable types take Arrow's arrays as they are, 64-bit numbers too.
    kinds: dict[str, Any] = {
        TEXT: pd.StringDtype(),
        WHOLE: pd.Int64Dtype(),
        REAL: pd.Float64Dtype(),
        FLAG: pd.BooleanDtype(),
    }
    return pd.Series(kinds[dtype].__from_arrow__(values))
