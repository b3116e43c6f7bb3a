"""The name of a measurement that is the same wherever and however often it is sent."""

from __future__ import annotations

import hashlib

#: The annotation that bears it (df-000 allows any text there).
ANNOTATION = "gatewatch_uid"
# 128 bits: two of the world's measurements never share one by chance, and it can be read aloud.
_DIGITS = 32


def uid(line: bytes) -> str:
    """Give the uid of a stored line: a hash of its bytes, which name the run and the item of its plan.

    It is computed, never stored: should everything that is known of earlier uploads be lost, what is sent
    again still bears the name that it bore.
    """
    return hashlib.sha256(line.rstrip(b"\n")).hexdigest()[:_DIGITS]
