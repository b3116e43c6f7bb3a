"""Values as a file gives them, into values that a column takes: of the right type, and safe to write."""

from __future__ import annotations

import math
from typing import Any

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
