"""What is done to a machine and its line, from within the lab's namespace: interface, address, resolver.

Everything here happens in the namespaces of the lab around this process; the machine itself notices nothing.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

DEVICE = "gw0"
RESOLV = Path("/etc/resolv.conf")


def ip(*words: str) -> str:
    """Run iproute2's ``ip`` and give what it prints; raises CalledProcessError."""
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


class Interface:
    """The client's only interface, as it was found."""

    def __init__(self) -> None:
        (found,) = json.loads(ip("-json", "addr", "show", "dev", DEVICE))
        by_family = {row["family"]: row["local"] for row in found["addr_info"] if row["scope"] == "global"}
        self.address: str = by_family["inet"]
        self.address6: str = by_family.get("inet6", "")

    def down(self) -> None:
        """Take it down; the kernel forgets its routes and its IPv6 addresses."""
        ip("link", "set", DEVICE, "down")

    def up(self, address: str = "") -> None:
        """Bring it up again as it was, or with another IPv4 address, as a DHCP server might give one."""
        ip("link", "set", DEVICE, "up")
        ip("-4", "addr", "flush", "dev", DEVICE)
        ip("addr", "add", f"{address or self.address}/32", "dev", DEVICE)
        ip("route", "replace", "default", "dev", DEVICE, "src", address or self.address)
        if self.address6:
            ip("addr", "replace", f"{self.address6}/128", "dev", DEVICE, "nodad")
            ip("-6", "route", "replace", "::/0", "dev", DEVICE, "src", self.address6)

    def no_address(self) -> None:
        """Take the IPv4 address away, and with it the route; the interface stays up."""
        ip("addr", "del", f"{self.address}/32", "dev", DEVICE)

    def address_again(self) -> None:
        """Give the address back."""
        ip("addr", "add", f"{self.address}/32", "dev", DEVICE)
        ip("route", "replace", "default", "dev", DEVICE, "src", self.address)

    def no_ipv6(self) -> None:
        """Take IPv6 away for good."""
        ip("-6", "addr", "flush", "dev", DEVICE)
        ip("-6", "route", "flush", "dev", DEVICE)


def resolvers(text: str) -> None:
    """Write resolv.conf anew, in its place."""
    RESOLV.write_text(text, encoding="ascii")
