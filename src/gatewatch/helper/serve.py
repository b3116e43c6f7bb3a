"""Listening: the helper's port, the echo's port, and how many connections there may be."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import trio

from gatewatch.helper import connection, echo, ports
from gatewatch.helper.admission import AT_ONCE, Doors
from gatewatch.helper.app import App
from gatewatch.net import privilege

# Connections at once to a port that answers at once: each holds some 30 KB.
_CONNECTIONS = 400
# To the helper's own, for each question measured at once: the others are refused by a word, or linger.  With
# TLS each holds some 90 KB.
_FOR_ONE = 2
# Of one client; a whole network may stand behind its address (NAT), and each waits for up to 20 s.
_OF_ONE = 60


@dataclass(frozen=True, slots=True)
class Settings:
    """Where to listen, and how."""

    host: str = "127.0.0.1"
    port: int = 8080
    certfile: str | None = None
    keyfile: str | None = None
    echo_port: int | None = None
    #: Ports that only say that they are reached, and whether one that cannot be opened is an error.
    ports: tuple[ports.Port, ...] = ()
    every_port: bool = True
    #: Where those listen, if elsewhere: a proxy in front passes no other ports on.
    ports_host: str | None = None
    #: A proxy in front: all connections come from it.
    proxied: bool = False
    #: Questions of probes in flight at once.
    at_once: int = AT_ONCE


# Whoever comes while it is busy waits here and not in the next try of his SYN, a second later (listen(2)).
_BACKLOG = 1024

Serve = Callable[[trio.SocketStream, tuple[str, int]], Awaitable[None]]


async def serve(
    app: App, settings: Settings, *, task_status: trio.TaskStatus[list[int]] = trio.TASK_STATUS_IGNORED
) -> None:
    """Serve until cancelled; reports the ports once they are open.  Raises OSError, ssl.SSLError."""
    context = _tls(settings)
    config = connection.settings()
    patience = connection.Patience()

    async def talk(tcp: trio.SocketStream, peer: tuple[str, int]) -> None:
        stream: trio.abc.Stream = tcp
        if context is not None:
            stream = trio.SSLStream(tcp, context, server_side=True, https_compatible=True)
            with trio.move_on_after(patience.handshake) as limit:
                await stream.do_handshake()
            if limit.cancelled_caught:
                return
        await connection.Conversation(app, config, stream, peer, patience).run()

    in_all = max(_CONNECTIONS, _FOR_ONE * settings.at_once)
    doors = Doors(in_all if settings.proxied else _OF_ONE, in_all)
    async with contextlib.AsyncExitStack() as stack, trio.open_nursery() as nursery:
        listeners = await _open(stack, settings.host, settings.port)
        echo_port = settings.echo_port
        echoes = [] if echo_port is None else await _open(stack, settings.host, echo_port)
        app.ports = await _open_ports(stack, nursery, settings)
        nursery.start_soon(trio.serve_listeners, partial(_let_in, doors, talk), listeners)
        if echoes:
            nursery.start_soon(
                trio.serve_listeners, partial(_let_in, Doors(_OF_ONE, _CONNECTIONS), tell), echoes
            )
        # Ports below 1024 are open now; nothing else needs a capability.
        privilege.lay_down()
        task_status.started([listener.socket.getsockname()[1] for listener in (*listeners, *echoes)])


async def _open_ports(
    stack: contextlib.AsyncExitStack, nursery: trio.Nursery, settings: Settings
) -> tuple[ports.Port, ...]:
    """Open the ports that only greet, and give those that could be; raises OSError."""
    answering, doors = ports.Answering(), Doors(_OF_ONE, _CONNECTIONS)
    host = settings.ports_host or settings.host
    opened: list[ports.Port] = []
    for port, transport in settings.ports:
        try:
            if transport == "tcp":
                listeners = await _open(stack, host, port)
                greet = partial(_let_in, doors, answering.greet)
                nursery.start_soon(trio.serve_listeners, greet, listeners)
            else:
                for sock in await ports.open_udp(host, port):
                    nursery.start_soon(answering.answer, stack.enter_context(sock))
        except OSError:
            # Taken by somebody else, such as port 22, or below 1024 without the right to it.
            if settings.every_port:
                raise
        else:
            opened.append((port, transport))
    return tuple(opened)


async def _open(stack: contextlib.AsyncExitStack, host: str, port: int) -> list[trio.SocketListener]:
    listeners = await trio.open_tcp_listeners(port, host=host, backlog=_BACKLOG)
    return [await stack.enter_async_context(listener) for listener in listeners]


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.certfile is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings.certfile, settings.keyfile)
    context.set_alpn_protocols(["http/1.1"])
    # A renegotiation costs the server more than the client.  No probe comes back to resume a session: without
    # tickets of TLS 1.3 none is kept.  (OP_NO_TICKET would have OpenSSL keep 20,000 itself, at 1 KB each.)
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0
    return context


async def _let_in(doors: Doors, talk: Serve, tcp: trio.SocketStream) -> None:
    """Serve one connection; whatever happens on it stays on it."""
    try:
        address, port = tcp.socket.getpeername()[:2]
        with doors.one(address) as stays:
            if stays:
                await talk(tcp, (address, port))
    except Exception:
        # A TLS alert, a reset, a mistake of ours: none may end the others' connections, nor be logged.
        pass
    finally:
        await trio.aclose_forcefully(tcp)


async def tell(tcp: trio.SocketStream, peer: tuple[str, int]) -> None:
    """Serve the echo's port: tell whatever came as a head, HTTP or not."""
    patience = connection.Patience()
    received = bytearray()
    with trio.move_on_after(patience.head):
        while echo.head_end(received) < 0 and len(received) < echo.HEAD_CAP:
            data = await tcp.receive_some(echo.HEAD_CAP)
            if not data:
                break
            received += data
    if not received:
        return
    with trio.move_on_after(patience.piece):
        await tcp.send_all(echo.response(echo.told(bytes(received[: echo.HEAD_CAP]), peer[1])))
        await tcp.send_eof()
    with trio.move_on_after(patience.linger):
        while await tcp.receive_some(echo.HEAD_CAP):
            pass
