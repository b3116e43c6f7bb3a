"""The crowd of the benchmark `crowd`, inside the lab: probes that ask a helper of its own all at once.

    python -m gatewatch.lab.inside small clear -- python -m benchmarks.crowd_client PROBES ROUNDS [--peer]

Each probe has an address of its own (127.1.x.y) and asks so many questions, one after another, about sites
that nobody has asked about before.  An answer is right when it says what the lab's world says.  With
``--peer`` the same probes ask an app that answers a constant.  Prints one JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import trio

from benchmarks.hostile_client import memory
from benchmarks.hostile_requests import body, request, status
from gatewatch.lab.country.scenario import load
from gatewatch.lab.servers.helper import helper
from gatewatch.lab.servers.http import Request
from gatewatch.lab.world import World

SCENARIO, ISP = "small", "clear"
PORT, PEER_PORT = 8080, 8090
#: Seconds that a probe waits for a helper's answer (docs/helper.md, `slow`).
PATIENCE = 30.0
# Who is sent away as too many comes again when he was told to, so often; each try has its own patience.
_TRIES, _COME_AGAIN = 6, 5.0
# Pages show their visitor's address, which is longer or shorter than the one of the world's own helper.
_ADDRESS = len("255.255.255.255")
# Of twenty sites: live over TLS, live with a redirect to it, refused, silent, without a name.
_KINDS = (*["https://s{}.crowd-bench.net/"] * 14, *["http://s{}.secure.com/"] * 2)
_KINDS += (*["https://s{}.refused.com/"] * 2, "https://s{}.vanished.com/", "https://s{}.dead.com/")


def urls(count: int) -> list[str]:
    """So many URLs, in a fixed mixture."""
    return [_KINDS[i * 7 % len(_KINDS)].format(i) for i in range(count)]


def ask(url: str) -> bytes:
    """Write a question whose answer ends the connection."""
    question = json.dumps({"http_request": url, "tcp_connect": []}).encode()
    return request(question, more=b"Connection: close\r\n")


def truth(world: World, url: str) -> Any:
    """What the world's own helper says of a URL."""
    question = json.dumps({"http_request": url, "tcp_connect": []}).encode()
    reply = helper(world)(Request("POST", "https", "helper", "/", {}, question, "", "", 443))
    return json.loads(reply.body)


def essence(answer: Any) -> dict[str, Any]:
    """What of an answer must be right: names, endpoints, and what became of the page."""
    page = answer["http_request"]
    return {
        "names": sorted(answer["dns"]["addrs"] or ()),
        "tcp": {where: found["failure"] for where, found in answer["tcp_connect"].items()},
        "tls": {where: found["failure"] for where, found in answer["tls_handshake"].items()},
        "page": [page[key] for key in ("status_code", "title", "failure")],
    }


def difference(told: Any, true: Any) -> str:
    """What of an answer is not as it is, "" for nothing."""
    lengths = [answer["http_request"]["body_length"] for answer in (told, true)]
    if abs(lengths[0] - lengths[1]) > _ADDRESS:
        return f"a page of {lengths[0]} bytes is one of {lengths[1]}"
    found, wanted = essence(told), essence(true)
    return "" if found == wanted else f"{found} is not {wanted}"


class Crowd:
    """So many probes, and what they were told."""

    def __init__(self, port: int, right: Callable[[str, bytes], str]) -> None:
        self._port, self._right = port, right
        self.times: list[float] = []
        self.wrong: list[str] = []
        self.statuses: Counter[int] = Counter()
        self.waiting = self.most = self.turned_away = 0

    async def question(self, address: str, url: str) -> None:
        """Ask one question; note how long it took and what was wrong with the answer."""
        began = trio.current_time()
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        try:
            for _ in range(_TRIES):
                answer = await self._ask(address, url)
                if status(answer) != 503:
                    break
                self.turned_away += 1
                began = trio.current_time() + _COME_AGAIN
                await trio.sleep(_COME_AGAIN)
        except (OSError, trio.BrokenResourceError) as error:
            self.wrong.append(f"{url}: {error!r}")
            return
        finally:
            self.waiting -= 1
        self.statuses[status(answer)] += 1
        self.times.append(trio.current_time() - began)
        problem = self._right(url, answer)
        if problem:
            self.wrong.append(f"{url} ({trio.current_time() - began:.1f} s): {problem}")

    async def _ask(self, address: str, url: str) -> bytes:
        answer = b""
        with trio.move_on_after(PATIENCE):
            async with await trio.open_tcp_stream("127.0.0.1", self._port, local_address=address) as stream:
                await stream.send_all(ask(url))
                while data := await stream.receive_some(65_536):
                    answer += data
        return answer

    async def all(self, probes: int, asked: list[str]) -> float:
        """Let every probe ask its share; gives the seconds that it took."""

        async def probe(number: int) -> None:
            address = f"127.1.{number >> 8}.{number % 256}"
            for url in asked[number::probes]:
                await self.question(address, url)

        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            for number in range(probes):
                nursery.start_soon(probe, number)
        return trio.current_time() - began


def percentiles(times: list[float]) -> dict[str, float]:
    """Median, 95th, 99th and the longest, in seconds."""
    ordered = sorted(times) or [0.0]
    at = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {name: round(ordered[min(int(p * len(ordered)), len(ordered) - 1)], 3) for name, p in at.items()}


async def serving(
    command: list[str], port: int, task_status: trio.TaskStatus[subprocess.Popen[bytes]]
) -> None:
    """Run a server until cancelled; reports it once it listens."""
    async with trio.open_nursery() as nursery:
        process: Any = await nursery.start(
            lambda task_status: trio.run_process(
                command, stdout=subprocess.DEVNULL, stderr=None, check=False, task_status=task_status
            )
        )
        for _ in range(400):
            with contextlib.suppress(OSError):
                await (await trio.open_tcp_stream("127.0.0.1", port)).aclose()
                break
            await trio.sleep(0.05)
        task_status.started(process)


async def main(probes: int, rounds: int, peer: bool) -> dict[str, Any]:
    """Start the server, let the crowd at it, and ask once more when all is quiet."""
    world = World(load(SCENARIO))

    def right(url: str, answer: bytes) -> str:
        try:
            return difference(body(answer), truth(world, url))
        except (ValueError, LookupError, TypeError) as error:
            return f"{error!r}: {answer[:160]!r}"

    def constant(_: str, answer: bytes) -> str:
        return "" if status(answer) == 200 else repr(answer[:80])

    if peer:
        port, command = PEER_PORT, ["-m", "hypercorn", "-k", "trio", "-b", f"127.0.0.1:{PEER_PORT}"]
        command += ["--log-level", "critical", "benchmarks.crowd_peer:app"]
    else:
        port, command = PORT, ["-m", "gatewatch", "helper", "serve", "--port", str(PORT)]
    crowd = Crowd(port, constant if peer else right)
    last = Crowd(port, constant if peer else right)
    async with trio.open_nursery() as nursery:
        process = await nursery.start(serving, [sys.executable, *command], port)
        idle = memory(process.pid)
        took = await crowd.all(probes, urls(probes * rounds))
        busy = memory(process.pid)
        await last.question("127.2.0.1", "https://after.crowd-bench.net/")
        await trio.sleep(3)
        quiet = memory(process.pid)
        process.terminate()
    return {
        "probes": probes,
        "asked": probes * rounds,
        "at_once": crowd.most,
        "statuses": dict(crowd.statuses),
        "turned_away": crowd.turned_away,
        "wrong": crowd.wrong[:8],
        "wrong_count": len(crowd.wrong),
        "last_wrong": last.wrong,
        "last_s": round(max(last.times, default=0.0), 3),
        "seconds": round(took, 2),
        "latency_s": percentiles(crowd.times),
        "idle": idle,
        "busy": busy,
        "quiet": quiet,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("probes", type=int)
    parser.add_argument("rounds", type=int)
    parser.add_argument("--peer", action="store_true")
    chosen = parser.parse_args()
    print(json.dumps(trio.run(main, chosen.probes, chosen.rounds, chosen.peer)))
