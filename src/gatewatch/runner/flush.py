"""Measurements onto the disk before anybody is told of them, without holding up those under way.

A flush takes a fifth of a millisecond on a server's disk and ten and more on the memory card of a small
computer, so it is made in a thread, one at a time, and for all who wait: what was appended before a flush
began is on the disk when it ends (as databases commit in groups).
"""

from __future__ import annotations

import trio

from gatewatch.records.failure import local
from gatewatch.store import RunFolder


class Flush:
    """The flushes of one run; ``aside``: in a thread, which needs a clock that does not jump meanwhile."""

    def __init__(self, folder: RunFolder, *, aside: bool) -> None:
        self._folder = folder
        self._aside = aside
        self._one = trio.Lock()
        self._begun = 0
        self._kept = 0

    async def kept(self) -> None:
        """Return when all that was appended is on the disk; raises StoreFull.

        Not to be cancelled: it takes as long as the disk, and what is written is to be told.
        """
        mine = self._begun
        with trio.CancelScope(shield=True):
            async with self._one:
                # A flush that began after this was appended has done it already.
                if self._kept > mine:
                    return
                self._begun += 1
                number = self._begun
                if self._aside:
                    try:
                        await trio.to_thread.run_sync(self._folder.sync)
                    except RuntimeError as error:
                        if local(error) is None:
                            raise
                        # No thread is to be had; the others wait, which is better than to lose it.
                        self._folder.sync()
                else:
                    self._folder.sync()
                self._kept = number
