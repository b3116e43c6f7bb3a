"""Records of every type with an own address in one place of many, in one spelling of many; who finds it."""

from __future__ import annotations

import base64
import dataclasses
import html
import ipaddress
import json
import random
import types
from collections.abc import Callable
from typing import Any, get_args, get_origin, get_type_hints

from gatewatch import records

#: Where each record is written that is none of OONI's: test, key of test_keys ("" for all of them), record.
OWN_KEYS: tuple[tuple[str, str, type[Any]], ...] = (
    ("trace", "", records.TraceKeys),
    ("locate", "x_gatewatch_locate", records.Locus),
    ("locate", "x_gatewatch_box", records.Box),
    ("intercept", "x_gatewatch_intercept", records.Intercept),
    ("middlebox", "x_gatewatch_middlebox", records.OddRequest),
    ("contrast", "x_gatewatch_contrast", records.Contrast),
    ("quic", "x_gatewatch_quic", records.QuicKeys),
    ("throttle", "x_gatewatch_throttle", records.ThrottleKeys),
    ("ports", "x_gatewatch_ports", records.PortRow),
    ("sni", "x_gatewatch_sni", records.GreetingRow),
    ("sni", "x_gatewatch_residual", records.ResidualWait),
    ("web_connectivity", "x_gatewatch_second", records.SecondControl),
    ("web_connectivity", "x_gatewatch_resolver", records.ResolverHabits),
)
ONE = {"x_gatewatch_intercept", "x_gatewatch_contrast", "x_gatewatch_quic", "x_gatewatch_throttle"}
ONE |= {"x_gatewatch_resolver"}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Spelling = Callable[[random.Random, Address], str]


def _colons(rng: random.Random, address: Address) -> str:
    """IPv6 as its authors may: cases mixed, zeros kept or not, compressed or not; IPv4 mapped into it."""
    if isinstance(address, ipaddress.IPv4Address):
        packed = address.packed.hex()
        return rng.choice((f"::ffff:{address}", f"::FFFF:{packed[:4]}:{packed[4:]}", f"64:ff9b::{address}"))
    groups = [g if rng.random() < 0.5 else g.lstrip("0") or "0" for g in address.exploded.split(":")]
    text = rng.choice((":".join(groups), address.compressed, address.exploded))
    return "".join(c.upper() if rng.random() < 0.3 else c for c in text)


def _dashed(rng: random.Random, address: Address) -> str:
    text = str(address).replace(".", rng.choice("-_")).replace(":", "-")
    return rng.choice(("ip-", "", "host.")) + text + ".isp.example"


def _percent(rng: random.Random, address: Address) -> str:
    chosen = "".join(f"%{ord(c):02X}" if rng.random() < 0.5 else c for c in str(address))
    return chosen.replace("%", "%25") if rng.random() < 0.2 else chosen


def _reversed(rng: random.Random, address: Address) -> str:
    return address.reverse_pointer


def _entities(rng: random.Random, address: Address) -> str:
    return "".join(rng.choice((f"&#{ord(c)};", f"&#x{ord(c):x};", c)) for c in str(address))


def _script(rng: random.Random, address: Address) -> str:
    return "".join(rng.choice((f"\\u{ord(c):04x}", f"\\x{ord(c):02x}", c)) for c in str(address))


SPELLINGS: tuple[Spelling, ...] = (
    lambda rng, address: str(address),
    lambda rng, address: f"[{address}]:443" if ":" in str(address) else f"{address}:443",
    lambda rng, address: str(int(address)) if address.version == 4 else address.packed.hex(),
    _colons,
    _dashed,
    _percent,
    _reversed,
    _entities,
    _script,
)
# What may stand around it: nothing that would make it another number.
AROUND = ("", " ", "=", "/", "\n", "(", "ip: ", "%20", "%3D", "€", "\ud800")


class Writer:
    """Builds records with an own address in one place of many, in one spelling of many."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        # 128.0.0.0 to 223.255.255.255: loopback is nobody's own.
        self.own4 = ipaddress.ip_address(self.rng.randrange(2**31, 2**32 - 2**29))
        self.own6 = ipaddress.ip_address((0x2400 << 112) + self.rng.getrandbits(112))
        self.chance = self.rng.choice((0.02, 0.1, 0.5))
        self.planted = 0

    def text(self) -> str:
        rng = self.rng
        if rng.random() > self.chance:
            return rng.choice(
                ("depth=0", "93.184.216.34:443", "2606:2800:220:1::1", "", "ssl_failed_handshake")
            )
        self.planted += 1
        spelled = rng.choice(SPELLINGS)(rng, rng.choice((self.own4, self.own6)))
        return rng.choice(AROUND) + spelled + rng.choice(("", " ", ",", "/", "\n", "\x00", "<", "€"))

    def data(self) -> bytes:
        rng = self.rng
        if rng.random() > self.chance:
            return rng.randbytes(20)
        self.planted += 1
        return rng.randbytes(9) + rng.choice((self.own4, self.own6)).packed + rng.randbytes(9)

    def certificate(self) -> bytes:
        packed = self.rng.choice((self.own4, self.own6)).packed
        tag = b"\x87" + bytes([len(packed)]) + packed if self.rng.random() < self.chance else b""
        return b"0\x82" + tag + b"0"

    def json(self, depth: int = 3) -> Any:
        kind = self.rng.randrange(6 if depth else 2)
        if kind == 0:
            return self.text()
        if kind == 1:
            return self.rng.choice(
                (None, True, 7, 0.5, int(self.own4) if self.rng.random() < self.chance else 8)
            )
        if kind == 2:
            return {"format": "base64", "data": base64.b64encode(self.data()).decode()}
        if kind == 3:
            return {"raw_response": base64.b64encode(self.data()).decode(), "failure": self.text()}
        if kind == 4:
            return [self.json(depth - 1) for _ in range(2)]
        return {self.text() or "headers": self.json(depth - 1), "title": self.text()}

    def value(self, name: str, hint: Any) -> Any:
        """Build a value of a field's type."""
        kinds = [kind for kind in get_args(hint) if kind is not type(None)]
        if get_origin(hint) in (types.UnionType,):
            hint = self.rng.choice(kinds)
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            return self.record(hint)
        if name == "raw_response":
            return base64.b64encode(self.data()).decode()
        if name == "peer_certificates":
            return (self.certificate(), self.certificate())
        if name == "headers_list":
            return (
                ("Name", self.text()),
                (self.text(), {"format": "base64", "data": base64.b64encode(self.data()).decode()}),
            )
        if get_origin(hint) is tuple:
            return tuple(self.value(name, get_args(hint)[0]) for _ in range(self.rng.randrange(3)))
        if hint is str:
            return self.text()
        if hint is bytes:
            return self.rng.choice(
                (
                    self.data(),
                    self.text().encode("utf-8", "surrogatepass"),
                    self.text().encode("utf-16-le", "surrogatepass"),
                )
            )
        if hint in (int, float, bool):
            return hint(self.rng.randrange(2))
        return {"a": self.json(), self.text() or "b": self.json()}

    def record(self, cls: type[Any]) -> Any:
        return cls(**{name: self.value(name, hint) for name, hint in get_type_hints(cls).items()})


def _everything(value: Any) -> list[str]:
    """Take JSON apart into all texts in it, decoded in every way that somebody might think of."""
    if isinstance(value, dict):
        return [t for key, item in value.items() for t in (*_everything(key), *_everything(item))]
    if isinstance(value, list):
        return [t for item in value for t in _everything(item)]
    text = str(value)
    texts = [text]
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raw = b""
    texts += [raw.decode("latin-1"), raw.replace(b"\0", b"").decode("latin-1"), raw.hex()]
    for plain in tuple(texts):
        for _ in range(2):
            plain = _unescaped(plain)
            texts.append(plain)
    return texts


def _unescaped(text: str) -> str:
    from urllib.parse import unquote

    text = html.unescape(unquote(text, errors="replace"))
    return (
        text.replace("\\u00", "\\x").encode("latin-1", "backslashreplace").decode("latin-1")
        if "\\" not in text
        else _script_decoded(text)
    )


def _script_decoded(text: str) -> str:
    import re

    return re.sub(r"\\(?:u00|x)([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), text)


def _spellings(address: Address) -> set[str]:
    text, full = str(address), address.exploded
    short = ":".join(g.lstrip("0") or "0" for g in full.split(":"))
    plain = {text, full, short}
    out = plain | {p.replace(".", m).replace(":", m) for p in plain for m in "-_"}
    out |= {address.reverse_pointer, address.packed.hex()}
    return out | (
        {str(int(address)), f"{address.packed.hex()[:4]}:{address.packed.hex()[4:]}"}
        if address.version == 4
        else set()
    )


def told(line: bytes, own: tuple[Address, ...]) -> list[str]:
    texts = "\n".join(_everything(json.loads(line.decode("utf-8", "surrogatepass")))).lower()
    return [s for address in own for s in _spellings(address) if s in texts]
