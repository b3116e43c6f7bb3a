"""The helper on real sockets, on loopback: its ports, its certificate, its doors, and how it ends."""

from __future__ import annotations

import contextlib
import json
import signal
import ssl
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from tests.worlds.authority import ca
from tests.worlds.commands import here, python

pytest.importorskip(
    "hypercorn", reason="the helper's server needs hypercorn: pip install 'gatewatch[helper]'"
)

from gatewatch.helper.admission import Allowance, Doors
from gatewatch.helper.app import App
from gatewatch.helper.serve import Settings, _tls, serve


class Measurer:
    async def measure(self, value: Any) -> Any:
        return {"asked": value}


def serving(settings: Settings, visit: Callable[[list[int]], Awaitable[Any]]) -> Any:
    """Serve on loopback while somebody visits; gives what the visitor does."""

    async def main() -> Any:
        async with trio.open_nursery() as nursery:
            app = App(Measurer(), Allowance(1000, 1000))  # type: ignore[arg-type]
            ports = await nursery.start(serve, app, settings)
            with trio.fail_after(20):
                result = await visit(ports)
            nursery.cancel_scope.cancel()
        return result

    return trio.run(main)


async def exchange(stream: trio.abc.Stream, text: bytes) -> bytes:
    """Send, read to the end, close."""
    got = b""
    async with stream:
        await stream.send_all(text)
        while data := await stream.receive_some(65_536):
            got += data
    return got


def test_the_port_and_the_echos_port() -> None:
    async def visit(ports: list[int]) -> tuple[bytes, bytes]:
        page = await exchange(await trio.open_tcp_stream("127.0.0.1", ports[0]), b"GET / HTTP/1.0\r\n\r\n")
        stream = await trio.open_tcp_stream("127.0.0.1", ports[1])
        own = stream.socket.getsockname()[1]
        told = await exchange(stream, b"gET  /x  JUNK\r\nhOsT: a\r\n\r\n")
        said = json.loads(told.partition(b"\r\n\r\n")[2])
        assert said == {"request_line": "gET  /x  JUNK", "headers_list": [["hOsT", "a"]], "peer_port": own}
        return page, told

    page, told = serving(Settings(port=0, echo_port=0), visit)
    assert b"Hello OONItarian!" in page and told.startswith(b"HTTP/1.1 200 OK\r\n")


def test_tls(tmp_path: Path) -> None:
    leaf = ca().issue_cert("helper.example.net")
    leaf.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "both.pem"))
    context = ssl.create_default_context()
    ca().configure_trust(context)

    async def visit(ports: list[int]) -> bytes:
        plain = await trio.open_tcp_stream("127.0.0.1", ports[0])
        with pytest.raises(trio.BrokenResourceError):
            bad = trio.SSLStream(plain, ssl.create_default_context(), server_hostname="helper.example.net")
            await bad.do_handshake()
        await plain.aclose()
        junk = await exchange(await trio.open_tcp_stream("127.0.0.1", ports[0]), b"GET / HTTP/1.1\r\n\r\n")
        assert b"OONItarian" not in junk
        tcp = await trio.open_tcp_stream("127.0.0.1", ports[0])
        stream = trio.SSLStream(tcp, context, server_hostname="helper.example.net", https_compatible=True)
        body = b'{"a": 1}'
        head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
        return await exchange(stream, head + body)

    got = serving(Settings(port=0, certfile=str(tmp_path / "both.pem")), visit)
    assert got.endswith(b'{"asked": {"a": 1}}')


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_no_tls_session_is_kept(tmp_path: Path, version: ssl.TLSVersion) -> None:
    leaf = ca().issue_cert("helper.example.net")
    leaf.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "both.pem"))
    server = _tls(Settings(certfile=str(tmp_path / "both.pem")))
    assert server is not None
    client = ssl.create_default_context()
    client.maximum_version = version
    ca().configure_trust(client)
    for _ in range(3):
        up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
        here = client.wrap_bio(down, up, server_hostname="helper.example.net")
        there = server.wrap_bio(up, down, server_side=True)
        for side in (here, there, here, there):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
        there.write(b"x")
        assert here.read(1) == b"x" and here.version() == version.name.replace("_", ".")
    assert server.session_stats()["number"] == 0


def test_more_connections_than_may_be_are_shut_at_once() -> None:
    async def visit(ports: list[int]) -> int:
        streams = [await trio.open_tcp_stream("127.0.0.1", ports[0]) for _ in range(70)]
        shut: list[bytes] = []

        async def read(stream: trio.SocketStream) -> None:
            async with stream:
                with trio.move_on_after(0.5):
                    try:
                        shut.append(bytes(await stream.receive_some(1)))
                    except trio.BrokenResourceError:
                        shut.append(b"")

        async with trio.open_nursery() as nursery:
            for stream in streams:
                nursery.start_soon(read, stream)
        await trio.testing.wait_all_tasks_blocked(0.1)
        page = await exchange(await trio.open_tcp_stream("127.0.0.1", ports[0]), b"GET / HTTP/1.0\r\n\r\n")
        assert b"OONItarian" in page
        return len(shut)

    assert serving(Settings(port=0), visit) == 10


def test_the_doors_count_by_address_and_in_all() -> None:
    doors = Doors(1, 2)
    with doors.one("a") as first, doors.one("a") as again, doors.one("b") as other, doors.one("c") as third:
        assert (first, again, other, third) == (True, False, True, False)
    with doors.one("c") as later:
        assert later
    assert not doors._open


def test_who_has_addresses_without_number_has_one_share_of_the_doors() -> None:
    doors = Doors(2, 100)
    with contextlib.ExitStack() as stack:
        mine = [stack.enter_context(doors.one(f"2001:db8:1:2::{n:x}")) for n in range(1, 60)]
        other = stack.enter_context(doors.one("2001:db8:1:3::1"))
        mapped = [stack.enter_context(doors.one(a)) for a in ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1")]
    assert (sum(mine), other, mapped) == (2, True, [True, True, False])


def test_the_command_serves_until_a_signal() -> None:
    command = [sys.executable, "-m", "gatewatch", "helper", "serve", "--port", "0", "--resolver", "system"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith("Listening on http://127.0.0.1:")
        port = int(line.rstrip("/\n").rpartition(":")[2])

        async def visit() -> bytes:
            return await exchange(await trio.open_tcp_stream("127.0.0.1", port), b"GET / HTTP/1.0\r\n\r\n")

        assert b"OONItarian" in trio.run(visit)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        # Nothing is said of who came.
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--resolver", "nobody"], "'nobody' is none of: system, Google"),
        (["--prefixes", "{file}"], "the first line must name the columns"),
        (["--certfile", "{file}"], "--certfile or --keyfile"),
        (["--host", "192.0.2.1", "--port", "0"], "cannot listen on 192.0.2.1"),
        (["--own", "me"], "'me' does not appear to be an IPv4 or IPv6 address"),
        (["--port", "70000"], "70000 is not in the range"),
    ],
)
def test_wrong_options_are_told_in_a_line(tmp_path: Path, options: list[str], said: str) -> None:
    file = tmp_path / "file"
    file.write_text("nothing\n")
    done = here("helper", "serve", *(option.format(file=file) for option in options))
    assert done.exit_code in (1, 2) and said in done.output and "Traceback" not in done.output


def test_without_hypercorn_the_command_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['hypercorn'] = None\n"
        "from gatewatch.cli import main; main(['helper', 'serve', '--port', '0'])"
    )
    done = python(code)
    assert done.returncode == 1 and "pip install 'gatewatch[helper]'" in done.stderr
