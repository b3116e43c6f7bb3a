"""TCP sockets in memory, on the same userspace TCP as the lab's servers."""

from __future__ import annotations

import errno
import socket
import struct
from typing import TYPE_CHECKING

import trio

from gatewatch.lab.memory.base import (
    MSG_ERRQUEUE,
    Ancillary,
    MemorySocket,
    Network,
    failure,
    numeric,
    place,
)
from gatewatch.lab.memory.icmp import Address, IcmpError
from gatewatch.lab.transport.tcp import Connection, State

if TYPE_CHECKING:
    from typing_extensions import Buffer

# Linux's default of net.ipv4.tcp_wmem grows to 4 MiB; a probe never needs more than this in flight.
_SEND_BUFFER = 1 << 18
_LINGER = struct.Struct("ii")
# <linux/tcp.h>: struct tcp_info begins with eight bytes and tcpi_rto, in microseconds.
_TCP_INFO, _TCP_INFO_HEAD = 11, struct.Struct("=8xI")


class StreamSocket(MemorySocket):
    """A client's TCP socket; it is the application of its own connection."""

    def __init__(self, network: Network, family: int, kind: int, proto: int) -> None:
        super().__init__(network, family, kind, proto)
        self._connection: Connection | None = None
        self._inbox = bytearray()
        self._eof = self._dead = self._shut_down = False

    async def bind(self, address: object) -> None:
        """Choose the local port."""
        await trio.lowlevel.checkpoint()
        self._check_open()
        wanted = numeric(address, self.six)
        self._local = place(wanted, wanted[0], wanted[1] or self._network.ephemeral())

    async def connect(self, address: object) -> None:
        """Connect; raises what Linux does: ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT."""
        await trio.lowlevel.checkpoint()
        self._check_open()
        if self._connection is not None:
            raise failure(errno.EISCONN)
        remote = numeric(address, self.six)
        network = self._network
        local = network.source(self.six), self._local[1] or network.ephemeral()
        if network.stack.find(local, remote[:2]) is not None:
            raise failure(errno.EADDRNOTAVAIL)
        self._local, self._remote = place(remote, *local), remote
        opened = self._connection = network.stack.connect(
            local, remote[:2], self, network.now(), ttl=self.ttl
        )
        try:
            while opened.state is State.SYN_SENT:
                await self._wait()
        except trio.Cancelled:
            self.close()  # as trio does: nobody can tell what state it is in
            raise
        if opened.state is State.CLOSED:
            self._connection, self._remote = None, None
            self._raise_pending()

    def getsockopt(  # type: ignore[override]
        self, level: int, optname: int, buflen: int | None = None
    ) -> int | bytes:
        """Give an option; of struct tcp_info only the retransmission timeout is filled in."""
        if (level, optname) == (socket.IPPROTO_TCP, _TCP_INFO) and buflen and self._connection is not None:
            return _TCP_INFO_HEAD.pack(round(self._connection.patience * 1e6))[:buflen]
        return super().getsockopt(level, optname, buflen)

    # -- what the connection tells

    def established(self) -> None:
        """The handshake is done."""
        self._wake()

    def acknowledged(self) -> None:
        """There is room to send again."""
        self._wake()

    def failed(self, error: int) -> None:
        """The connection is dead."""
        self._error, self._dead = error, True
        self._wake()

    def data_received(self, data: bytes) -> None:
        """Keep data until it is read."""
        self._inbox += data
        self._wake()

    def eof_received(self) -> None:
        """The peer has sent everything."""
        self._eof = True
        self._wake()

    def icmp(self, error: IcmpError) -> None:
        """Fail while connecting; later only say it, once, and softly without IP_RECVERR (tcp_v4_err)."""
        connection = self._connection
        if connection is None:
            return
        if connection.state is State.SYN_SENT:
            if not self.six or self._asks_for_errors:  # here Linux does not ask for IP_RECVERR
                self._error_queue.append(error)
            connection.hurt(error.errno)
        elif self._asks_for_errors:
            self._error = error.errno
        else:
            self._soft_error = error.errno
        self._wake()

    # -- data

    async def recvfrom(self, bufsize: int, flags: int = 0) -> tuple[bytes, Address]:
        """Receive what is there, b"" at the end; data come before a pending error, as in Linux."""
        await trio.lowlevel.checkpoint()
        self._check_open()
        while not self._inbox:
            self._raise_pending()
            if self._eof or self._dead or bufsize == 0:
                return b"", self._remote or self._local
            if self._connection is None:
                raise failure(errno.ENOTCONN)
            await self._wait()
        data = bytes(self._inbox[:bufsize])
        if not flags & socket.MSG_PEEK:
            del self._inbox[:bufsize]
            if self._connection is not None:
                self._network.stack.now = self._network.now()
                self._connection.taken(len(data))
        return data, self._remote or self._local

    async def recvmsg(
        self, bufsize: int, ancbufsize: int = 0, flags: int = 0
    ) -> tuple[bytes, Ancillary, int, Address]:
        """Receive; with MSG_ERRQUEUE, read the error queue, which only holds errors about the SYN."""
        if flags & MSG_ERRQUEUE:
            await trio.lowlevel.checkpoint()
            self._check_open()
            return await self._next_error(bufsize)
        data, address = await self.recvfrom(bufsize, flags)
        return data, [], 0, address

    async def send(self, data: Buffer, flags: int = 0) -> int:
        """Queue data, as much as the send buffer takes; gives the size."""
        await trio.lowlevel.checkpoint()
        self._check_open()
        while True:
            self._raise_pending()
            connection = self._connection
            if connection is None or self._dead or self._shut_down:
                raise failure(errno.EPIPE)
            room = _SEND_BUFFER - connection.backlog
            if room > 0:
                break
            await self._wait()
        self._network.stack.now = self._network.now()
        part = bytes(memoryview(data)[:room])
        connection.write(part)
        return len(part)

    # -- ending

    @property
    def did_shutdown_SHUT_WR(self) -> bool:  # noqa: N802 -- trio's name
        """Whether our side has been ended; SocketStream asks."""
        return self._shut_down

    def shutdown(self, how: int) -> None:
        """End our side, the other, or both."""
        self._check_open()
        if self._connection is None:
            raise failure(errno.ENOTCONN)
        if how in (socket.SHUT_WR, socket.SHUT_RDWR):
            self._shut_down = True
            self._network.stack.now = self._network.now()
            self._connection.shutdown()
        if how in (socket.SHUT_RD, socket.SHUT_RDWR):
            self._eof = True
            self._wake()

    def _shut(self) -> None:
        connection = self._connection
        if connection is None:
            return
        self._network.stack.now = self._network.now()
        linger = self._options.get((socket.SOL_SOCKET, socket.SO_LINGER))
        hard = isinstance(linger, bytes) and len(linger) >= 8 and _LINGER.unpack_from(linger) == (1, 0)
        # Linux also answers data that nobody will read with RST (RFC 2525 2.17).
        if hard or self._inbox:
            connection.abort()
        else:
            connection.close()

    def setsockopt(  # type: ignore[override]
        self, level: int, optname: int, value: int | bytes | None, optlen: int | None = None
    ) -> None:
        """Set an option; a new TTL counts from the next segment on, retransmissions included."""
        super().setsockopt(level, optname, value, optlen)
        if self._connection is not None:
            self._connection.ttl = self.ttl
