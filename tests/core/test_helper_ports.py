"""The helper's greeting ports: what they say, to whom, how often, and what they never do."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
import trio
from click.testing import CliRunner
from tests.core.test_helper_serve import exchange, serving

pytest.importorskip(
    "hypercorn", reason="the helper's server needs hypercorn: pip install 'gatewatch[helper]'"
)

from gatewatch.cli import main
from gatewatch.helper import ports
from gatewatch.helper.admission import Allowance
from gatewatch.helper.serve import Settings
from gatewatch.net.journal import Journal
from gatewatch.net.knock import knock
from gatewatch.records.ports import DATAGRAM, GREETING, answer, offered, question
from gatewatch_targets import service_ports


def free(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of loopback that nobody has just now."""
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_an_answer_is_never_larger_and_never_a_question() -> None:
    asked = question()
    said = answer(asked)
    assert said is not None and len(said) == len(asked) == DATAGRAM
    assert said[-16:] == asked[-16:] and answer(said) is None
    assert question() != asked


@pytest.mark.parametrize("data", [b"", b"x" * DATAGRAM, question()[:-1], question() + b"x"])
def test_whatever_is_no_question_gets_no_answer(data: bytes) -> None:
    assert answer(data) is None


def test_the_ports_greet_and_the_page_names_them() -> None:
    tcp, udp = free(), free(socket.SOCK_DGRAM)
    settings = Settings(port=0, ports=((tcp, "tcp"), (udp, "udp")))

    async def visit(opened: list[int]) -> Any:
        page = await exchange(
            await trio.open_tcp_stream("127.0.0.1", opened[0]), b"GET /ports HTTP/1.0\r\n\r\n"
        )
        greeted = await exchange(await trio.open_tcp_stream("127.0.0.1", tcp), b"GET / HTTP/1.0\r\n\r\n")
        asked = question()
        right, failure, _ = await knock(
            Journal(), "127.0.0.1", udp, asked, lambda data: data == answer(asked), waits=(5.0,)
        )
        silent, why, _ = await knock(Journal(), "127.0.0.1", udp, b"hello", lambda data: True, waits=(0.05,))
        return page, greeted, (right, failure), (silent, why)

    page, greeted, told, untold = serving(settings, visit)
    assert json.loads(page.partition(b"\r\n\r\n")[2]) == {"tcp": [tcp], "udp": [udp]}
    assert greeted == GREETING
    assert told == (True, None) and untold == (False, "generic_timeout_error")


def test_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        async def page(opened: list[int]) -> bytes:
            stream = await trio.open_tcp_stream("127.0.0.1", opened[0])
            return await exchange(stream, b"GET /ports HTTP/1.0\r\n\r\n")

        left_out = serving(Settings(port=0, ports=((port, "tcp"),), every_port=False), page)
        assert json.loads(left_out.partition(b"\r\n\r\n")[2]) == {"tcp": [], "udp": []}
        with pytest.raises(ExceptionGroup) as caught:
            serving(Settings(port=0, ports=((port, "tcp"),)), page)
        assert caught.group_contains(OSError)


def test_who_comes_too_often_is_told_nothing() -> None:
    async def visit() -> list[bytes]:
        answering = ports.Answering(Allowance(rate=0.001, burst=2))
        got = []
        for _ in range(3):
            (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
            client = await trio.open_tcp_stream(*listener.socket.getsockname())
            server = await listener.accept()
            async with trio.open_nursery() as nursery:

                async def serve(server: trio.SocketStream = server) -> None:
                    await answering.greet(server, ("192.0.2.1", 1))
                    await server.aclose()

                nursery.start_soon(serve)
                got.append(await exchange(client, b""))
            await listener.aclose()
        return got

    assert trio.run(visit) == [GREETING, GREETING, b""]


def test_one_client_uses_up_nobody_elses_answers() -> None:
    async def visit() -> None:
        answering = ports.Answering(Allowance(rate=0.001, burst=2))
        loud = [answering._may("192.0.2.1") for _ in range(5000)]
        assert sum(loud) == 2 and answering._may("192.0.2.2")

    trio.run(visit)


def test_which_ports() -> None:
    assert ports.read("1194/udp, 1723/tcp 80") == (
        ((1194, "udp"), (1723, "tcp"), (80, "tcp"), (80, "udp")),
        True,
    )
    table, named = ports.read("vpn")
    assert not named and set(table) == {(entry.port, entry.transport) for entry in service_ports()}
    assert ports.read("") == ((), True)


@pytest.mark.parametrize("text", ["x", "0", "70000", "22/icmp", " ".join(map(str, range(1, 80)))])
def test_what_is_no_list_of_ports(text: str) -> None:
    with pytest.raises(ValueError, match=r"port|tcp"):
        ports.read(text)
    told = CliRunner().invoke(main, ["helper", "serve", "--port", "0", "--ports", text])
    assert told.exit_code == 2


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"tcp": [1194, 1194], "udp": [500]}, ((1194, "tcp"), (500, "udp"))),
        ({"tcp": [True, "1", 0, 70000, None], "udp": []}, ()),
        ({"tcp": [1]}, ()),
        ([], ()),
        (None, ()),
        ({"message": "Hello OONItarian!"}, ()),
    ],
)
def test_what_a_helper_claims_is_read_with_care(value: Any, found: Any) -> None:
    assert offered(value) == found


def test_a_helper_cannot_send_us_to_ports_without_end() -> None:
    assert len(offered({"tcp": list(range(1, 60_000)), "udp": list(range(1, 60_000))})) == 128
