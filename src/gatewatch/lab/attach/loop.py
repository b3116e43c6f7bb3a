"""The packet loop: one process, one device, ``select()``, and the engine.

It stays outside trio because trio's timers go through epoll, which rounds to milliseconds: the same loop as
trio tasks held a 50 ms path within half a millisecond for 22 % of packets, this one for more than 90 %.
"""

from __future__ import annotations

import sys

if sys.platform != "linux":
    raise ImportError("the kernel attachment exists on Linux only")

import gc
import os
import select
import time
from collections.abc import Callable

from gatewatch.lab.attach.devices import Device
from gatewatch.lab.attach.namespaces import sharp_timers
from gatewatch.lab.path.engine import Engine
from gatewatch.lab.path.packet import PLAIN_IPV4

# The MTU, a link header, and then some.
_BUFFER = 2048
# Packets read before due ones are written: 64 take about half a millisecond.
_BATCH = 64
# A full collection takes 5 ms and more with thousands of connections, so it waits for a pause; these are the
# finished connections (their reference cycles) after which it is due in a pause, and at any rate.
_COLLECT_IDLE, _COLLECT_ANYWAY = 200, 1_000
_PAUSE = 0.02


def _write(device: Device, packets: list[bytes | bytearray]) -> None:
    fd, header, header6 = device.fd, device.header, device.header6
    for packet in packets:
        if header:
            packet = (header if packet[0] == PLAIN_IPV4 else header6) + packet
        try:
            os.write(fd, packet)
        except OSError:
            continue  # lost: a full queue, or the client has taken its interface down


def run(device: Device, engine: Engine, started: Callable[[], object]) -> None:
    """Carry packets until the process is told to end by a signal whose handler raises.

    ``started`` is called once, when packets are carried from now on.
    """
    sharp_timers()
    gc.disable()  # the loop chooses when
    fd, skip = device.fd, len(device.header)
    buffer = bytearray(_BUFFER)
    buffers = [buffer]
    readv, clock, wait = os.readv, time.monotonic, select.select
    from_client, due_time, pop = engine.from_client, engine.due, engine.pop
    watched = [fd]
    collected = 0
    started()
    while True:
        due = due_time()
        pause = None if due is None else max(due - clock(), 0.0)
        finished = engine.finished - collected
        if finished > _COLLECT_ANYWAY or (finished > _COLLECT_IDLE and (pause is None or pause > _PAUSE)):
            collected = engine.finished
            gc.collect()
            continue
        if wait(watched, (), (), pause)[0]:
            now = clock()
            for _ in range(_BATCH):
                try:
                    size = readv(fd, buffers)
                except BlockingIOError:
                    break
                except OSError:  # the client has taken its interface down; it may come up again
                    time.sleep(_PAUSE)
                    break
                from_client(buffer[skip:size], now)
        now = clock()
        _write(device, pop(now))
