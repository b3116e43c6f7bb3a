"""Known injectors, by the packets that they forge: the table ``boxes.csv``, typed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from .reference import table_rows
from .rows import Row

_COLUMNS = (
    "id,name,countries,methods,flags,dont_fragment,ip_id,initial_ttl,window,packets,payload,residual,in_path,"
    "seen,source,note"
)
_METHODS = ("dns", "syn", "tls", "http", "quic")
_INITIAL = ("32", "64", "128", "255", "varies")
_TEXT = "text:"


@dataclass(frozen=True, slots=True)
class KnownBox:
    """What is published of one injector; None and () where its source does not say.

    ``ip_id`` and ``window`` are the smallest and greatest seen; ``random`` IDs are (0, 65535).
    ``payload`` is all of it, ``payload_text`` what it holds.  ``residual`` in seconds.
    """

    id: str
    name: str
    countries: tuple[str, ...]
    methods: tuple[str, ...]
    flags: str
    dont_fragment: bool | None
    ip_id: tuple[int, int] | None
    initial_ttl: str
    window: tuple[int, int] | None
    packets: int | None
    payload: bytes | None
    payload_text: bytes | None
    residual: float | None
    in_path: bool | None
    seen: int
    source: str
    note: str


@lru_cache(maxsize=1)
def known_boxes() -> tuple[KnownBox, ...]:
    """Give the table's rows, in its order."""
    return tuple(_box(row) for row in table_rows("boxes.csv", _COLUMNS))


def _box(row: Row) -> KnownBox:
    methods = row.words("methods")
    for method in methods:
        if method not in _METHODS:
            raise row.error("methods", f"{method!r} is not one of {', '.join(_METHODS)}")
    payload = row.text("payload", "")
    return KnownBox(
        id=row.text("id"),
        name=row.text("name"),
        countries=row.countries(),
        methods=methods,
        flags=row.text("flags", ""),
        dont_fragment=_flag(row, "dont_fragment"),
        ip_id=(0, 0xFFFF) if row.text("ip_id", "") == "random" else _range(row, "ip_id"),
        initial_ttl=row.choice("initial_ttl", (*_INITIAL, ""), ""),
        window=_range(row, "window"),
        packets=row.number("packets") if row.text("packets", "") else None,
        payload=_hex(row, payload) if payload and not payload.startswith(_TEXT) else None,
        payload_text=payload.removeprefix(_TEXT).encode("ascii") if payload.startswith(_TEXT) else None,
        residual=float(row.number("residual")) if row.text("residual", "") else None,
        in_path=_flag(row, "in_path"),
        seen=row.number("seen"),
        source=row.text("source"),
        note=row.text("note", ""),
    )


def _flag(row: Row, field: str) -> bool | None:
    return row.flag(field) if row.text(field, "") else None


def _range(row: Row, field: str) -> tuple[int, int] | None:
    text = row.text(field, "")
    if not text:
        return None
    low, _, high = text.partition("-")
    try:
        first, last = int(low, 0), int(high or low, 0)
    except ValueError:
        raise row.error(field, f"{text!r} is no number and no range") from None
    if not 0 <= first <= last <= 0xFFFF:
        raise row.error(field, f"{text!r} is no range of 16-bit numbers")
    return first, last


def _hex(row: Row, text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise row.error("payload", f"{text!r} is neither hex nor text:...") from None
