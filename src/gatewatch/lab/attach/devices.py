"""The device between the client's kernel and the engine: TUN, or a veth pair read through AF_PACKET.

TUN is faster and simpler, but /dev/net/tun may be closed to ordinary users; a veth pair needs nothing
outside the namespace.  Both ends of the pair live in the client's own namespace: the far end has no
address, and frames are addressed so that only the packet socket takes them.
"""

from __future__ import annotations

import sys

if sys.platform != "linux":
    raise ImportError("TUN and AF_PACKET exist on Linux only")

import array
import contextlib
import fcntl
import os
import socket
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gatewatch.lab.attach.namespaces import network_admin_inherited

Kind = Literal["tun", "veth"]
NAME = "gw0"
_FAR = "gw1"
# Room for a burst of every client at once: 20,000 packets of a 50 ms path are 400,000 a second.
_QUEUE = 20_000
_SOCKET_BUFFER = 32 << 20
# <linux/if_tun.h>
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
# <linux/sockios.h> and <linux/ethtool.h>: switch off receive and transmit checksums, TSO, GSO and GRO, since
# nobody on this link would ever fill in what they leave open.
_SIOCETHTOOL = 0x8946
_OFFLOADS = (0x15, 0x17, 0x1F, 0x24, 0x2C)
# <linux/if_ether.h>; a packet socket bound to ETH_P_ALL takes both families.
_ETH_P_IP, _ETH_P_IPV6, _ETH_P_ALL = 0x0800, 0x86DD, 0x0003
_SO_RCVBUFFORCE, _SO_SNDBUFFORCE = 33, 32
# <linux/if_packet.h>: our own frames must not come back to us.
_SOL_PACKET, _PACKET_IGNORE_OUTGOING = 263, 23
# Locally administered MAC addresses; the near device sends to itself, since ARP is off.
_NEAR_MAC, _FAR_MAC = "02:00:00:00:00:0c", "02:00:00:00:00:0d"


class DeviceError(RuntimeError):
    """The device could not be made; the message says what failed and why."""


@dataclass(frozen=True, slots=True)
class Device:
    """An open device: its file descriptor, and the link headers that packets carry there, by family."""

    kind: Kind
    fd: int
    header: bytes
    header6: bytes


def _ip(*batch: str) -> None:
    """Run commands of iproute2's ``ip``."""
    try:
        with network_admin_inherited():
            done = subprocess.run(
                ["ip", "-batch", "-"], input="\n".join(batch), capture_output=True, text=True, check=False
            )
    except FileNotFoundError:
        raise DeviceError("the command `ip` is not installed (Debian: iproute2)") from None
    if done.returncode:
        raise DeviceError(f"ip: {done.stderr.strip() or done.returncode}")


def _up(address: str, address6: str) -> tuple[str, ...]:
    return (
        "link set lo up",
        f"addr add {address}/32 dev {NAME}",
        # No link-local address: with it, the kernel would solicit routers and report to multicast groups.
        *_without_link_local(NAME),
        f"link set {NAME} mtu 1500 txqueuelen {_QUEUE} up",
        # Without src, raw sockets would send from 0.0.0.0.
        f"route add default dev {NAME} src {address}",
        # Nobody else is on this link: no address to detect, and a device without ARP looks for no neighbour.
        *((f"addr add {address6}/128 dev {NAME} nodad",) if address6 else ()),
        *((f"route add ::/0 dev {NAME} src {address6}",) if address6 else ()),
    )


def _has_ipv6() -> bool:
    return Path("/proc/sys/net/ipv6").is_dir()


def _without_link_local(name: str) -> tuple[str, ...]:
    return (f"link set {name} addrgenmode none",) if _has_ipv6() else ()


def _set(path: str, value: str) -> None:
    """Set a sysctl of this namespace where the system lets us; each only improves on a usable default."""
    with contextlib.suppress(OSError):
        Path("/proc/sys", path).write_text(value)


def _tune() -> None:
    # Thousands of connections from one address, many to the same server.
    _set("net/ipv4/ip_local_port_range", "1024 65535")
    _set("net/ipv4/tcp_tw_reuse", "1")


def _open_tun(address: str, address6: str) -> Device:
    try:
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise DeviceError(f"/dev/net/tun: {error.strerror}") from error
    try:
        fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", NAME.encode(), _IFF_TUN | _IFF_NO_PI))
    except OSError as error:
        os.close(fd)
        raise DeviceError(f"/dev/net/tun: making an interface: {error.strerror}") from error
    _ip(*_up(address, address6))
    return Device("tun", fd, b"", b"")


def _no_offloads(name: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for command in _OFFLOADS:
            value = array.array("B", struct.pack("II", command, 0))
            request = struct.pack("16sP", name.encode(), value.buffer_info()[0])
            try:
                fcntl.ioctl(control, _SIOCETHTOOL, request)
            except OSError:
                continue  # some are fixed off already; what must be off is proved by available()


def _grow(sock: socket.socket, force: int, plain: int) -> None:
    """Enlarge a socket buffer, past the system's limit where that is allowed."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, force, _SOCKET_BUFFER)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, plain, _SOCKET_BUFFER)


def _open_veth(address: str, address6: str) -> Device:
    _ip(
        f"link add {NAME} address {_NEAR_MAC} type veth peer name {_FAR} address {_FAR_MAC}",
        f"link set {NAME} arp off",
        *_without_link_local(_FAR),
        f"link set {_FAR} arp off txqueuelen {_QUEUE} up",
        *_up(address, address6),
    )
    for name in (NAME, _FAR):
        _no_offloads(name)
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
    sock.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    _grow(sock, _SO_RCVBUFFORCE, socket.SO_RCVBUF)
    _grow(sock, _SO_SNDBUFFORCE, socket.SO_SNDBUF)
    sock.bind((_FAR, _ETH_P_ALL))
    macs = bytes.fromhex((_NEAR_MAC + _FAR_MAC).replace(":", ""))
    headers = (macs + kind.to_bytes(2, "big") for kind in (_ETH_P_IP, _ETH_P_IPV6))
    return Device("veth", sock.detach(), *headers)


def make(kind: Kind | None, address: str, address6: str = "") -> Device:
    """Make the client's only interface, with its addresses and default routes; None tries TUN, then veth.

    Raises DeviceError.
    """
    if address6 and not _has_ipv6():
        raise DeviceError("this kernel has no IPv6, and the client is to have an IPv6 address")
    _tune()
    if kind != "veth":
        try:
            return _open_tun(address, address6)
        except DeviceError:
            if kind == "tun":
                raise
    return _open_veth(address, address6)
