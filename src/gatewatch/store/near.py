"""The resolver at home, the first hop of every way: its address becomes that of the block it is from.

Most home routers answer DNS under a private address, and so it stands in every question to the system's
resolver.  ``192.168.77.1:53`` becomes ``192.168.0.0:53``: still an address and a port, and nobody's.  Answers
are left alone: a name that is answered with a private address is evidence.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

from gatewatch.records import Measurement
from gatewatch.store import literals
from gatewatch.store.flat import APART
from gatewatch.store.hops import block_of
from gatewatch.store.walk import mapped

# What answers hold, and what was looked at by itself.
_SKIPPED = APART | {"answers"}


class Near:
    """Knows these addresses; public ones are ignored, since they are the provider's."""

    def __init__(self, addresses: Iterable[str] = ()) -> None:
        self._blocks: dict[bytes, str] = {}
        for text in addresses:
            address = ipaddress.ip_address(text.partition("%")[0])
            block = block_of(address)
            if block is not None and not address.is_loopback:
                self._blocks[address.packed] = str(block.network_address)
        self._texts = tuple(str(ipaddress.ip_address(packed)) for packed in self._blocks)

    def veiled(self, m: Measurement, flat: str) -> Measurement:
        """Write the block wherever one of them is spelled; ``flat``: the measurement as one text."""
        if not any(text in flat for text in self._texts):
            return m
        changed: Measurement = mapped(m, self._leaf, _SKIPPED)
        return changed

    def _leaf(self, value: Any, name: str, free: bool) -> Any:
        if not isinstance(value, str):
            return value
        parts: list[str] = []
        done = 0
        for start, end, packed in sorted(literals.find(value), key=lambda span: span[0]):
            if packed in self._blocks and packed is not None and start >= done:
                parts += (value[done:start], self._dressed(value[start:end], packed))
                done = end
        return "".join((*parts, value[done:])) if parts else value

    def _dressed(self, spelled: str, packed: bytes) -> str:
        """The block's address with the brackets and the port that the other had; a zone goes."""
        block = self._blocks[packed]
        before, _, port = spelled.rpartition(":")
        if spelled.startswith("["):
            return f"[{block}]:{port}" if before.endswith("]") else f"[{block}]"
        return f"{block}:{port}" if len(packed) == 4 and before else block
