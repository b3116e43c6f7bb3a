"""Python values into arrays, without :func:`pyarrow.array`: that imports pandas, 40 MB in each process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

#: Stands for no time.
NEVER = int(np.iinfo(np.int64).min)
_EPOCH = date(1970, 1, 1).toordinal()


def texts(values: Sequence[str | None]) -> pa.Array:
    """Give texts as Arrow's, with 64-bit offsets, as pandas has them."""
    missing = None in values
    plain = [value or "" for value in values] if missing else values
    whole = "".join(plain)  # type: ignore[arg-type] # none is None here
    data = whole.encode()
    if len(data) == len(whole):
        lengths = np.fromiter(map(len, plain), np.int64, len(plain))  # type: ignore[arg-type]
    else:
        lengths = np.fromiter((len(text.encode()) for text in plain), np.int64, len(plain))  # type: ignore[union-attr]
    offsets = np.zeros(len(plain) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    bits = None
    if missing:
        there = np.fromiter((value is not None for value in values), bool, len(values))
        bits = pa.py_buffer(np.packbits(there, bitorder="little"))
    return pa.LargeStringArray.from_buffers(len(plain), pa.py_buffer(offsets), pa.py_buffer(data), bits)


def times(values: Sequence[datetime | None]) -> NDArray[np.int64]:
    """Give times, UTC without saying so, as microseconds since 1970; :data:`NEVER` for none."""
    return np.fromiter((NEVER if at is None else _micros(at) for at in values), np.int64, len(values))


def _micros(at: datetime) -> int:
    seconds = (at.toordinal() - _EPOCH) * 86_400 + at.hour * 3600 + at.minute * 60 + at.second
    return seconds * 1_000_000 + at.microsecond
