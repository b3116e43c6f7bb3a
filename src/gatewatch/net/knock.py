"""One question over UDP to a port, with events and no more: is there an answer that repeats it?"""

from __future__ import annotations

import socket
from collections.abc import Callable

import trio

from gatewatch.net.address import endpoint, is_ipv6
from gatewatch.net.errors import translate
from gatewatch.net.journal import Journal
from gatewatch.records.failure import GENERIC_TIMEOUT

# Longer than any answer to a question of ours.
_LARGEST = 2048


async def knock(
    journal: Journal,
    address: str,
    port: int,
    question: bytes,
    right: Callable[[bytes], bool],
    *,
    waits: tuple[float, ...],
    tags: tuple[str, ...] = (),
) -> tuple[bool, str | None, int]:
    """Send a question until something comes, waiting so many seconds each time.

    Gives whether the right answer came, the failure where none came, and the transaction's id.  A wrong
    answer does not end the wait: anybody can send one.  An ICMP error does.
    """
    transaction_id = journal.transaction()
    where = endpoint(address, port)
    wrong = False

    async def step(operation: str, sock: trio.socket.SocketType) -> bytes:
        t0, failure, size, data = journal.now(), None, 0, b""
        try:
            if operation == "write_to":
                size = await sock.send(question)
            else:
                data = await sock.recv(_LARGEST)
                size = len(data)
        except (OSError, trio.Cancelled) as error:
            failure = translate(error)
            raise
        finally:
            journal.event(
                operation,
                transaction_id,
                tags,
                t0,
                failure=failure,
                address=where,
                proto="udp",
                num_bytes=size,
            )
        return data

    sock: trio.socket.SocketType | None = None
    try:
        sock = trio.socket.socket(socket.AF_INET6 if is_ipv6(address) else socket.AF_INET, socket.SOCK_DGRAM)
        await sock.connect((address, port))
        for wait in waits:
            await step("write_to", sock)
            with trio.move_on_after(wait):
                while True:
                    if right(await step("read_from", sock)):
                        return True, None, transaction_id
                    wrong = True
    except OSError as error:
        return False, translate(error), transaction_id
    finally:
        if sock is not None:
            sock.close()
    return False, None if wrong else GENERIC_TIMEOUT, transaction_id
