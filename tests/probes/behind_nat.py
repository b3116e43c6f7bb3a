"""Locates from behind a NAT: a namespace of its own, whose traffic a router masquerades into the lab.

A program, run inside the lab with the right to change its network.  It prints the loci as a line of JSON, or
ends with status 77 and says why there is no NAT here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import trio

INSIDE, ROUTER = "10.77.0.2", "10.77.0.1"
SKIP = 77


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{' '.join(command[:3])}: {done.stderr.strip()}", file=sys.stderr)
        raise SystemExit(SKIP)


def masquerade(inside: int) -> None:
    """Put a router between this namespace and the one of a process."""
    rules: list[tuple[str, ...]]
    if shutil.which("iptables"):
        rules = [("iptables", "-t", "nat", "-A", "POSTROUTING", "-s", f"{INSIDE}/24", "-j", "MASQUERADE")]
    elif shutil.which("nft"):
        rules = [
            ("nft", "add", "table", "ip", "nat"),
            ("nft", "add", "chain", "ip", "nat", "out", "{ type nat hook postrouting priority 100 ; }"),
            ("nft", "add", "rule", "ip", "nat", "out", "ip", "saddr", f"{INSIDE}/24", "masquerade"),
        ]
    else:
        print("neither iptables nor nft is installed", file=sys.stderr)
        raise SystemExit(SKIP)
    within = ("nsenter", "-t", str(inside), "-n", "ip")
    _run("ip", "link", "add", "nat0", "type", "veth", "peer", "name", "nat1", "netns", str(inside))
    _run("ip", "addr", "add", f"{ROUTER}/24", "dev", "nat0")
    _run("ip", "link", "set", "nat0", "up")
    _run(*within, "addr", "add", f"{INSIDE}/24", "dev", "nat1")
    _run(*within, "link", "set", "nat1", "up")
    _run(*within, "link", "set", "lo", "up")
    _run(*within, "route", "add", "default", "via", ROUTER)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    for rule in rules:
        _run(*rule)


async def locate(url: str) -> None:
    """Measure as anybody would."""
    from gatewatch.net.wire import Wire
    from gatewatch_probes.locate import Locate
    from gatewatch_targets import Target

    keys = await Locate(seed=1).measure(Target(url), Wire())
    print(json.dumps(keys.extra["x_gatewatch_locate"]))


def main(url: str) -> None:
    """Be the router first, and then, in the other namespace, the one who measures."""
    if url.startswith("inside:"):
        trio.run(locate, url.removeprefix("inside:"))
        return
    inside = subprocess.Popen(["unshare", "-n", "sleep", "600"])
    try:
        while Path(f"/proc/{inside.pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink():
            if inside.poll() is not None:
                print("unshare: no namespace within the lab's", file=sys.stderr)
                raise SystemExit(SKIP)
        masquerade(inside.pid)
        again = [sys.executable, __file__, f"inside:{url}"]
        done = subprocess.run(["nsenter", "-t", str(inside.pid), "-n", *again], check=False)
    finally:
        inside.kill()
        inside.wait()
    raise SystemExit(done.returncode)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", os.pathsep.join(sys.path))
    main(sys.argv[1])
