"""The hostile client of the benchmark `hostile`, inside the lab: a helper of its own, and no mercy with it.

    python -m gatewatch.lab.inside small clear -- python -m benchmarks.hostile_client COUNT [--quick]

Prints one JSON object.  Every request must get an answer that says what is wrong, within the helper's own
limits; a good question in between, and the one after all of them, must be measured.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import trio

from benchmarks.hostile_requests import Hostile, ask, body, requests, status, written

PORT = 8080
#: Requests at once; more would only be turned away as too many.
AT_ONCE = 40
#: After so many, a good question is asked in between.
GOOD_EVERY = 100
# The helper's limits (gatewatch.helper): a measurement 19 s, an unread answer 16 s a piece, a slow head 10 s.
PATIENCE = 40.0


async def one(hostile: Hostile) -> str:
    """Send one request; gives what was wrong with the answer, "" for nothing."""
    try:
        stream = await trio.open_tcp_stream("127.0.0.1", PORT)
    except OSError as error:
        return f"no connection: {error}"
    answer = bytearray()
    async with stream:
        with trio.move_on_after(PATIENCE) as limit:
            async with trio.open_nursery() as nursery:

                async def send() -> None:
                    with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                        await hostile.send(stream)

                nursery.start_soon(send)
                try:
                    if hostile.deaf:
                        # Nothing is read until the helper must have lost its patience.
                        await trio.sleep(PATIENCE / 2)
                    while data := await stream.receive_some(65_536):
                        answer += data
                except (trio.BrokenResourceError, OSError):
                    if not hostile.deaf and not answer:
                        return "reset without a word"
                nursery.cancel_scope.cancel()
        if limit.cancelled_caught:
            return f"nothing for {PATIENCE:.0f} s: {bytes(answer[:80])!r}"
    if hostile.deaf:
        return "" if len(answer) < 1 << 20 else "all of it was kept for a client that did not read"
    try:
        return hostile.right(bytes(answer))
    except (ValueError, KeyError, TypeError) as error:
        return f"{type(error).__name__}: {error}: {bytes(answer[:120])!r}"


def good(answer: bytes) -> str:
    """A good question must be measured."""
    page = body(answer)["http_request"] if status(answer) == 200 else {}
    return "" if page.get("status_code") == 200 else f"the good one got {answer[:200]!r}"


async def attack(count: int, quick: bool, pid: int) -> dict[str, Any]:
    """Send them all; gives counts, what was wrong, and the helper's memory."""
    made = requests(count, random.Random(7), quick)
    wrong: list[str] = []
    asked = served = ended = 0
    limiter = trio.CapacityLimiter(AT_ONCE)
    began = trio.current_time()

    async def limited(hostile: Hostile) -> None:
        nonlocal ended
        async with limiter:
            problem = await one(hostile)
        if problem:
            wrong.append(f"{hostile.kind}: {problem}")
        ended += 1
        if ended % GOOD_EVERY == 0:
            await ask_well()

    async def ask_well() -> None:
        nonlocal asked, served
        asked += 1
        problem = await one(Hostile("good", written(ask("https://live.com/")), good))
        served += not problem
        if problem:
            wrong.append(problem)

    async with trio.open_nursery() as nursery:
        for hostile in made:
            nursery.start_soon(limited, hostile)
    await ask_well()
    return {
        "requests": len(made),
        "kinds": dict(Counter(hostile.kind for hostile in made)),
        "wrong": wrong,
        "good_asked": asked,
        "good_served": served,
        "seconds": round(trio.current_time() - began, 1),
        **memory(pid),
    }


def memory(pid: int) -> dict[str, Any]:
    """The helper's memory, now and at its highest (VmRSS and VmHWM), in MB, and its open files."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = dict(re.findall(r"(VmHWM|VmRSS):\s+(\d+) kB", text))
    files = len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 -- a count of entries that vanish meanwhile
    return {"vmhwm_mb": int(found["VmHWM"]) / 1024, "vmrss_mb": int(found["VmRSS"]) / 1024, "files": files}


async def main(count: int, quick: bool) -> dict[str, Any]:
    """Start a helper, attack it, and say how it went."""
    command = [sys.executable, "-m", "gatewatch", "helper", "serve", "--port", str(PORT), "--rate", "1000"]
    async with trio.open_nursery() as nursery:
        process = await nursery.start(
            lambda task_status: trio.run_process(
                command, stderr=subprocess.DEVNULL, check=False, task_status=task_status
            )
        )
        for _ in range(200):
            try:
                await (await trio.open_tcp_stream("127.0.0.1", PORT)).aclose()
                break
            except OSError:
                await trio.sleep(0.05)
        result = await attack(count, quick, process.pid)
        process.terminate()
    result["exit_code"] = process.returncode
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--quick", action="store_true")
    chosen = parser.parse_args()
    print(json.dumps(trio.run(main, chosen.count, chosen.quick)))
