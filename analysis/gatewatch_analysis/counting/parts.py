"""Rows as small numbers: each key column as codes into a dictionary, and groups of equal codes put together.

A part is some rows, or some groups of rows with their counts.  Parts are reduced to one part whose groups are
all different and in the order of their keys; so parts of parts can be reduced again, and a dataset of any
size goes through in waves.  What makes it fast is that all keys of a row become one 64-bit number, with the
flags to be summed in its lowest bits: sorting those is the whole work (numpy sorts them with vector
instructions), and it needs no hash table as large as the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Array = Any  # a numpy array
Column = Any  # an Arrow array

# What one 64-bit number, its sign aside, has room for.
_BITS = 63


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows: ``codes`` index ``dictionaries``, one past the end for a missing key.

    ``rows``: how many rows each stands for; None for one each.  ``sums``: the columns to be summed.
    """

    dictionaries: tuple[Column, ...]
    codes: tuple[Array, ...]
    sums: tuple[Array, ...]
    rows: Array | None = None

    def __len__(self) -> int:
        return len(self.codes[0])


def part(table: Any, by: Sequence[str], sums: Sequence[str], rows: str | None = None) -> Part:
    """Make a part of an Arrow table."""
    encoded = [_encoded(_whole(table[name])) for name in by]
    return Part(
        tuple(dictionary for dictionary, _ in encoded),
        tuple(codes for _, codes in encoded),
        tuple(_summable(_whole(table[name])) for name in sums),
        None if rows is None else _summable(_whole(table[rows])),
    )


def _whole(column: Any) -> Column:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _encoded(column: Column) -> tuple[Column, Array]:
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    codes = coded.indices
    if codes.null_count:
        codes = codes.fill_null(len(coded.dictionary))
    return coded.dictionary, codes.to_numpy(zero_copy_only=False)


def _summable(column: Column) -> Array:
    if column.null_count:
        column = column.fill_null(False if pa.types.is_boolean(column.type) else 0)
    return column.to_numpy(zero_copy_only=False)


def reduce(parts: Sequence[Part], pool: Executor) -> Part:
    """Put equal groups together, in the order of their keys; missing keys come last."""
    first = parts[0]
    unified = [_unify([p.dictionaries[k] for p in parts]) for k in range(len(first.codes))]
    dictionaries = tuple(dictionary for dictionary, _ in unified)
    # One more for a missing key.
    sizes = [len(dictionary) + 1 for dictionary in dictionaries]
    flags = len(first.sums)
    packed = (
        all(p.rows is None and all(s.dtype == bool for s in p.sums) for p in parts)
        and prod(sizes).bit_length() + flags <= _BITS
    )

    def joined(index: int) -> Array:
        p, maps = parts[index], [m[index] for _, m in unified]
        number = maps[0][p.codes[0]]
        for codes, table, size in zip(p.codes[1:], maps[1:], sizes[1:], strict=True):
            number *= size
            number += table[codes]
        if packed:
            number <<= flags
            for bit, flag in enumerate(p.sums):
                number |= flag.astype(np.int64) << bit
        return number

    if prod(sizes).bit_length() <= _BITS:
        one_by_one = len(parts) == 1  # a thread would only have to be woken
        numbers = np.concatenate(list((map if one_by_one else pool.map)(joined, range(len(parts)))))
        number, rows, sums = _packed(numbers, flags) if packed else _sorted(numbers, parts)
        return Part(dictionaries, tuple(apart(number, sizes)), sums, rows)
    # Keys of more combinations than a number has room for: two columns become one first.
    return _in_steps(parts, dictionaries, [m for _, m in unified], pool)


def _unify(dictionaries: Sequence[Column]) -> tuple[Column, list[Array]]:
    """Give one sorted dictionary for all, and for each the new code of each old one."""
    every = pa.chunked_array(dictionaries).unique()
    every = every.drop_null()
    every = every.take(pc.array_sort_indices(every))
    missing = len(every)
    maps = []
    for dictionary in dictionaries:
        found = pc.index_in(dictionary, value_set=every).fill_null(missing)
        maps.append(np.append(found.to_numpy().astype(np.int64), missing))
    return every, maps


def _packed(numbers: Array, flags: int) -> tuple[Array, Array, tuple[Array, ...]]:
    numbers.sort()
    keys = numbers >> flags
    starts = begins(keys)
    rows = np.diff(starts, append=len(keys))
    sums = tuple(
        np.add.reduceat((numbers >> bit) & 1, starts) if len(starts) else rows for bit in range(flags)
    )
    return keys[starts], rows, sums


def _sorted(numbers: Array, parts: Sequence[Part]) -> tuple[Array, Array, tuple[Array, ...]]:
    order = np.argsort(numbers, kind="stable")
    numbers = numbers[order]
    starts = begins(numbers)

    def total(columns: Iterable[Array]) -> Array:
        column = np.concatenate(list(columns))
        wide = column.astype(np.float64 if column.dtype.kind == "f" else np.int64)
        return np.add.reduceat(wide[order], starts) if len(starts) else wide

    rows = total(np.ones(len(p), np.int64) if p.rows is None else p.rows for p in parts)
    sums = tuple(total(p.sums[k] for p in parts) for k in range(len(parts[0].sums)))
    return numbers[starts], rows, sums


def begins(ordered: Array) -> Array:
    """Give where each run of equal numbers begins."""
    new = np.empty(len(ordered), bool)
    new[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    return np.flatnonzero(new)


def apart(numbers: Array, sizes: Sequence[int]) -> list[Array]:
    """Take numbers apart into the codes that they were made of."""
    codes = []
    for size in sizes[:0:-1]:
        rest = numbers // size
        codes.append((numbers - rest * size).astype(np.int32))
        numbers = rest
    codes.append(numbers.astype(np.int32))
    return codes[::-1]


def _in_steps(
    parts: Sequence[Part], dictionaries: tuple[Column, ...], maps: Sequence[Sequence[Array]], pool: Executor
) -> Part:
    columns = [
        np.concatenate([table[p.codes[k]] for p, table in zip(parts, maps[k], strict=True)])
        for k in range(len(dictionaries))
    ]
    size = len(dictionaries[1]) + 1
    pairs, joint = np.unique(columns[0] * size + columns[1], return_inverse=True)
    rows = np.concatenate([np.ones(len(p), np.int64) if p.rows is None else p.rows for p in parts])
    sums = tuple(np.concatenate([p.sums[k] for p in parts]) for k in range(len(parts[0].sums)))
    merged = Part((pa.array(np.arange(len(pairs))), *dictionaries[2:]), (joint, *columns[2:]), sums, rows)
    found = reduce([merged], pool)
    # The pairs seen are numbered in their order, so that the result keeps the order of the keys.
    left, right = np.divmod(pairs[found.codes[0]], size)
    return Part(dictionaries, (left, right, *found.codes[1:]), found.sums, found.rows)


def frame(found: Part, by: Sequence[str], sums: Sequence[str]) -> pd.DataFrame:
    """Make a frame: text as categories, all else in its own nullable type."""
    columns: dict[str, Any] = {}
    for name, dictionary, codes in zip(by, found.dictionaries, found.codes, strict=True):
        columns[name] = _values(dictionary, codes)
    columns["rows"] = _numbers(np.ones(len(found), np.int64) if found.rows is None else found.rows)
    for name, values in zip(sums, found.sums, strict=True):
        columns[name] = _numbers(values)
    return pd.DataFrame(columns, copy=False)


def _values(dictionary: Column, codes: Array) -> Any:
    missing = codes == len(dictionary)
    if pa.types.is_string(dictionary.type) or pa.types.is_large_string(dictionary.type):
        coded = np.where(missing, -1, codes)
        return pd.Categorical.from_codes(coded, pd.Index(dictionary.to_pandas()), validate=False)
    values = dictionary.to_numpy(zero_copy_only=False)
    # Something to take where there is no value at all.
    taken = (values if len(values) else np.zeros(1, values.dtype))[np.where(missing, 0, codes)]
    if taken.dtype.kind != "M":
        return _numbers(taken, missing)
    times = taken.astype("datetime64[us]")
    times[missing] = np.datetime64("NaT")
    return pd.DatetimeIndex(times, tz="UTC") if getattr(dictionary.type, "tz", None) else times


def _numbers(values: Array, missing: Array | None = None) -> Any:
    nothing = np.zeros(len(values), bool) if missing is None else missing
    if values.dtype.kind == "b":
        return pd.arrays.BooleanArray(values, nothing)
    if values.dtype.kind == "f":
        return pd.arrays.FloatingArray(values.astype(np.float64, copy=False), nothing)
    return pd.arrays.IntegerArray(values.astype(np.int64, copy=False), nothing)
