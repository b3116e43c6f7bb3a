"""What a stranger may write wherever strangers write: what steers, marks up, computes, or leads elsewhere.

Each payload holds :data:`WORD`, so that it can be looked for, and does what it does where it is printed,
rendered or opened as it is.  :class:`Marker` fills whole records with them, field by field of their schema.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import types
import unicodedata
from html.parser import HTMLParser
from typing import Any, get_args, get_origin

from tests.worlds.writer import Writer

WORD = "zq7mark"
#: What a line that is no line of ours begins with.
LINE = "INJECTED-LINE"
# The most that a line for people may have, and less than the long payload.
_LONGEST = 12_000
OWNED = "document.title='owned'"

#: What a browser must not take for markup.
MARKUP = f"<img src=https://evil.example/x onerror={OWNED}><script>{OWNED}</script>"

PAYLOADS: tuple[str, ...] = (
    # Terminals (ECMA-48; xterm's control sequences).
    f"\x1b[35;5;7m{WORD}\x1b[2J",
    f"\x1b]0;{WORD}\x07",
    f"\x1b]8;;https://evil.example/\x1b\\{WORD}\x1b]8;;\x1b\\",
    f"\x1bP{WORD}\x1b\\\x1bc",
    f"\x9b35;5m{WORD}\x9d0;x\x9c",
    f"{WORD}\x00\x07\x08\x7f",
    # Lines.
    f"{WORD}\r\n{LINE} ok",
    f"{WORD}\n{LINE} ok",
    f"{WORD}\r{LINE} ok",
    f"{WORD}\u2028{LINE}\u2029{LINE}\x85{LINE}\x0b{LINE}\x0c",
    # Directions and what is not seen (CVE-2021-42574).
    f"\u202e{WORD}\u2066\u2069\u200f",
    f"{WORD}\ufeff\u2060\u00ad\U000e0041",
    f"\ud800{WORD}\udfff",
    # Markup of ours: rich.
    f"[bold red]{WORD}[/] [link=https://evil.example/]x[/link] [/nothing]",
    # Markup of browsers.
    f"{MARKUP}{WORD}",
    f'"><img src=https://evil.example/x onerror={OWNED}>{WORD}',
    f"</script></style></title></svg><svg onload={OWNED}><a href=javascript:{OWNED}>{WORD}</a>",
    f"javascript:{OWNED}//{WORD}",
    f"<!--{WORD}--!>]]>&lt;b&gt;<b>&#x3c;",
    # Formulas (OWASP, "CSV Injection").
    f"=cmd|'/C calc'!A0{WORD}",
    f"+1+1{WORD}",
    f"-1+1{WORD}",
    f'@SUM(1,"{WORD}")',
    f"\t=1+1{WORD}",
    f'",=1+1,"{WORD}',
    f" =1{WORD}",
    f"\uff1d1{WORD}",
    # Markdown.
    f"| {WORD} | ![x](https://evil.example/x) [x](javascript:{OWNED}) `",
    # Names of files.
    f"../../../../{WORD}",
    f"/{WORD}/x",
    f"..\\..\\{WORD}:x",
    f"CON.{WORD} ",
    # Formats.
    f"%s%n%(x)s{{0}}{{x!r}}{{0.__class__}}$(touch {WORD})`touch {WORD}`;touch {WORD}",
    # A very long one.
    f"{WORD} " + "A" * 15_000,
)


class Marker(Writer):
    """Builds records that hold a payload in every field that may hold text, optional ones included.

    Each field of one record has another payload; with each ``turn`` they move on by one, so that after
    ``len(PAYLOADS)`` turns every field has held every payload.
    """

    def __init__(self, turn: int) -> None:
        super().__init__(turn)
        self.turn = turn
        self.fields = 0

    def text(self) -> str:
        """The next payload."""
        self.fields += 1
        rounds, place = divmod(self.fields + self.turn, len(PAYLOADS))
        text = PAYLOADS[place]
        # Long ones are long to read: with each turn in another eighth of the places.
        return text if len(text) < _LONGEST or rounds % 8 == self.turn % 8 else WORD

    def data(self) -> bytes:
        return self.text().encode("utf-8", "surrogatepass")

    def certificate(self) -> bytes:
        return certificate(self.text())

    def json(self, depth: int = 1) -> Any:
        """Some JSON with payloads as keys and values, and as bytes."""
        if depth == 0:
            return self.text()
        packed = base64.b64encode(self.data()).decode()
        return {
            self.text(): [self.json(depth - 1), 7, None],
            "title": self.text(),
            "failure": self.text(),
            "b": {"format": "base64", "data": packed},
        }

    def value(self, name: str, hint: Any) -> Any:
        """A value of a field's type, present and not empty."""
        if get_origin(hint) is types.UnionType:
            kinds = [kind for kind in get_args(hint) if kind is not type(None)]
            # Text wherever text is allowed.
            hint = next((kind for kind in (str, bytes) if kind in kinds), kinds[0])
        if get_origin(hint) is tuple and name not in ("headers_list", "peer_certificates"):
            return (self.value(name, get_args(hint)[0]),)
        if hint in (int, float, bool):
            return hint(1)
        return super().value(name, hint)


def certificate(text: str) -> bytes:
    """A certificate whose subject, issuer and names are of a stranger's making."""
    import datetime as dt

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    # At most 64 bytes (X.520).
    said = text.encode("utf-8", "replace")[:60].decode("utf-8", "ignore")
    names = x509.Name(
        [x509.NameAttribute(oid, said) for oid in (x509.NameOID.COMMON_NAME, x509.NameOID.ORGANIZATION_NAME)]
    )
    host = said.encode("ascii", "replace").decode()
    key = _key()
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder(names, names, key.public_key(), 1, now, now + dt.timedelta(days=9))
    found = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signed = found.sign(key, hashes.SHA256())
    from cryptography.hazmat.primitives.serialization import Encoding

    return signed.public_bytes(Encoding.DER)


_KEYS: list[Any] = []


def _key() -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec

    if not _KEYS:
        _KEYS.append(ec.generate_private_key(ec.SECP256R1()))
    return _KEYS[0]


# Format characters that the scripts of volunteers need (gatewatch_targets.text).
_KEPT = "\u200b\u200c\u200d"


def steers(text: str, longest: int = _LONGEST) -> list[str]:
    """What in a text for people would steer a terminal, begin a line of its own, or fill the screen."""
    found = [
        f"U+{ord(c):04X} in {text[max(0, n - 60) : n + 20]!r}"
        for n, c in enumerate(text)
        if c != "\n" and c not in _KEPT and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    ]
    found += [line[:100] for line in text.split("\n") if line.lstrip(" -|").startswith(LINE)]
    found += [f"{len(line)} letters: {line[:100]}" for line in text.split("\n") if len(line) > longest]
    return found


def steers_json(text: str) -> list[str]:
    """What is wrong with JSON lines: JSON may say anything, but as ASCII, and each line is whole."""
    found = [f"U+{ord(c):04X}" for c in set(text) if c != "\n" and not (c.isascii() and c.isprintable())]
    for line in text.splitlines():
        try:
            json.loads(line)
        except ValueError as error:
            found.append(f"{error}: {line[:80]}")
    return found


# What may begin a cell though it begins with such a sign: a number.
# A cell of a spreadsheet holds 32,767 letters.
_CELL = 32_767
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def computes(text: str) -> list[str]:
    """Cells of a CSV that a spreadsheet would carry out, and whatever in them steers."""
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    bad = [c for c in cells if c.lstrip().startswith(_FORMULA) or c.startswith(_FORMULA)]
    return [c[:80] for c in bad if not _NUMBER.fullmatch(c)] + [s for c in cells for s in steers(c, _CELL)]


class _Page(HTMLParser):
    """What a page would load, run or lead to."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "img", "iframe", "object", "embed", "link", "form", "base", "b"):
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            value = (value or "").strip().lower()
            leads = name in ("href", "src", "action") and not value.startswith(("#", "data:text/csv"))
            if name.startswith("on") or leads or "javascript:" in (value if name != "title" else ""):
                self.found.append(f"<{tag} {name}={value[:60]}>")


def runs(html: str) -> list[str]:
    """Tags and attributes of a page that run, load or lead elsewhere."""
    return _Page(html).found
