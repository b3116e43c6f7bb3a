"""Thousands of texts sought in one page at the cost of reading it once.

A page is cut into blocks of six characters.  Any text of eleven or more that stands in the page covers one of
these blocks whole, wherever it stands, so that it has one of six known beginnings in the set of blocks; only
texts with such a block are looked for.  Nothing here depends on what texts and pages hold: no pattern is
run, every search is :meth:`str.find`, and the work grows with the length of the page and not with its tricks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from gatewatch_targets.model import ordered

_BLOCK = 6
# Up to so many texts are sought one by one: cutting a page into blocks costs as much as some 130 searches.
_FEW = 100
# A text of this length covers a whole block at any of the six places where it can begin in one.
_COVERS = 2 * _BLOCK - 1


class Needles:
    """Texts, each given as segments that must follow one another, numbered in the order given."""

    def __init__(self, texts: Iterable[Sequence[str]]) -> None:
        self._texts = [tuple(segments) for segments in texts]
        # A text that begins as many do ("<title>") would be looked for in every page: take its rarest part.
        common: Counter[str] = Counter()
        longest = [max(segments, key=len, default="") for segments in self._texts]
        self._longest = longest
        for text in longest:
            common.update({text[i : i + _BLOCK] for i in range(len(text) - _BLOCK + 1)})
        self._always: list[int] = []
        self._by_block: dict[str, list[int]] = {}
        for number, text in enumerate(longest):
            if len(text) < _COVERS:
                self._always.append(number)
                continue
            blocks = [text[i : i + _BLOCK] for i in range(len(text) - _BLOCK + 1)]
            windows = range(len(blocks) - _BLOCK + 1)
            start = min(windows, key=lambda w: sum(common[b] for b in blocks[w : w + _BLOCK]))
            for block in set(blocks[start : start + _BLOCK]):
                self._by_block.setdefault(block, []).append(number)

    def found(self, page: str) -> Iterator[int]:
        """Give the numbers of the texts that stand in the page, in order."""
        if len(self._texts) <= _FEW:
            for number, text in enumerate(self._longest):
                if text in page and ordered(self._texts[number], page):
                    yield number
            return
        blocks = {page[i : i + _BLOCK] for i in range(0, len(page) - _BLOCK + 1, _BLOCK)}
        maybe = set(self._always)
        for block in blocks & self._by_block.keys():
            maybe.update(self._by_block[block])
        for number in sorted(maybe):
            if ordered(self._texts[number], page):
                yield number
