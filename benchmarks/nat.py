"""A NAT in front: a network namespace behind the lab's own, whose traffic the kernel masquerades into it.

For programs that run inside the lab (``gatewatch lab run``) with the right to change its network: root, and
iptables or nft.  It is the NAT of a home router that runs Linux.  What comes from source ports up to 49999
keeps its port, as home routers do it; what comes from ports above gets another one for each connection, as
behind carriers' NATs (RFC 7857 5 asks for such).
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: The client's address and that of its router, the first hop.
INSIDE, ROUTER = "10.77.0.2", "10.77.0.1"
#: Source ports from here on are not kept.
CHANGED = 50_000
_NET = f"{INSIDE}/24"
_SYSTEM = Path("/proc/sys/net/ipv4")


class Unavailable(RuntimeError):
    """There can be no NAT here; the text says why."""


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise Unavailable(f"the command {command[0]} is not installed") from None
    if done.returncode:
        raise Unavailable(f"{' '.join(command[:3])}: {done.stderr.strip()}")


def _rules() -> Iterator[tuple[str, ...]]:
    rule: tuple[str, ...]
    if shutil.which("iptables"):
        rule = ("iptables", "-t", "nat", "-A", "POSTROUTING", "-s", _NET)
        for protocol in ("tcp", "udp"):
            changed = ("-p", protocol, "--sport", f"{CHANGED}:65535")
            yield (*rule, *changed, "-j", "MASQUERADE", "--random-fully")
        yield (*rule, "-j", "MASQUERADE")
    elif shutil.which("nft"):
        rule = ("nft", "add", "rule", "ip", "nat", "out", "ip", "saddr", _NET)
        yield ("nft", "add", "table", "ip", "nat")
        yield ("nft", "add", "chain", "ip", "nat", "out", "{ type nat hook postrouting priority 100 ; }")
        for protocol in ("tcp", "udp"):
            yield (*rule, protocol, "sport", f"{CHANGED}-65535", "masquerade", "fully-random")
        yield (*rule, "masquerade")
    else:
        raise Unavailable("neither iptables nor nft is installed")


def _masquerade(inside: int) -> None:
    """Put a router between the namespace of a process and this one."""
    rules = tuple(_rules())
    within = ("nsenter", "-t", str(inside), "-n", "ip")
    _run("ip", "link", "add", "nat0", "type", "veth", "peer", "name", "nat1", "netns", str(inside))
    _run("ip", "addr", "add", f"{ROUTER}/24", "dev", "nat0")
    _run("ip", "link", "set", "nat0", "up")
    _run(*within, "addr", "add", _NET, "dev", "nat1")
    _run(*within, "link", "set", "nat1", "up")
    _run(*within, "link", "set", "lo", "up")
    _run(*within, "route", "add", "default", "via", ROUTER)
    try:
        (_SYSTEM / "ip_forward").write_text("1")
    except OSError as error:
        raise Unavailable(f"ip_forward: {error.strerror}") from None
    for rule in rules:
        _run(*rule)


def _entered(pid: int) -> bool:
    """Tell whether a process is in another network namespace than we are."""
    try:
        return Path(f"/proc/{pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()
    except OSError:
        return False  # it has ended


@contextmanager
def behind(*, households: int = 1) -> Iterator[tuple[str, ...]]:
    """Make the namespace; gives the words before a command that is to run in it.  Raises Unavailable.

    ``households``: how many clients it stands for, each with a router's ration of ICMP errors of its own,
    which Linux deals out by address: one a second (icmp(7), icmp_ratelimit).
    """
    try:
        inside = subprocess.Popen(["unshare", "-n", "sleep", "3600"], stderr=subprocess.PIPE, text=True)
    except FileNotFoundError:
        raise Unavailable("the command unshare is not installed") from None
    try:
        while not _entered(inside.pid):
            if inside.poll() is not None:
                said = inside.stderr.read().strip() if inside.stderr else ""
                raise Unavailable(said or "no namespace within the lab's")
        _masquerade(inside.pid)
        (_SYSTEM / "icmp_ratelimit").write_text(str(1000 // households))
        yield ("nsenter", "-t", str(inside.pid), "-n")
    finally:
        inside.kill()
        inside.communicate()
