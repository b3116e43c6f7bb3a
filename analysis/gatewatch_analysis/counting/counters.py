"""Few keys that may meet: one counter for each combination, in a table that stays near to the processor.

Each key's values have slots in the order in which they come; slots become one number a row, with the flags
to be summed in its lowest bits, and :func:`numpy.bincount` does the rest.  A row costs a look-up and an
addition for each key, and nothing is sorted or hashed.  When there are more combinations than counters, that
is said (:class:`TooMany`), and another way has to be found.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gatewatch_analysis.counting.parts import Array, Column, Part, apart, begins

# Counters of a table, at eight bytes each.
_MOST = 2**20
# Whole numbers within such a range have their slots in an array: days, statuses, most AS numbers.
_RANGE = 2**20
# New values are given slots one by one: that is for few.
_NEW = 20_000
# Whole numbers of such a range all have a slot: the days of a year, statuses, hours.
_NEAR = 512
# Rows whose numbers are held before they are counted, and rows at a time, so that they stay in the cache.
_PENDING, _SLICE = 2**19, 2**15


def countable(kind: pa.DataType) -> bool:
    """Tell whether values of a type can have slots: they equal themselves, and seldom differ all."""
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    text = pa.types.is_string(plain) or pa.types.is_large_string(plain)
    return bool(text or pa.types.is_integer(plain) or pa.types.is_date32(plain) or pa.types.is_boolean(plain))


class TooMany(Exception):
    """There are more combinations of keys than counters."""


class Slots:
    """A key's values, a missing one too, each with a slot from 0; for all threads."""

    def __init__(self) -> None:
        self.words: list[Any] = []
        #: Whole numbers' slots from the first number on, -1 for none yet; replaced, and never written to.
        self.table: tuple[int, Array] = 0, np.zeros(0, np.int32)
        self._slots: dict[Any, int] = {}
        self._lock = Lock()

    def of(self, words: Sequence[Any]) -> list[int]:
        """Give the slots of values."""
        known = self._slots
        if not all(word in known for word in words):
            with self._lock:
                self._new(words)
        return [known[word] for word in words]

    def _new(self, words: Sequence[Any]) -> None:
        for word in words:
            if word not in self._slots:
                self.words.append(word)
                self._slots[word] = len(self.words) - 1

    def reach(self, low: int, high: int, kind: pa.DataType) -> bool:
        """Have a table for numbers from ``low`` to ``high``; False where they are too far apart."""
        with self._lock:
            had, table = self.table
            known = len(table)
            first, last = (min(low, had), max(high, had + known - 1)) if known else (low, high)
            if last - first >= _RANGE:
                return False
            if last - first + 1 > known:
                grown = np.full(last - first + 1, -1, np.int32)
                grown[had - first : had - first + known] = table
                # Near ones have a slot each, whether they come or not: that is less than to look who came.
                if len(grown) <= _NEAR:
                    self._place(grown, first, np.flatnonzero(grown < 0), kind)
                self.table = first, grown
        return True

    def admit(self, numbers: Array, kind: pa.DataType) -> None:
        """Give slots to whole numbers of which some have none."""
        with self._lock:
            first, table = self.table
            new = np.zeros(len(table), bool)
            new[numbers - first] = True
            # A copy: who looks into the old one has counters for its slots only.
            table = table.copy()
            self._place(table, first, np.flatnonzero(new), kind)
            self.table = first, table

    def _place(self, table: Array, first: int, places: Array, kind: pa.DataType) -> None:
        if len(places) > _NEW:
            raise TooMany
        values = pa.array(places + first)
        if pa.types.is_date32(kind):
            values = values.cast(pa.int32())
        words = values.cast(kind).to_pylist()
        self._new(words)
        table[places] = [self._slots[word] for word in words]

    def ordered(self, kind: pa.DataType) -> tuple[Column, Array]:
        """Give the values in order, and for each slot its place among them, one past the end if missing."""
        words = pa.array(self.words, kind)
        order = pc.array_sort_indices(words).to_numpy()  # a missing one comes last
        places = np.empty(len(order), np.int64)
        places[order] = np.arange(len(order))
        return words.drop_null().take(pc.array_sort_indices(words.drop_null())), places


class Counters:
    """Counts rows, and rows with each flag, by keys; one for each thread."""

    def __init__(self, keys: Sequence[Slots], flags: int) -> None:
        self._keys = [_Key(slots) for slots in keys]
        self._flags = flags
        #: How many slots of each key there are counters for.
        self.room = [0] * len(keys)
        self._counts: Array = np.zeros(0, np.int64)
        # Numbers of rows that are not counted yet, and room for one key's.
        self._rows: Array = np.empty(_PENDING, np.int64)
        self._more: Array = np.empty(_SLICE, np.int64)
        self._pending = 0

    def add(self, columns: Sequence[Column], flags: Sequence[Column]) -> None:
        """Count rows; ``columns`` are Arrow arrays of keys, ``flags`` of truth values."""
        size = len(columns[0])
        if size > _PENDING:
            for at in range(0, size, _PENDING):
                self.add([c.slice(at, _PENDING) for c in columns], [f.slice(at, _PENDING) for f in flags])
            return
        for key, column in zip(self._keys, columns, strict=True):
            key.learn(column)
        self.make_room([len(key.slots.words) for key in self._keys])
        if self._pending + size > _PENDING:
            self._count()
        bits = [_bits(flag) for flag in flags]
        for at in range(0, size, _SLICE):
            length = min(_SLICE, size - at)
            # Making room counts what is pending, so where the rows go may move each time.
            while not self._numbered(rows := self._rows[self._pending : self._pending + length], at):
                self.make_room([len(key.slots.words) for key in self._keys])
            for bit, flag in enumerate(bits):
                rows += flag[at : at + _SLICE] << np.uint8(bit)
            self._pending += len(rows)

    def _numbered(self, rows: Array, at: int) -> bool:
        """Number rows from ``at`` on; False where values came that had no slot yet."""
        step = 1 << self._flags
        out = rows
        for key, room in zip(reversed(self._keys), reversed(self.room), strict=True):
            if not key.steps(at, step, out):
                return False
            if out is not rows:
                rows += out
            out = self._more[: len(rows)]
            step *= room
        return True

    def _count(self) -> None:
        if self._pending:
            self._counts += np.bincount(self._rows[: self._pending], minlength=len(self._counts))
            self._pending = 0

    def make_room(self, need: Sequence[int], *, exactly: bool = False) -> None:
        """Have counters for so many slots of each key."""
        if all(n <= room for n, room in zip(need, self.room, strict=True)):
            return
        self._count()
        # Some more than that, so that the table is not made anew for each new value.
        room = [had if n <= had else n + n // 2 * (had > 0) for n, had in zip(need, self.room, strict=True)]
        if exactly or prod(room) << self._flags > _MOST:
            room = [max(n, had) for n, had in zip(need, self.room, strict=True)]
        if prod(room) << self._flags > _MOST:
            raise TooMany
        grown = np.zeros((*room, 2**self._flags), np.int64)
        kept = tuple(slice(0, had) for had in self.room)
        grown[kept] = self._counts.reshape(*self.room, 2**self._flags)
        self.room, self._counts = room, grown.reshape(-1)

    def absorb(self, other: Counters) -> None:
        """Add what another one counted by the same slots."""
        most = [max(pair) for pair in zip(self.room, other.room, strict=True)]
        for each in (self, other):
            each.make_room(most, exactly=True)
            each._count()
        self._counts += other._counts

    def part(self, kinds: Sequence[pa.DataType]) -> Part:
        """Give the groups that were found in the order of their keys; ``kinds`` are the keys' types."""
        self._count()
        cells = np.flatnonzero(self._counts)
        ordered = [key.slots.ordered(kind) for key, kind in zip(self._keys, kinds, strict=True)]
        # One more for a missing key.
        sizes = [len(dictionary) + 1 for dictionary, _ in ordered]
        numbers = np.zeros(len(cells), np.int64)
        slots = apart(cells >> self._flags, self.room)
        for (_, places), found, size in zip(ordered, slots, sizes, strict=True):
            numbers *= size
            numbers += places[found]
        order = np.argsort(numbers)
        numbers, counts, flags = numbers[order], self._counts[cells][order], cells[order]
        starts = begins(numbers)

        def total(values: Array) -> Array:
            return np.add.reduceat(values, starts) if len(starts) else values

        sums = tuple(total(counts * (flags >> bit & 1)) for bit in range(self._flags))
        dictionaries = tuple(dictionary for dictionary, _ in ordered)
        return Part(dictionaries, tuple(apart(numbers[starts], sizes)), sums, total(counts))


class _Key:
    """A key in one thread: the column that is counted, as codes, and the slot of each code."""

    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        self._kind: pa.DataType = None
        self._codes: Array = None
        # Slots of the codes; None for whole numbers, of which everybody's table tells.
        self._map: Array = None
        self._first, self._table = slots.table
        self._straight = False

    def learn(self, column: Column) -> None:
        """Take a column; :meth:`steps` is asked of this one next."""
        self._kind = column.type
        if _is_whole(column.type) and not column.null_count and self._reach(column):
            return
        coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        if len(coded.dictionary) > _NEW:
            raise TooMany
        codes = coded.indices
        words = coded.dictionary.to_pylist()
        if codes.null_count:
            codes = codes.fill_null(len(words))
            words.append(None)
        self._codes = codes.to_numpy(zero_copy_only=False)
        self._map = np.array(self.slots.of(words) or [0], np.int64)

    def _reach(self, column: Column) -> bool:
        """Use the table of slots for a column of whole numbers, if they are near enough to one another."""
        plain = column.view(pa.int32()) if pa.types.is_date32(column.type) else column
        numbers = plain.to_numpy(zero_copy_only=False)
        if len(numbers) and not self.slots.reach(int(numbers.min()), int(numbers.max()), self._kind):
            return False
        self._first, self._table = self.slots.table
        table = self._table
        # All have one, and it is the distance from the first: no table is needed.
        self._straight = len(table) <= _NEAR and bool((table == np.arange(len(table))).all())
        self._codes, self._map = numbers, None
        return True

    def steps(self, at: int, step: int, out: Array) -> bool:
        """Give the slots of rows from ``at`` on, ``step`` counters apart; False where some had none yet."""
        codes = self._codes[at : at + len(out)]
        if self._map is not None:
            # All codes are within the map; any other mode than the usual one writes straight into ``out``.
            np.take(self._map * step, codes, out=out, mode="clip")
            return True
        np.subtract(codes, self._first, out=out, dtype=np.int64)
        if not self._straight:
            slots = np.take(self._table, out, mode="clip")
            if slots.min() < 0:
                self.slots.admit(codes[slots < 0], self._kind)
                self._first, self._table = self.slots.table
                return False
            np.multiply(slots, step, out=out, dtype=np.int64)
        else:
            out *= step
        return True


def _is_whole(kind: pa.DataType) -> bool:
    return bool(pa.types.is_signed_integer(kind) or pa.types.is_date32(kind))


def _bits(flags: Column) -> Array:
    """Give truth values as bytes of 0 and 1."""
    if flags.null_count:
        flags = pc.fill_null(flags, False)
    start = flags.offset
    packed = np.frombuffer(flags.buffers()[1], np.uint8)
    return np.unpackbits(packed, count=start + len(flags), bitorder="little")[start:]
