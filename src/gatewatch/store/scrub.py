"""Scrubbing: the probe's own addresses never reach a file, nor do addresses that a page or header echoes.

Three rules (docs/results.md says them to people):

- bodies, headers, failure texts and the control's headers and titles lose every address literal, because any
  of them may be the prober's, seen from outside (a proxy's, a NAT's): OONI's rule, with IPv6 added;
- every other field keeps the addresses measured and loses the probe's own, in whatever spelling;
- a measurement that still tells one of them after that is not written: :class:`Unscrubbable`.

Nearly every measurement is innocent.  So its structured fields are joined to one text and looked at once
(:mod:`gatewatch.store.flat`); only a hit is paid for with a walk through every field.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
from collections.abc import Iterable
from functools import lru_cache, partial
from typing import Any, TypeVar, cast

from gatewatch.records import Measurement, TestKeys
from gatewatch.store import echoes, hops, injected, literals
from gatewatch.store.flat import APART, flatten
from gatewatch.store.near import Near
from gatewatch.store.own import SCRUBBED, Own, lowered, reduce
from gatewatch.store.walk import Leaf, mapped

T = TypeVar("T")

__all__ = ["SCRUBBED", "Scrubber", "Unscrubbable"]

# Header tables and failure texts repeat; a page does not, and must not be kept in memory: 4,096 texts of
# this length are 4 MB at most.
_REPEATING = 1024
_NO_NAMES: tuple[str, ...] = ()
# A name of so many letters that are not all letters is part of no word by chance: eight of 36 signs are 2^41.
_TELLING = 8


class Unscrubbable(Exception):
    """A measurement tells one of the own addresses in a way that cannot be taken out; it must be dropped."""


class Scrubber:
    """Takes out of measurements what could tell who measured.

    ``own_addresses``: every address of this machine and the public ones it is seen under, in any spelling;
    loopback is ignored; ValueError for what is no address.  ``names``: names of user and host, home folder.
    Names that are common words of the trade (root, ubuntu, localhost) or shorter than three letters stay.
    ``near``: the system's resolvers; private ones are a router at home.
    """

    def __init__(
        self, own_addresses: Iterable[str], names: Iterable[str] = (), near: Iterable[str] = ()
    ) -> None:
        self._own = Own(own_addresses, names)
        self._near = Near(near)
        # (Not a method of ours: with us, its texts would wait for the collector.)
        self._remembered = lru_cache(maxsize=4096)(partial(_blanked, self._own))
        # Intermediate certificates are the same at thousands of sites; 512 of them are below 1 MB.
        self._certified = lru_cache(maxsize=512)(self._own.seen_in_certificate)

    def measurement(self, m: Measurement) -> Measurement:
        """Give a scrubbed copy; raises Unscrubbable when an own address would be left in it."""
        try:
            names = _NO_NAMES
            if self._own.names:
                # A name that the target itself bears was chosen by the list, not by this machine.
                target = (m.input or "").lower()
                names = tuple(name for name in self._own.names if name not in target)
            flat = flatten(m)
            tells = self._tells(m, flat)
            if tells or self._names_in(flat, names):
                m = mapped(m, self._leaf(names), APART - {"raw_response", "peer_certificates"})
            text, leaf = partial(self._text, names=names), self._leaf(names)
            keys = echoes.blanked(m.test_keys, echoes.Blank(text, self._bytes, leaf))
            if m.test_name == "trace":
                keys = hops.truncated(keys)
            elif m.test_name in ("intercept", "locate"):
                m = hops.truncated_walk(dataclasses.replace(m, test_keys=keys))
                keys = injected.blanked(m.test_keys, self._bytes)
            if keys is not m.test_keys or m.probe_ip != "127.0.0.1":
                m = dataclasses.replace(m, test_keys=keys, probe_ip="127.0.0.1")
            m = self._near.veiled(m, flat)
            if tells and self._tells(m, flatten(m)):
                raise Unscrubbable("an own address is left in a field that cannot be rewritten")
        except (TypeError, ValueError, AttributeError, LookupError, RecursionError) as error:
            raise Unscrubbable(f"a field is not of this format ({type(error).__name__})") from error
        return m

    def text(self, text: str) -> str:
        """Scrub text from outside: every address, and the names."""
        return self._text(text, self._own.names)

    def payload(self, data: bytes) -> bytes:
        """Scrub binary data from outside: every address that it spells or holds, and the names."""
        return self._bytes(data)

    def json(self, value: T) -> T:
        """Scrub own addresses and names from a JSON value (run.json's notes), keeping other addresses."""
        return cast("T", mapped(value, self._leaf(self._own.names), free=True))

    def _tells(self, m: Measurement, flat: str) -> bool:
        """Tell whether anything but bodies and headers spells an own address."""
        if self._own.seen(flat):
            return True
        # Either key announces binary data among the keys of other software; only a walk decodes it.
        if ("'raw_response'" in flat or "'base64'" in flat) and self._walk_tells(m):
            return True
        return self._binary_tells(m.test_keys)

    def _binary_tells(self, keys: TestKeys) -> bool:
        try:
            raws = [base64.b64decode(q.raw_response) for q in keys.queries or () if q.raw_response]
        except binascii.Error:
            return True
        if raws and self._own.seen_in_bytes(b"\xff".join(raws)):
            return True
        chains = [h.peer_certificates for h in keys.tls_handshakes or () if h.peer_certificates]
        return any(map(self._certified, {der for chain in chains for der in chain}))

    def _walk_tells(self, m: Measurement) -> bool:
        return mapped(m, self._leaf(_NO_NAMES), APART) is not m

    def _names_in(self, flat: str, names: tuple[str, ...]) -> bool:
        if not names:
            return False
        lower = flat.lower().replace("\\\\", "\\")
        return any(name in lower for name in names)

    def _leaf(self, names: tuple[str, ...]) -> Leaf:
        """Give what the walk does to a leaf of a structured field."""

        def leaf(value: Any, name: str, free: bool) -> Any:
            if isinstance(value, str):
                if name == "raw_response":
                    return None if self._raw_tells(value) else value
                return self._kept(value, names if free else _NO_NAMES)
            if isinstance(value, bytes):
                if name == "peer_certificates":
                    return SCRUBBED.encode() if self._own.seen_in_certificate(value) else value
                return self._bytes(value) if self._own.seen_in_bytes(value) else value
            if isinstance(value, int) and not isinstance(value, bool) and self._own.is_number(value):
                return SCRUBBED
            return value

        return leaf

    def _raw_tells(self, text: str) -> bool:
        try:
            return self._own.seen_in_bytes(base64.b64decode(text))
        except (binascii.Error, ValueError):
            # What cannot be read cannot be vouched for.
            return True

    def _kept(self, text: str, names: tuple[str, ...]) -> str:
        """Blank own addresses and names in a text, keeping other addresses."""
        spans = [*self._own.spans(text), *_found(text, names)]
        out = _cut(text, spans) if spans else text
        if self._own.seen(out):
            out = self._own.blank_escaped(out)
            if self._own.seen(out):
                return SCRUBBED
        return out

    def _text(self, text: str, names: tuple[str, ...]) -> str:
        return self._remembered(text, names) if len(text) <= _REPEATING else _blanked(self._own, text, names)

    def _bytes(self, data: bytes) -> bytes:
        """Blank in binary data as in text, and packed own addresses too."""
        spans = list(self._own.packed_spans(data))
        text = data.decode("latin-1")
        return _blanked(self._own, _cut(text, spans) if spans else text, self._own.names).encode("latin-1")


def _blanked(own: Own, text: str, names: tuple[str, ...]) -> str:
    """Blank every address literal, the own addresses in all spellings, and names."""
    reduced = reduce(text.encode("utf-8", "surrogatepass"))
    spans = [(start, end) for start, end, _ in literals.find(text)]
    if own.maybe(reduced):
        spans.extend(own.spelled(text))
    # UTF-16 read as bytes: letters with zeros between.
    if "\0" in text and own.seen(text.replace("\0", "")):
        return SCRUBBED
    spans.extend(_found(text, names))
    out = _cut(text, spans) if spans else text
    if own.seen_escaped(out, reduced):
        out = own.blank_escaped(out)
        if own.seen(out):
            return SCRUBBED
    return out


def _found(text: str, names: tuple[str, ...]) -> list[tuple[int, int]]:
    """Give where names stand: as whole words, or anywhere if no word can hold them (``pc-8f3k2``)."""
    spans = []
    lower = lowered(text) if names else ""
    for name in names:
        telling = len(name) >= _TELLING and not name.isalpha()
        at = lower.find(name)
        while at >= 0:
            end = at + len(name)
            alone = not (_word(lower[at - 1 : at]) and _word(name[0])) and not _word(lower[end : end + 1])
            if telling or alone:
                spans.append((at, end))
            at = lower.find(name, at + 1)
    return spans


def _word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _cut(text: str, spans: list[tuple[int, int]]) -> str:
    """Replace the spans, joining those that overlap."""
    parts: list[str] = []
    done = 0
    for start, end in sorted(spans):
        if start >= done:
            parts += (text[done:start], SCRUBBED)
        done = max(done, end)
    return "".join((*parts, text[done:]))
