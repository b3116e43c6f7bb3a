"""The items of a run that wait, and how many are under way: whose turn it is, and never two at one host."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import trio

from gatewatch.runner.plan import Item


class Queue:
    """Items in their order; what is put back comes last.  At most ``limit`` are under way at once."""

    def __init__(self, limit: int) -> None:
        self._limit = self._most = limit
        self._waiting: deque[Item] = deque()
        self._hosts: set[str] = set()
        self._under_way = 0
        self._changed = trio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_over(self) -> bool:
        """Whether nothing waits, and nothing is under way that might be put back."""
        return not self._waiting and not self._under_way

    def put(self, items: Iterable[Item]) -> None:
        """Let items wait, behind the others."""
        self._waiting.extend(items)

    def take(self) -> Item | None:
        """Give the first item whose host is free, and keep the host for it; None where none may begin now."""
        if self._under_way < self._most:
            for position, item in enumerate(self._waiting):
                if item.target.host not in self._hosts:
                    del self._waiting[position]
                    self._hosts.add(item.target.host)
                    return item
        return None

    def begun(self) -> None:
        """Note that an item that was taken is under way."""
        self._under_way += 1

    def ended(self, item: Item) -> None:
        """Note that it is no more; its host is free."""
        self._hosts.discard(item.target.host)
        self._under_way -= 1
        self._changed.set()

    async def changed(self) -> None:
        """Wait until something that was under way has ended."""
        self._changed = trio.Event()
        await self._changed.wait()

    def have_fewer(self) -> None:
        """Have half as many under way at once as now."""
        self._most = max(1, self._under_way // 2)

    def have_one_more(self) -> None:
        """Have one more under way at once, up to the limit."""
        self._most = min(self._limit, self._most + 1)
