"""What can be read off a certificate without believing it: who says to have signed it, and whom it names.

A few dozen lines of DER (X.690) in place of a library that a small probe would have to carry.  Nothing is
verified, and no bytes, however broken, raise.
"""

from __future__ import annotations

from collections.abc import Iterator

# id-at-commonName and id-at-organizationName (X.520), as encoded.
_COMMON_NAME, _ORGANIZATION = b"\x55\x04\x03", b"\x55\x04\x0a"
# The extension with signed certificate timestamps, 1.3.6.1.4.1.11129.2.4.2 (RFC 6962 3.3), with its tag.
_TIMESTAMPS = b"\x06\x0a\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x02"
_VERSION = 0xA0  # [0] EXPLICIT, RFC 5280 4.1


def _parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The values that stand in a row, each with its tag; ends where they are no DER."""
    at = 0
    while at + 2 <= len(data):
        tag, size, start = data[at], data[at + 1], at + 2
        if size & 0x80:
            width = size & 0x7F
            if not 0 < width <= 4:
                return
            size = int.from_bytes(data[start : start + width], "big")
            start += width
        at = start + size
        if at > len(data):
            return
        yield tag, data[start:at]


def issuer(der: bytes) -> str:
    """Give the common name, or else the organization, that a certificate calls its issuer; "" for none."""
    whole = next((value for _, value in _parts(der)), b"")
    body = next((value for _, value in _parts(whole)), b"")
    fields = [value for tag, value in _parts(body) if tag != _VERSION]
    # serialNumber, signature, issuer (RFC 5280 4.1).
    if len(fields) < 3:
        return ""
    named = {}
    for _, relative in _parts(fields[2]):
        for _, pair in _parts(relative):
            kind_and_value = [value for _, value in _parts(pair)]
            if len(kind_and_value) == 2:
                named[kind_and_value[0]] = kind_and_value[1].decode("utf-8", "replace")
    return named.get(_COMMON_NAME) or named.get(_ORGANIZATION) or ""


def is_for(der: bytes, name: str) -> bool:
    """Tell whether a certificate holds a name, spelled out, as its subject or an alternative."""
    return bool(name) and name.lower().encode("utf-8", "replace") in der.lower()


def is_logged(der: bytes) -> bool:
    """Tell whether a certificate carries timestamps of public logs, as all of publicly trusted issuers do."""
    return _TIMESTAMPS in der
