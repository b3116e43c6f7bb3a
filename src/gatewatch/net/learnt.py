"""What a run has learnt on its way: asked once and remembered, and which answers many names share.

One forged address stands for many names.  Three unrelated names with one answer that nobody else gives are a
candidate, more than ten are suspicious (iMAP's rule, Sinar Project's notebooks of 2024); static lists of such
addresses are always behind.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import trio

from gatewatch.net.url import registered

T = TypeVar("T")
# Names and addresses remembered; a run has some thousands, and a hostile resolver must not fill the memory.
_MOST_ADDRESSES, _MOST_NAMES = 4096, 64


class Learnt:
    """The memory of one run."""

    def __init__(self) -> None:
        self._locks: dict[str, trio.Lock] = {}
        self._found: dict[str, Any] = {}
        self._names: dict[str, set[str]] = {}

    async def once(self, key: str, ask: Callable[[], Awaitable[T]]) -> T:
        """Give what ``ask`` found the first time; who comes while it asks waits for it."""
        if key not in self._found:
            async with self._locks.setdefault(key, trio.Lock()):
                if key not in self._found:
                    self._found[key] = await ask()
        found: T = self._found[key]
        return found

    def peek(self, key: str) -> Any:
        """Give what was found, None when nobody has asked yet."""
        return self._found.get(key)

    def shared(self, address: str, host: str) -> int:
        """Note that a name was answered with an address that nobody else gives for it.

        Gives for how many unrelated names, this one included, that has happened so far.
        """
        if address not in self._names and len(self._names) >= _MOST_ADDRESSES:
            return 1
        names = self._names.setdefault(address, set())
        if len(names) < _MOST_NAMES:
            names.add(registered(host))
        return len(names)
