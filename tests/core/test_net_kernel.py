"""The same code on the kernel's own sockets, on the loopback only."""

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trio

from gatewatch.net import dnswire, lookup, stream
from gatewatch.net.journal import Journal

if sys.platform != "linux":
    pytest.skip("asks for Linux's errnos", allow_module_level=True)


@contextmanager
def resolver(answers: int) -> Iterator[int]:
    """A UDP server that answers one question several times; gives its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(5)

        def serve() -> None:
            data, client = sock.recvfrom(4096)
            for number in range(answers):
                sock.sendto(dnswire.answer(data, addresses=(f"104.16.1.{number}",)), client)

        thread = threading.Thread(target=serve)
        thread.start()
        yield sock.getsockname()[1]
        thread.join()


def closed_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_both_answers_are_heard_with_their_ip_ttl() -> None:
    with resolver(2) as port:
        got = trio.run(lambda: lookup.udp(Journal(), "127.0.0.1", "example.org", port=port, window=0.05))
    assert [q.addresses for q in got] == [("104.16.1.0",), ("104.16.1.1",)]
    assert [(q.x_gatewatch_ip_ttl, q.x_gatewatch_late) for q in got] == [(64, None), (64, 1)]


def test_a_question_to_a_closed_port_is_refused() -> None:
    port = closed_port(socket.SOCK_DGRAM)
    (query,) = trio.run(lambda: lookup.udp(Journal(), "127.0.0.1", "example.org", port=port))
    assert query.failure == "connection_refused" and (query.t or 0) < 1


def test_a_connection_to_a_closed_port_is_refused() -> None:
    port = closed_port(socket.SOCK_STREAM)
    assert trio.run(lambda: stream.connect(Journal(), "127.0.0.1", port)) == (None, "connection_refused")


def test_a_reset_is_a_reset() -> None:
    async def main(port: int) -> Journal:
        journal = Journal()
        tcp, _ = await stream.connect(journal, "127.0.0.1", port)
        assert tcp is not None
        await tcp.send(b"hi")
        with pytest.raises(ConnectionResetError):
            await tcp.receive()
        tcp.close()
        return journal

    with socket.create_server(("127.0.0.1", 0)) as server:

        def reset() -> None:
            client, _ = server.accept()
            client.recv(2)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.close()

        thread = threading.Thread(target=reset)
        thread.start()
        journal = trio.run(main, server.getsockname()[1])
        thread.join()
    assert [e.failure for e in journal.events] == [None, None, "connection_reset"]
