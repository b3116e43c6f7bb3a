"""Listening to a flow: the filter, what packets say, and a packet socket in the kernel's lab."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gatewatch.lab import kernel
from gatewatch.lab.path import packet as p
from gatewatch.net import bpf, capture
from gatewatch.net.capture import Caught
from gatewatch.net.dissect import Packet, Quote, read

ME, SERVER, ROUTER, OTHER = "103.5.24.10", "104.16.1.1", "36.37.128.1", "104.16.1.2"
SIX = {ME: "2001:db8::1", SERVER: "2606:4700::1", ROUTER: "2401::9", OTHER: "2606:4700::2"}


def at(address: str, six: bool) -> bytes:
    return p.packed(SIX[address] if six else address)


def sent(six: bool, *, sport: int = 61000, dport: int = 443, to: str = SERVER, data: bytes = b"x") -> bytes:
    ends = at(ME, six), sport, at(to, six), dport
    return p.tcp(*ends, seq=7, ack=9, flags=p.ACK | p.PSH, window=500, data=data, ttl=3)


def error(six: bool, about: bytes, kind: int = p.TIME_EXCEEDED) -> bytes:
    return p.icmp_error(kind, 0, at(ROUTER, six), about, quoted_ttl=1, ttl=62)


@pytest.mark.parametrize("six", [False, True])
def test_the_filter_lets_one_flow_pass(six: bool) -> None:
    program = bpf.flow(SIX[SERVER] if six else SERVER, 443, 61000, 6)
    back = p.tcp(at(SERVER, six), 443, at(ME, six), 61000, seq=1, flags=p.RST)
    wanted = [sent(six), back, error(six, sent(six)), error(six, sent(six), p.UNREACHABLE)]
    others = [
        sent(six, sport=61001),
        sent(six, dport=80),
        sent(six, to=OTHER),
        p.tcp(at(OTHER, six), 443, at(ME, six), 61000, seq=1, flags=p.RST),
        p.udp(at(SERVER, six), 443, at(ME, six), 61000, b"x"),
        error(six, sent(six, sport=61001)),
        error(six, sent(six, to=OTHER)),
        sent(not six),
        sent(six)[:20],
        b"",
    ]
    assert [bpf.passes(program, packet) for packet in wanted] == [True] * 4
    assert [bpf.passes(program, packet) for packet in others] == [False] * len(others)


def test_jumps_go_forward_only_as_the_kernel_wants_it() -> None:
    for address in (SERVER, SIX[SERVER]):
        for _, true, false, _ in bpf.flow(address, 443, 61000, 17):
            assert 0 <= true < 256
            assert 0 <= false < 256


@pytest.mark.parametrize("six", [False, True])
def test_what_packets_say(six: bool) -> None:
    packet = read(Caught(1.5, True, sent(six, data=b"hello")))
    assert isinstance(packet, Packet)
    assert (packet.ttl, packet.sport, packet.dport, packet.seq, packet.ack) == (3, 61000, 443, 7, 9)
    assert (packet.flags, packet.window, packet.payload, packet.next_seq) == ("PA", 500, b"hello", 12)
    assert (packet.ip_id, packet.dont_fragment) == ((None, None) if six else (0, True))
    quote = read(Caught(2.0, False, error(six, sent(six))))
    assert isinstance(quote, Quote)
    assert (quote.router, quote.icmp_type, quote.seq) == (SIX[ROUTER] if six else ROUTER, 11, 7)
    datagram = read(Caught(0.0, False, p.udp(at(SERVER, six), 53, at(ME, six), 4000, b"answer")))
    assert isinstance(datagram, Packet)
    assert (datagram.flags, datagram.window, datagram.payload) == ("", None, b"answer")


@pytest.mark.parametrize("six", [False, True])
def test_no_torn_packet_raises(six: bool) -> None:
    for whole in (sent(six, data=b"hello"), error(six, sent(six)), p.udp(*_udp(six), b"x")):
        for size in range(len(whole)):
            read(Caught(0.0, False, whole[:size]))
        for place in range(len(whole)):
            torn = bytearray(whole)
            torn[place] ^= 0xFF
            read(Caught(0.0, False, bytes(torn)))


def _udp(six: bool) -> tuple[bytes, int, bytes, int]:
    return at(SERVER, six), 53, at(ME, six), 4000


def test_without_the_capability_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> socket.socket:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(socket, "socket", refuse)
    if sys.platform == "linux":
        assert "CAP_NET_RAW" in capture.why()
    with pytest.raises(capture.Unavailable, match="deep mode needs"):
        capture.listen(SERVER, 443, 61000)


KERNEL = """
import json, socket, trio
from gatewatch.net import capture, hello
from gatewatch.net.dissect import Packet, read
from gatewatch.net.shot import Flow

async def main():
    address = socket.getaddrinfo("reset.com", 443)[0][4][0]
    listening = capture.listen(address, 443, 61000)
    await Flow(address, 80, 61001).say(b"GET / HTTP/1.1\\r\\nHost: free.com\\r\\n\\r\\n", 64, 0.3)
    flow = Flow(address, 443, 61000)
    for name, ttl in (("reset.com", 5), ("free.com", 3)):
        await flow.say(hello.client_hello(name), ttl, 0.3)
        await trio.sleep(0.1)
        seen = [read(caught) for caught in listening.take()]
        print(json.dumps([
            [p.sent, p.flags, p.ttl, len(p.payload) > 0] if isinstance(p, Packet) else [p.router, p.icmp_type]
            for p in seen
        ]))

trio.run(main)
"""


def test_a_packet_socket_sees_what_the_kernel_says_and_hears(tmp_path: Path) -> None:
    if kernel.available() is None:
        pytest.skip(f"no kernel attachment: {kernel.why()}")
    if os.geteuid() != 0:
        pytest.skip("packets can only be captured with CAP_NET_RAW")
    script = tmp_path / "capture.py"
    script.write_text(KERNEL, encoding="utf-8")
    done = subprocess.run(
        kernel.argv("small", "blocked", [sys.executable, str(script)]),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=kernel.environment(),
    )
    assert done.returncode == 0, done.stderr
    forbidden, allowed = map(json.loads, done.stdout.splitlines())
    assert forbidden[:4] == [
        [True, "S", 64, False],
        [False, "SA", 57, False],
        [True, "A", 64, False],
        [True, "PA", 5, True],
    ]
    # The filter of `small` is in the path: a reset with a TTL of its own, and no word from the fifth router.
    assert [False, "RA", 61, False] in forbidden
    assert not any(row[0] == "36.37.130.14" for row in forbidden)
    assert ["36.37.129.9", 11] in allowed
