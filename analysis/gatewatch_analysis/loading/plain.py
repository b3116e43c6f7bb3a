"""Values as a file gives them, into values that a column takes: of the right type, and safe to write."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from gatewatch_targets.url import UrlError, parse

# TTL, ICMP type and ICMP code are bytes on the wire (RFC 791, 792).
_MAX_BYTE = 255
# RFC 6793: AS numbers have 32 bits.
MAX_ASN = 2**32 - 1


def clean(text: str) -> str:
    """Give text that can be written: JSON can smuggle in halves of characters (RFC 8259 8.2)."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def text(value: Any) -> str | None:
    """Give text that is not empty, else None."""
    return clean(value) if isinstance(value, str) and value else None


def texts(values: Any) -> str | None:
    """Give several texts as one, separated by blanks; None where there are none."""
    many = values if isinstance(values, list | tuple) else ()
    return " ".join(clean(value) for value in many if isinstance(value, str) and value) or None


def byte(value: Any) -> int | None:
    """Give a whole number from 0 to 255, else None."""
    return whole(value, _MAX_BYTE)


def whole(value: Any, most: int = MAX_ASN) -> int | None:
    """Give a whole number from 0 to ``most``, else None."""
    return value if type(value) is int and 0 <= value <= most else None


def number(value: Any) -> float | None:
    """Give a finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def flag(value: Any) -> bool | None:
    """Give a truth value, else None."""
    return value if isinstance(value, bool) else None


def time(value: str | None) -> datetime | None:
    """Give a time of day, which is UTC whatever it says, else None."""
    try:
        return datetime.fromisoformat(value or "").replace(tzinfo=UTC)
    except ValueError:
        return None


def asn(value: str | None) -> int:
    """Give the number of ``AS123``, 0 for what is none."""
    digits = (value or "").removeprefix("AS")
    good = digits.isascii() and digits.isdecimal() and len(digits) <= 10
    return int(digits) if good and int(digits) <= MAX_ASN else 0


@lru_cache(maxsize=4096)
def host(value: str | None) -> str | None:
    """Give the host of an input, as an A-label, else None."""
    if not value:
        return None
    try:
        return parse(value).host
    except UrlError:
        pass
    try:
        # Other tests' inputs have other schemes (dns://, stun://).
        return text(urlsplit(value).hostname)
    except ValueError:
        return None
