"""The helper's way out: every connection it makes for somebody else is made here, past the guard."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import trio

from gatewatch.helper.guard import Guard
from gatewatch.helper.names import LookUp
from gatewatch.net import quic, secure, stream
from gatewatch.net.journal import Journal
from gatewatch.net.trust import Trust
from gatewatch.records import failure as f


@dataclass(frozen=True, slots=True)
class Limits:
    """How long, how many; seconds.  A whole answer takes names + max(connect + handshake, fetch) at most."""

    connect: float = 10.0
    #: TCP and TLS together are oohelperd's 15 s.
    handshake: float = 5.0
    #: The page with all its redirects (oohelperd).
    fetch: float = 15.0
    #: Addresses that are tried; what a probe sends beyond is left out of the answer.
    addresses: int = 32
    #: TLS handshakes at once, for all who ask: each holds some 60 KB.
    handshakes: int = 256
    #: QUIC handshakes at once; UDP has no connect to fail fast, and their code is slow.
    quic: int = 32


class Way:
    """The way out, shared by all questions."""

    def __init__(
        self, trust: Trust, look_up: LookUp, guard: Guard | None = None, limits: Limits | None = None
    ) -> None:
        self.trust = trust
        self.look_up = look_up
        self.guard = guard or Guard()
        self.limits = limits or Limits()
        self._handshakes = trio.CapacityLimiter(self.limits.handshakes)
        self._quic = trio.CapacityLimiter(self.limits.quic)

    @cached_property
    def speaks_quic(self) -> bool:
        """Whether QUIC handshakes can be made here (the extra ``quic``); loads 12 MB when first asked."""
        try:
            quic.require()
        except quic.Unavailable:
            return False
        return True

    async def connect(
        self, address: str, port: int, patience: float | None = None
    ) -> tuple[stream.Stream | None, str | None]:
        """Connect to an endpoint that the guard lets us; gives the stream, or the df-007 failure."""
        refused = self.guard.refusal(address, port)
        if refused is not None:
            return None, f.unknown(refused)
        tcp: stream.Stream | None = None
        failure: str | None = f.GENERIC_TIMEOUT
        with trio.move_on_after(patience or self.limits.connect):
            tcp, failure = await stream.connect(Journal(), address, port)
        return tcp, failure

    async def shake_hands(
        self, tcp: stream.Stream, name: str
    ) -> tuple[secure.SecureStream | None, str | None]:
        """Do the TLS handshake; ``tcp`` is closed when it fails."""
        tls: secure.SecureStream | None = None
        failure: str | None = f.GENERIC_TIMEOUT
        try:
            async with self._handshakes:
                with trio.move_on_after(self.limits.handshake):
                    tls, failure = await secure.handshake(Journal(), tcp, self.trust, name)
        finally:
            if tls is None:
                tcp.close()
        return tls, failure

    async def shake_hands_over_quic(self, address: str, port: int, name: str) -> str | None:
        """Do a QUIC handshake and end it; gives the df-007 failure."""
        refused = self.guard.refusal(address, port)
        if refused is not None:
            return f.unknown(refused)
        async with self._quic:
            with trio.move_on_after(self.limits.handshake):
                return await quic.handshake(Journal(), address, port, name, self.trust)
        return f.GENERIC_TIMEOUT
