"""The client inside the lab that the packets benchmark runs; prints one JSON value.

packets_client flood SECONDS RATE...     offer UDP echo traffic, count what comes back
packets_client rtt SECONDS LOAD          time round trips of a 50 ms path with LOAD packets/s beside
packets_client load SECONDS RATE         that traffic
packets_client mirror tun|veth ...       the same commands before a mirror that carries nothing
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import statistics
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

# The echo service of any address; this one lies 25 ms away in the benchmark's scenario.
_ECHO = ("8.8.8.8", 7)
# 100 bytes with IPv4 and UDP headers, as in the measurements this compares with.
_PAYLOAD = bytes(72)
# Round trips are timed two hundred times a second, slow enough not to queue behind each other.
_RTT_RATE = 200
# The kernel notes when a packet reached the socket, before Python is scheduled (socket(7)).
_SO_TIMESTAMPNS = 35


def _socket() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, option, 8 << 20)
    sock.connect(_ECHO)
    return sock


def _drain(sock: socket.socket, buffer: bytearray) -> int:
    count = 0
    try:
        while True:
            sock.recv_into(buffer)
            count += 1
    except BlockingIOError:
        return count


def _others_cpu() -> float:
    """CPU seconds so far of the process that carries our packets: our sibling, or our child."""
    ticks = 0
    for parent in (os.getppid(), os.getpid()):
        for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
            if int(child) != os.getpid():
                fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def flood(seconds: float, rate: int) -> dict[str, float]:
    """Send at a steady rate in bursts of a millisecond; count the answers."""
    sock, buffer = _socket(), bytearray(2048)
    sent = answered = refused = 0
    cpu = _others_cpu()
    start = time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        for _ in range(min(int(elapsed * rate) - sent, rate // 500)):
            try:
                sock.send(_PAYLOAD)
            except BlockingIOError:
                refused += 1
                break
            sent += 1
        answered += _drain(sock, buffer)
        ahead = (sent + rate / 1000) / rate - (time.perf_counter() - start)
        if ahead > 0:
            select.select([sock], (), (), min(ahead, 0.001))
    took = time.perf_counter() - start
    end = time.perf_counter() + 0.5
    while time.perf_counter() < end:
        answered += _drain(sock, buffer)
        select.select([sock], (), (), 0.05)
    sock.close()
    cpu = _others_cpu() - cpu
    return {
        "offered_per_s": rate,
        "sent_per_s": round(sent / took),
        "answered_per_s": round(answered / took),
        "carrier_us_per_packet": round(cpu / max(answered, 1) * 1e6, 1),
        "lost": round(1 - answered / max(sent, 1), 5),
    }


def _stamped(sock: socket.socket) -> tuple[int, int]:
    """Receive an answer; gives when it was sent and when the kernel got it, in ns since the epoch."""
    data, ancillary, _, _ = sock.recvmsg(2048, 64)
    seconds, nanoseconds = struct.unpack("qq", ancillary[0][2][:16])
    return int.from_bytes(data[:8], "big"), seconds * 10**9 + nanoseconds


def rtt(seconds: float, load: int) -> dict[str, Any]:
    """Time round trips while another process makes ``load`` packets a second."""
    sock = _socket()
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    other = None
    if load:
        other = subprocess.Popen([sys.executable, "-m", __spec__.name, "load", str(seconds + 1), str(load)])
        time.sleep(0.5)
    trips: list[float] = []
    count = int(seconds * _RTT_RATE)
    start = time.perf_counter()
    for number in range(count):
        while (left := start + number / _RTT_RATE - time.perf_counter()) > 0:
            if select.select([sock], (), (), left)[0]:
                sent, got = _stamped(sock)
                trips.append((got - sent) / 1e6)
        sock.send(time.time_ns().to_bytes(8, "big") + _PAYLOAD)
    while select.select([sock], (), (), 0.2)[0]:
        sent, got = _stamped(sock)
        trips.append((got - sent) / 1e6)
    if other is not None:
        other.wait()
    cuts = statistics.quantiles(trips, n=100)
    near = sum(abs(trip - 50) <= 0.5 for trip in trips) / len(trips)
    figures = {"p50_ms": cuts[49], "p90_ms": cuts[89], "p99_ms": cuts[98], "within_half_ms": near}
    rounded = {name: round(value, 3) for name, value in figures.items()}
    return {"beside_per_s": load, "sent": count, "answered": len(trips), **rounded}


def mirror(attach: str, arguments: list[str]) -> None:
    """Do the same before a process that swaps each packet's addresses and writes it back at once."""
    from gatewatch.lab.attach import devices, namespaces

    namespaces.enter()
    device = devices.make("veth" if attach == "veth" else "tun", "36.37.200.10")
    child = os.fork()
    if child == 0:
        namespaces.die_with_parent(signal.SIGKILL)
        skip, buffer = len(device.header), bytearray(2048)
        while True:
            select.select([device.fd], (), ())
            for _ in range(64):
                try:
                    size = os.readv(device.fd, [buffer])
                except BlockingIOError:
                    break
                packet = buffer[skip:size]
                packet[12:24] = packet[16:20] + packet[12:16] + packet[22:24] + packet[20:22]
                os.write(device.fd, device.header + packet)
    try:
        main(arguments)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def main(arguments: list[str]) -> None:
    """Run one of the commands above."""
    command, *rest = arguments
    if command == "mirror":
        mirror(rest[0], rest[1:])
        return
    seconds = float(rest[0])
    if command == "load":
        flood(seconds, int(rest[1]))
        return
    answer = (
        rtt(seconds, int(rest[1])) if command == "rtt" else [flood(seconds, int(rate)) for rate in rest[1:]]
    )
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1:])
