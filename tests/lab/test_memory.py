"""Memory sockets: trio's seam, exact times under the autojump clock, and what belongs to no kernel."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
import trio
from trio.testing import MockClock

from gatewatch.lab.country.scenario import load
from gatewatch.lab.memory import MemoryInternet, attached
from gatewatch.lab.memory.poller import MemorySockets
from gatewatch.net import dnswire
from gatewatch.net.datagram import pump

T = TypeVar("T")
SCENARIO = load(str(Path(__file__).with_name("errands.toml")))
# One way from the client: to the ISP's resolver behind three routers, and abroad.
TO_RESOLVER, ABROAD = 0.0033, 0.010
BOX = 0.0015


def inside(main: Callable[[MemoryInternet], Awaitable[T]]) -> T:
    async def run() -> T:
        async with attached(SCENARIO, "isp") as lab:
            return await main(lab)

    return trio.run(run, clock=MockClock(autojump_threshold=0))


async def took(doing: Awaitable[object]) -> float:
    """How long a call takes on trio's clock, to the microsecond; its failure ends it as well."""
    started = trio.current_time()
    with contextlib.suppress(OSError):
        await doing
    return round(trio.current_time() - started, 6)


async def address(name: str) -> str:
    return str((await trio.socket.getaddrinfo(name, 80))[0][4][0])


def test_times_are_exact() -> None:
    async def main(lab: MemoryInternet) -> list[float]:
        good, refused = await address("good.com"), await address("refused.com")
        reset, blocked = await address("tcp-reset.com"), trio.socket.socket()
        stream = trio.socket.socket()
        return [
            await took(trio.socket.getaddrinfo("other.com", 80)),
            await took(trio.socket.getaddrinfo("bogon.com", 80)),
            await took(trio.socket.getaddrinfo("dns-drop.com", 80)),
            await took(stream.connect((good, 80))),
            await took(trio.socket.socket().connect((refused, 80))),
            await took(blocked.connect((reset, 80))),
        ]

    assert inside(main) == [2 * TO_RESOLVER, 2 * BOX, 4.0, 2 * ABROAD, 2 * ABROAD, 2 * BOX]


def test_an_unanswered_connect_takes_linuxs_127_seconds() -> None:
    async def main(lab: MemoryInternet) -> float:
        return await took(trio.socket.socket().connect((await address("vanished.com"), 80)))

    assert inside(main) == 127.0


def test_a_cancelled_connect_closes_the_socket() -> None:
    async def main(lab: MemoryInternet) -> tuple[float, bool]:
        sock = trio.socket.socket()
        target = await address("tcp-drop.com")
        started = trio.current_time()
        with trio.move_on_after(10):
            await sock.connect((target, 80))
        with pytest.raises(OSError, match="Bad file descriptor"):
            await sock.send(b"x")
        return trio.current_time() - started, len(lab.stack) == 0

    assert inside(main) == (10.0, True)


def test_tls_verifies_under_the_labs_authority() -> None:
    async def main(lab: MemoryInternet) -> bytes:
        context = ssl.create_default_context(cadata=lab.world.ca_pem().decode())
        raw = await trio.open_tcp_stream(await address("good.com"), 443)
        stream = trio.SSLStream(raw, context, server_hostname="good.com", https_compatible=True)
        await stream.send_all(b"GET / HTTP/1.1\r\nHost: good.com\r\nConnection: close\r\n\r\n")
        received = b""
        async for part in stream:
            received += part
        await stream.aclose()
        return received[:12]

    assert inside(main) == b"HTTP/1.1 200"


def test_the_seam_is_given_back() -> None:
    async def main() -> None:
        async with attached(SCENARIO, "isp") as lab:
            assert trio.socket.set_custom_socket_factory(lab) is lab
        with trio.socket.socket() as sock:
            assert sock.fileno() >= 0

    trio.run(main)


def test_what_fails_inside_comes_out_as_it_is() -> None:
    async def main(lab: MemoryInternet) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        inside(main)


def test_sockets_can_be_watched_instead_of_awaited() -> None:
    async def main(lab: MemoryInternet) -> list[tuple[float, object, object]]:
        sockets = MemorySockets(lab.datagram_socket)
        asking, refused = sockets.open(socket.AF_INET), sockets.open(socket.AF_INET)
        for sock, port, name in ((asking, 53, "asking"), (refused, 33434, "refused")):
            sock.connect(("8.8.8.8", port))
            sockets.watch(sock, name)
        seen: list[tuple[float, object, object]] = []
        started = trio.current_time()
        asking.send(dnswire.query("injected.com", "A", 1))
        refused.send(b"x")
        with pytest.raises(BlockingIOError):
            asking.recvmsg(4096, 64)
        while len(seen) < 3:
            await sockets.wait()
            for entry in sockets.ready():
                what: object
                try:
                    message, *_ = (asking if entry == "asking" else refused).recvmsg(4096, 64)
                    what = dnswire.parse(message).addresses[0]
                except OSError as error:
                    what = type(error)
                seen.append((round(trio.current_time() - started, 6), entry, what))
        sockets.forget(asking)
        asking.close()
        return seen

    first, *rest = inside(main)
    # The public resolver stands abroad; the injector at hop 2 is first.
    assert first == (2 * BOX, "asking", "104.16.0.66")
    assert [row[:2] for row in sorted(rest, key=str)] == [(2 * ABROAD, "asking"), (2 * ABROAD, "refused")]
    assert (2 * ABROAD, "refused", ConnectionRefusedError) in rest


def test_the_dns_pump_takes_its_sockets_from_us() -> None:
    async def main(lab: MemoryInternet) -> bool:
        return isinstance(pump().sockets, MemorySockets)

    assert inside(main)


def test_a_run_repeats_exactly() -> None:
    async def main(lab: MemoryInternet) -> list[tuple[float, object]]:
        seen: list[tuple[float, object]] = []

        async def fetch(name: str) -> None:
            sock = trio.socket.socket()
            await sock.connect((await address(name), 80))
            await sock.send(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            while part := await sock.recv(65536):
                seen.append((trio.current_time(), len(part)))
            seen.append((trio.current_time(), sock.getsockname()[1] > 0))

        for number in range(20):
            await fetch(f"site{number}.com")
        return [(when - seen[0][0], what) for when, what in seen]

    assert inside(main) == inside(main)


def test_hundreds_of_connections_at_once() -> None:
    async def main(lab: MemoryInternet) -> tuple[set[bytes], float, int]:
        target = await address("good.com")
        started = trio.current_time()
        heads: list[bytes] = []

        async def fetch() -> None:
            with trio.socket.socket() as sock:
                await sock.connect((target, 80))
                await sock.send(b"GET / HTTP/1.1\r\nHost: good.com\r\nConnection: close\r\n\r\n")
                received = b""
                while part := await sock.recv(65536):
                    received += part
                heads.append(received[:12])

        async with trio.open_nursery() as nursery:
            for _ in range(500):
                nursery.start_soon(fetch)
        elapsed = trio.current_time() - started
        await trio.sleep(1)
        return set(heads), elapsed, len(lab.stack)

    heads, elapsed, left = inside(main)
    assert (heads, left) == ({b"HTTP/1.1 200"}, 0)
    assert elapsed == pytest.approx(4 * ABROAD)


@pytest.mark.parametrize("how", ["linger", "unread", "polite"])
def test_how_a_close_ends_the_connection(how: str) -> None:
    async def main(lab: MemoryInternet) -> bool:
        sock = trio.socket.socket()
        await sock.connect((await address("good.com"), 80))
        await sock.send(b"GET / HTTP/1.1\r\nHost: good.com\r\n\r\n")
        await trio.sleep(0.1)
        if how == "linger":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if how == "polite":
            while len(await sock.recv(65536)) == 65536:
                pass
        sock.close()
        return len(lab.stack) == 0  # a RST ends it at once, a FIN is yet to be answered

    assert inside(main) == (how != "polite")


def test_options_are_kept_and_errors_read_once() -> None:
    async def main(lab: MemoryInternet) -> None:
        sock = trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        assert (sock.family, sock.type, sock.proto) == (socket.AF_INET, socket.SOCK_DGRAM, 0)
        assert sock.getsockopt(socket.IPPROTO_IP, socket.IP_TTL) == 64
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, struct.pack("=i", 7))
        assert sock.getsockopt(socket.IPPROTO_IP, socket.IP_TTL) == 7
        await sock.connect(("8.8.8.8", 33434))
        assert sock.getsockname()[0] == lab.client
        await sock.send(b"probe")
        await trio.sleep(1)
        codes = [sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) for _ in range(2)]
        assert codes == [111, 0]

    inside(main)


def test_a_datagram_too_large_for_the_path_is_refused() -> None:
    async def main(lab: MemoryInternet) -> None:
        sock = trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with pytest.raises(OSError, match="Message too long"):
            await sock.sendto(bytes(1473), ("8.8.8.8", 7))
        await sock.sendto(bytes(1472), ("8.8.8.8", 7))
        data, peer = await sock.recvfrom(4096)
        assert (len(data), peer) == (1472, ("8.8.8.8", 7))

    inside(main)


def test_ports_are_not_given_twice() -> None:
    async def main(lab: MemoryInternet) -> None:
        first, second = (trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        await first.bind(("0.0.0.0", 5000))
        with pytest.raises(OSError, match="Address already in use"):
            await second.bind(("0.0.0.0", 5000))
        first.close()
        await second.bind(("0.0.0.0", 5000))

    inside(main)


def test_a_lost_syn_is_sent_again_even_when_nothing_else_is_going_on() -> None:
    async def main(lab: MemoryInternet) -> float:
        good = await address("good.com")
        send, lost = lab._engine.from_client, iter([True])

        def lossy(packet: bytearray, now: float) -> None:
            if not next(lost, False):
                send(packet, now)

        lab._engine.from_client = lossy  # type: ignore[method-assign]
        with trio.move_on_after(60):
            return await took(trio.socket.socket().connect((good, 80)))
        return 60.0

    assert inside(main) == round(1.0 + 2 * ABROAD, 6)
