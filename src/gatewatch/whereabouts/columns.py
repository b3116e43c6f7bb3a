"""Whole columns of addresses at once, with numpy (extra ``analysis``).

A look-up first goes to a coarse index by an address's upper 20 bits, which nearly always leaves one range,
and bisects all that are left together.  From text the parsing is what takes the time, so that the C library
does it for all addresses in one go, and one by one only where that fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from socket import AF_INET, AF_INET6, inet_pton
from typing import TYPE_CHECKING, Any

import numpy as np

from gatewatch.whereabouts.flatten import NOBODY
from gatewatch.whereabouts.table import PrefixTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.uint32]

# Upper bits of an IPv4 address in the coarse index: 4 MB, and at most 4,096 starts below each entry.
_COARSE = 20
_SHIFT = 32 - _COARSE
# Addresses at a time: their intermediate arrays fit into a core's second-level cache.
_CHUNK = 32_768


class Columns:
    """A table's look-ups for arrays; what they give are row numbers, to index the table's columns by.

    ``asns`` (0: not known), ``countries``, ``names`` and ``exchanges`` (empty: not known) have one entry a
    row; row 0 is nobody.
    """

    def __init__(self, table: PrefixTable) -> None:
        sections = table.packed.sections
        self._table = table
        self._starts4 = np.frombuffer(sections["starts4"], np.uint32)
        self._rows4 = np.frombuffer(sections["rows4"], np.uint32)
        self._high6 = np.frombuffer(sections["high6"], np.uint64)
        self._low6 = np.frombuffer(sections["low6"], np.uint64)
        self._rows6 = np.frombuffer(sections["rows6"], np.uint32)
        self.asns: NDArray[np.uint32] = np.frombuffer(sections["asns"], np.uint32)
        self._index = np.full((1 << _COARSE) + 1, len(self._starts4), np.int32)
        for at in range(0, 1 << _COARSE, _CHUNK):
            # In pieces, lest building take more memory than the table.
            edges = np.arange(at, at + _CHUNK, dtype=np.uint32) << np.uint32(_SHIFT)
            self._index[at : at + _CHUNK] = np.searchsorted(self._starts4, edges, side="left")

    @property
    def countries(self) -> NDArray[Any]:
        """Country codes by row, as fixed-width text."""
        pairs = np.frombuffer(self._table.packed.sections["countries"], "S2")
        return pairs.astype("U2")

    @property
    def names(self) -> list[str]:
        """Names of networks by row."""
        return [self._table.packed.text(row)[0] for row in range(len(self.asns))]

    @property
    def exchanges(self) -> list[str]:
        """Names of exchange points by row."""
        return [self._table.packed.text(row)[1] for row in range(len(self.asns))]

    def integers(self, addresses: NDArray[Any]) -> Rows:
        """Look up IPv4 addresses given as numbers (any unsigned type, host order)."""
        numbers = np.asarray(addresses)
        numbers = numbers if numbers.dtype == np.uint32 else numbers.astype(np.uint32)
        found = np.zeros(len(numbers), np.uint32)
        if not len(self._starts4):
            return found
        for at in range(0, len(numbers), _CHUNK):
            found[at : at + _CHUNK] = self._chunk(numbers[at : at + _CHUNK])
        return found

    def _chunk(self, numbers: NDArray[np.uint32]) -> Rows:
        coarse = numbers >> np.uint32(_SHIFT)
        low, high = self._index[coarse], self._index[coarse + np.uint32(1)]
        left = np.flatnonzero(high > low)
        while left.size:
            middle = (low[left] + high[left]) >> 1
            begun = self._starts4[middle] <= numbers[left]
            low[left] = np.where(begun, middle + 1, low[left])
            high[left] = np.where(begun, high[left], middle)
            left = left[low[left] < high[left]]
        rows: Rows = self._rows4[low - 1]
        rows[low == 0] = NOBODY
        return rows

    def integers6(self, high: NDArray[np.uint64], low: NDArray[np.uint64]) -> Rows:
        """Look up IPv6 addresses given as their upper and lower 64 bits."""
        if not len(self._high6):
            return np.zeros(len(high), np.uint32)
        # Sorted questions run through the table once instead of jumping about in it.
        order = np.argsort(high)
        asked, asked_low = high[order], low[order]
        end = np.searchsorted(self._high6, asked, side="right")
        begin = np.searchsorted(self._high6, asked, side="left")
        left = np.flatnonzero(begin < end)
        while left.size:
            middle = (begin[left] + end[left]) >> 1
            begun = self._low6[middle] <= asked_low[left]
            begin[left] = np.where(begun, middle + 1, begin[left])
            end[left] = np.where(begun, end[left], middle)
            left = left[begin[left] < end[left]]
        rows: Rows = self._rows6[begin - 1]
        rows[begin == 0] = NOBODY
        found = np.empty(len(high), np.uint32)
        found[order] = rows
        return found

    def texts(self, addresses: Sequence[str | None]) -> Rows:
        """Look up addresses as text, of both families mixed; prefixes too; what is neither is nobody's."""
        try:
            return self.integers(_four(addresses))
        except (OSError, TypeError, ValueError):
            pass
        found = np.zeros(len(addresses), np.uint32)
        six = [i for i, a in enumerate(addresses) if isinstance(a, str) and ":" in a]
        taken = set(six)
        four = [i for i, a in enumerate(addresses) if isinstance(a, str) and i not in taken]
        for places, whole in ((four, self._all_four), (six, self._all_six)):
            chosen = [addresses[i] for i in places]
            if not chosen:
                continue
            try:
                found[places] = whole(chosen)
            except (OSError, ValueError):
                found[places] = [self._one(a) for a in chosen]
        return found

    def _all_four(self, addresses: Sequence[Any]) -> Rows:
        return self.integers(_four(addresses))

    def _all_six(self, addresses: Sequence[Any]) -> Rows:
        halves = np.frombuffer(b"".join(map(inet_pton, repeat(AF_INET6), addresses)), ">u8")
        return self.integers6(halves[0::2].astype(np.uint64), halves[1::2].astype(np.uint64))

    def _one(self, address: Any) -> int:
        try:
            return self._table.row(address)
        except ValueError:
            return NOBODY


def _four(addresses: Sequence[Any]) -> NDArray[np.uint32]:
    packed = b"".join(map(inet_pton, repeat(AF_INET), addresses))
    return np.frombuffer(packed, ">u4").astype(np.uint32)
