"""From ranges inside one another to ranges side by side: longest-prefix semantics, settled at build time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

#: The row of addresses that nobody has; and the length of a range that is no single prefix.
NOBODY, NO_PREFIX = 0, 255


class Range(NamedTuple):
    """Addresses from ``start`` to before ``end``, the table's row about them, and the prefix's length.

    ``length`` is :data:`NO_PREFIX` where the source gave a range and no prefix.
    """

    start: int
    end: int
    row: int
    length: int = NO_PREFIX


def flatten(ranges: Iterable[Range], counts: list[int]) -> tuple[list[int], list[int], list[int]]:
    """Give starts, ascending, and what holds from each start to the next: row and prefix length.

    The innermost range holds.  Of two equal ones the first stands; of two that overlap without one lying in
    the other (which prefixes never do) the one that begins later holds where both are.  ``counts`` is told
    how many ranges each row has.
    """
    starts: list[int] = []
    rows: list[int] = []
    lengths: list[int] = []

    def begin(at: int, row: int, length: int) -> None:
        if starts and starts[-1] == at:
            rows[-1], lengths[-1] = row, length
        else:
            starts.append(at)
            rows.append(row)
            lengths.append(length)

    def close_until(at: int | None) -> None:
        while open_ and (at is None or open_[-1].end <= at):
            end = open_.pop().end
            while open_ and open_[-1].end <= end:
                open_.pop()
            if open_:
                begin(end, open_[-1].row, open_[-1].length)
            else:
                begin(end, NOBODY, NO_PREFIX)

    # Outer ranges come before those inside them; the stack holds those that are open, innermost last.
    open_: list[Range] = []
    last = (-1, -1)
    for item in sorted(ranges, key=lambda r: (r.start, -r.end)):
        if (item.start, item.end) == last:
            continue
        last = (item.start, item.end)
        counts[item.row] += 1
        close_until(item.start)
        begin(item.start, item.row, item.length)
        open_.append(item)
    close_until(None)
    return starts, rows, lengths
