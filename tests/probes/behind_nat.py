"""Locates from behind a NAT: a namespace of its own, whose traffic a router masquerades into the lab.

A program, run inside the lab with the right to change its network.  It prints the loci as a line of JSON, or
ends with status 77 and says why there is no NAT here.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import trio
from benchmarks import nat

from gatewatch.net.restraint import Restraint
from gatewatch.net.shot import Flow
from gatewatch.net.wire import Wire
from gatewatch_probes.locate import Locate
from gatewatch_targets import Target

SKIP = 77


async def locate(url: str) -> None:
    """Measure as anybody would."""
    # The lab is nobody's line: ten connections a second.
    wire = Wire(restraint=Restraint(between=0.1))
    keys = await Locate(seed=1).measure(Target(url), wire)
    print(json.dumps(keys.extra["x_gatewatch_locate"]))


async def first_hop(url: str) -> None:
    """Say something that comes as far as the NAT, which answers before it is wholly sent."""
    found = await trio.socket.getaddrinfo(Target(url).host, 80, socket.AF_INET, socket.SOCK_STREAM)
    echoes = await Flow(str(found[0][4][0]), 80, 40001).say(b"GET / HTTP/1.1\r\n", 1, 0.2)
    print(json.dumps([[echo.kind for echo in echoes or ()]]))


def main(url: str) -> None:
    """Be the router first, and then, in the other namespace, the one who measures."""
    if url.startswith("inside:"):
        url = url.removeprefix("inside:")
        trio.run(first_hop if url.startswith("http:") else locate, url)
        return
    try:
        with nat.behind(households=10) as enter:
            done = subprocess.run([*enter, sys.executable, __file__, f"inside:{url}"], check=False)
    except nat.Unavailable as why:
        print(why, file=sys.stderr)
        raise SystemExit(SKIP) from None
    raise SystemExit(done.returncode)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", os.pathsep.join(sys.path))
    main(sys.argv[1])
