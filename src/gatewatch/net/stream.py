"""TCP: one address, one attempt, its errno kept; then bytes both ways, each with its event."""

from __future__ import annotations

import socket
import struct

import trio

from gatewatch.net.address import endpoint, is_ipv6
from gatewatch.net.errors import translate
from gatewatch.net.journal import Journal
from gatewatch.records import Connect, ConnectStatus

# The largest TLS record (RFC 8446 5.1) and, rounded up, what one read takes from the kernel.
READ_SIZE = 65536
_RST_ON_CLOSE = struct.pack("ii", 1, 0)


class Stream:
    """An established TCP connection that writes its own events; ``endpoint`` is ``address:port``."""

    __slots__ = ("_journal", "_socket", "address", "endpoint", "port", "tags", "transaction_id")

    def __init__(
        self,
        journal: Journal,
        sock: trio.socket.SocketType,
        address: str,
        port: int,
        transaction_id: int,
        tags: tuple[str, ...],
    ) -> None:
        self._journal = journal
        self._socket = sock
        self.address = address
        self.port = port
        self.endpoint = endpoint(address, port)
        self.transaction_id = transaction_id
        self.tags = tags

    async def send(self, data: bytes) -> None:
        """Write all of ``data``; raises OSError."""
        t0 = self._journal.now()
        failure = None
        sent = 0
        try:
            while sent < len(data):
                sent += await self._socket.send(data[sent:] if sent else data)
        except (OSError, trio.Cancelled) as error:
            failure = translate(error)
            raise
        finally:
            self._event("write", t0, failure, sent)

    async def receive(self) -> bytes:
        """Read what is there, b"" at the end; raises OSError."""
        t0 = self._journal.now()
        failure = None
        data = b""
        try:
            data = await self._socket.recv(READ_SIZE)
        except (OSError, trio.Cancelled) as error:
            failure = translate(error)
            raise
        finally:
            if not data and failure is None:
                failure = "eof_error"
            self._event("read", t0, failure, len(data))
        return data

    def _event(self, operation: str, t0: float, failure: str | None, size: int) -> None:
        self._journal.event(
            operation,
            self.transaction_id,
            self.tags,
            t0,
            failure=failure,
            address=self.endpoint,
            proto="tcp",
            num_bytes=size,
        )

    def set_ttl(self, ttl: int) -> None:
        """Limit how many hops the packets sent from now on may travel."""
        level, option = (
            (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS)
            if is_ipv6(self.address)
            else (socket.IPPROTO_IP, socket.IP_TTL)
        )
        self._socket.setsockopt(level, option, ttl)

    def set_nodelay(self) -> None:
        """Send each write at once, as a segment of its own, whatever is still unacknowledged (RFC 896)."""
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        """End the connection politely."""
        self._socket.close()

    def abort(self) -> None:
        """End it with a RST, so that nothing unsent is ever delivered."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
        self._socket.close()


async def connect(
    journal: Journal, address: str, port: int, *, tags: tuple[str, ...] = (), ttl: int | None = None
) -> tuple[Stream | None, str | None]:
    """Connect to one address; gives the stream or the failure, and writes a df-005 record.

    The caller limits the time; when it runs out, ``generic_timeout_error`` is on record.
    """
    transaction_id = journal.transaction()
    family = socket.AF_INET6 if is_ipv6(address) else socket.AF_INET
    t0 = journal.now()
    failure: str | None = None
    stream: Stream | None = None
    sock: trio.socket.SocketType | None = None
    try:
        sock = trio.socket.socket(family, socket.SOCK_STREAM)
        stream = Stream(journal, sock, address, port, transaction_id, tags)
        if ttl is not None:
            stream.set_ttl(ttl)
        await sock.connect((address, port))
    except trio.Cancelled as error:
        failure = translate(error)
        raise
    except OSError as error:
        failure = translate(error)
    finally:
        if failure is not None:
            stream = None
            if sock is not None:
                sock.close()
        journal.event(
            "connect",
            transaction_id,
            tags,
            t0,
            failure=failure,
            address=endpoint(address, port),
            proto="tcp",
        )
        journal.connects.append(
            Connect(
                ip=address,
                port=port,
                status=ConnectStatus(failure=failure, success=failure is None),
                t0=t0,
                t=journal.now(),
                tags=tags,
                transaction_id=transaction_id,
            )
        )
    return stream, failure
