"""Rows into one Arrow table: each column once over all kinds; what measurements share is looked up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from gatewatch_analysis.loading.observations import kinds
from gatewatch_analysis.loading.observations.carriers import Rows
from gatewatch_analysis.tables.arrow import column, numbered, plain_column, plain_type, schema
from gatewatch_analysis.tables.observations import KINDS, Observations


@dataclass(slots=True)
class Envelopes:
    """What all rows of a measurement share, measurements side by side."""

    country: list[str] = field(default_factory=list)
    isp: list[str] = field(default_factory=list)
    asn: list[int] = field(default_factory=list)
    measurement: list[int] = field(default_factory=list)
    test_name: list[str] = field(default_factory=list)
    input: list[str | None] = field(default_factory=list)
    start: list[Any] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.measurement)


_DTYPES = {name: c.dtype for name, c in Observations.columns().items()}
_SCHEMA = schema(Observations)
_SHARED = ("country", "isp", "asn", "measurement", "test_name", "input", "start")
_MADE: tuple[tuple[Callable[[Rows], kinds.Columns], str], ...] = (
    (kinds.answers, "answer_carriers"),
    (kinds.connects, "connect_carriers"),
    (kinds.handshakes, "handshake_carriers"),
    (kinds.transactions, "transaction_carriers"),
    (kinds.hops, "reply_carriers"),
)


def table(envelopes: Envelopes, rows: Rows, run: str, lab: bool) -> pa.Table:
    """Give the rows, measurement by measurement in the order read, and by kind within each."""
    by_kind = [make(rows) for make, _ in _MADE]
    sizes = [len(getattr(rows, carriers)) for _, carriers in _MADE]
    carriers = np.concatenate([np.asarray(getattr(rows, name), np.int64) for _, name in _MADE])
    owners = np.asarray(rows.owners, np.int64)[carriers] if len(carriers) else carriers
    order = np.argsort(owners, kind="stable")
    at, of = pa.array(order), pa.array(owners[order])
    by_carrier = pa.array(carriers[order])

    made: dict[str, pa.Array] = {
        name: column(_DTYPES[name], getattr(envelopes, name)).take(of) for name in _SHARED
    }
    total = len(order)
    made["run"] = _same(run, total)
    made["lab"] = pa.repeat(pa.scalar(lab), total)
    codes = np.repeat(np.arange(len(KINDS), dtype=np.int32), sizes)[order]
    made["kind"] = pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(KINDS))
    made["control"] = column(_DTYPES["control"], rows.controls).take(by_carrier)
    made["part"] = column(_DTYPES["part"], rows.parts).take(by_carrier)
    for name, dtype in _DTYPES.items():
        if name not in made:
            made[name] = _over_kinds(name, dtype, by_kind, sizes).take(at)
    return pa.table([made[name] for name in _DTYPES], schema=_SCHEMA)


def _same(text: str, count: int) -> pa.Array:
    """A column of one value."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array([text]))


def _over_kinds(name: str, dtype: str, by_kind: list[kinds.Columns], sizes: list[int]) -> pa.Array:
    """Join a column over the kinds; those that lack it have no values, and cost none."""
    parts: list[pa.Array] = []
    values: list[Any] = []
    empty = 0
    for columns, size in zip(by_kind, sizes, strict=True):
        if size and name in columns:
            if empty and not values:
                parts.append(pa.nulls(empty, plain_type(dtype)))
            elif empty:
                values += [None] * empty
            empty = 0
            values += columns[name]
        else:
            empty += size
    if values:
        parts.append(plain_column(dtype, values))
    if empty or not parts:
        parts.append(pa.nulls(empty, plain_type(dtype)))
    return numbered(dtype, parts[0] if len(parts) == 1 else pa.concat_arrays(parts))
