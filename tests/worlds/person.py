"""A person whom no output may tell of: addresses, hardware, names, home, and the first hops of the way."""

from __future__ import annotations

import base64
import gzip
import ipaddress
import json
import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LETTERS = "bcdfghjkmnpqrstvwxz"


@dataclass(frozen=True)
class Person:
    """One person's line and machine; every text here is one that must not come out."""

    own4: str
    own6: str
    mac: str
    ssid: str
    host: str
    user: str
    home: str
    router: str
    nat: str
    exchange: str

    @property
    def addresses(self) -> tuple[str, ...]:
        """What the machine sends from."""
        return (self.own4, self.own6)

    @property
    def names(self) -> tuple[str, ...]:
        """What gatewatch.runner.own finds out."""
        octets = self.mac.split(":")
        plain = "".join(octets)
        return (self.host, self.home, self.ssid, self.user, "-".join(octets), plain)

    @property
    def path(self) -> list[tuple[int, str]]:
        """The first hops."""
        return [(1, self.router), (2, self.nat), (3, self.exchange)]

    def tells(self, data: bytes) -> list[str]:
        """What of the person is in some data, however it is packed or written."""
        views = _views(data)
        texts = "\n".join(view.decode("latin-1") for view in views).lower()
        found = [text for text in self._texts() if text.lower() in texts]
        packed = [
            ipaddress.ip_address(a).packed for a in (*self.addresses, self.router, self.nat, self.exchange)
        ]
        raw = views if data[:4] == b"\xd4\xc3\xb2\xa1" or data[:4] == b"\xa1\xb2\xc3\xd4" else views[1:]
        return found + [p.hex() for p in packed if any(p in view for view in raw)]

    def _texts(self) -> list[str]:
        octets = self.mac.split(":")
        plain = "".join(octets)
        spelled = [self.mac, "-".join(octets), plain, ".".join(plain[n : n + 4] for n in (0, 4, 8))]
        for text in (self.own4, self.own6, self.router, self.nat, self.exchange):
            address = ipaddress.ip_address(text)
            spelled += [text, address.exploded, address.reverse_pointer]
            spelled += [text.replace(".", mark) for mark in "-_" if "." in text]
        return [*spelled, self.ssid, self.host, self.user, self.home]


def _views(data: bytes) -> list[bytes]:
    """The data as it is, unpacked, and everything that is base64 in it."""
    views = [data]
    if data[:2] == b"\x1f\x8b":
        views = [gzip.decompress(data)]
    for text in re.findall(rb'"([A-Za-z0-9+/]{12,}={0,2})"', views[0]):
        try:
            views.append(base64.b64decode(text, validate=True))
        except ValueError:
            continue
    # JSON may write any letter as an escape.
    for line in views[0].splitlines():
        try:
            views.append(json.dumps(json.loads(line), ensure_ascii=False).encode("utf-8", "surrogatepass"))
        except ValueError:
            continue
    return views


def person(rng: random.Random) -> Person:
    """Somebody whose names are no words, so that they stand nowhere by chance."""

    def word(length: int) -> str:
        return "".join(rng.choice(_LETTERS) for _ in range(length))

    def public() -> str:
        while True:
            address = ipaddress.IPv4Address(rng.randrange(2**31, 2**32 - 2**29))
            if address.is_global and str(address).count(".") == 3 and min(address.packed) > 9:
                return str(address)

    user = word(7)
    return Person(
        own4=public(),
        own6=str(ipaddress.IPv6Address((0x2400 << 112) + rng.getrandbits(112))),
        mac=":".join(f"{rng.randrange(17, 256):02x}" for _ in range(6)),
        ssid=f"{word(5)} {word(4)} net",
        host=f"{word(6)}-laptop",
        user=user,
        home=f"/home/{user}",
        router=f"192.168.{rng.randrange(20, 250)}.{rng.randrange(20, 250)}",
        nat=f"100.{rng.randrange(64, 128)}.{rng.randrange(20, 250)}.{rng.randrange(20, 250)}",
        exchange=public(),
    )


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def anything(rng: random.Random, who: Person) -> str:
    """A sentence that tells one thing of the person, as errors, pages and routers do."""
    sentences: list[Any] = [
        f"[Errno 13] Permission denied: '{who.home}/.local/share/x'",
        f"connect to {who.own4}:443 from {who.own6} failed",
        f"Welcome to {who.ssid}! Your device {who.mac} is {who.own4}",
        f"{who.host}.lan: {who.router} said no to {who.user}",
        f"X-Client: {who.mac.replace(':', '-')} X-Host: {who.host}",
        f"<p>{who.user}@{who.host}</p>",
    ]
    return str(rng.choice(sentences))
