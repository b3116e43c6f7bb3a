"""What a client says first over QUIC, read as a censor reads it: Initials are encrypted for nobody's eyes.

The keys of Initial packets follow from the destination connection ID that stands in the packet itself and a
salt that the version publishes (RFC 9001 5.2), so everybody on the path can read the ClientHello.  It comes
in CRYPTO frames, in any order and over several packets: clients split it on purpose, or because a
post-quantum key share does not fit one datagram.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class Version(NamedTuple):
    """How a QUIC version hides its Initials: salt, prefix of the labels, type of an Initial."""

    salt: bytes
    label: bytes
    initial: int


# RFC 9001 5.2 and RFC 9369 3.
VERSIONS = {
    0x00000001: Version(bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"), b"quic", 0),
    0x6B3343CF: Version(bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"), b"quicv2", 1),
}
_LONG, _TYPE = 0x80, 0x30  # RFC 9000 17.2
_SAMPLE = 16  # RFC 9001 5.4.2
# RFC 9000 19: the frames that an Initial may hold.
_PADDING, _PING, _ACK, _ACK_ECN, _CRYPTO = 0x00, 0x01, 0x02, 0x03, 0x06
# A ClientHello with a hybrid key share is about 1.8 KB.
_FIRST_BYTES = 8192
_Keys = tuple[AESGCM, bytes, "Cipher[modes.ECB]"]


def long_header(datagram: bytes) -> int | None:
    """Give the version in a long header, None where there is none."""
    return int.from_bytes(datagram[1:5], "big") if len(datagram) >= 7 and datagram[0] & _LONG else None


def connection_ids(datagram: bytes) -> tuple[bytes, bytes]:
    """Give a long header's destination and source connection ID (RFC 8999 5.1), cut where the packet is."""
    end = 6 + datagram[5]
    return datagram[6:end], datagram[end + 1 : end + 1 + datagram[end]] if end < len(datagram) else b""


def _expand(secret: bytes, label: bytes, size: int) -> bytes:
    """HKDF-Expand-Label with SHA-256 (RFC 8446 7.1), for what fits one block."""
    full = b"tls13 " + label
    info = struct.pack("!HB", size, len(full)) + full + b"\0"
    return hmac.digest(secret, info + b"\x01", hashlib.sha256)[:size]


class _Packet(NamedTuple):
    """One packet of a datagram: where it starts, where its packet number is, where it ends."""

    start: int
    number: int
    end: int
    is_initial: bool
    to_id: bytes


class _Reader:
    """Takes numbers off bytes; raises IndexError past their end."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    def take(self, size: int) -> bytes:
        """Give the next ``size`` bytes."""
        if self.at + size > len(self.data):
            raise IndexError
        self.at += size
        return self.data[self.at - size : self.at]

    def varint(self) -> int:
        """Give a variable-length integer (RFC 9000 16)."""
        first = self.take(1)[0]
        rest = self.take((1 << (first >> 6)) - 1)
        return int.from_bytes(bytes([first & 0x3F]) + rest, "big")


def _packets(datagram: bytes) -> Iterator[_Packet]:
    """Give the long-header packets that share a datagram (RFC 9000 12.2); raises IndexError at a bad one."""
    at = 0
    while (version := long_header(datagram[at:])) in VERSIONS:
        assert version is not None
        read = _Reader(datagram, at + 5)
        to_id = read.take(read.take(1)[0])
        read.take(read.take(1)[0])
        is_initial = (datagram[at] & _TYPE) >> 4 == VERSIONS[version].initial
        if is_initial:
            read.take(read.varint())  # the token
        size = read.varint()
        number = read.at
        read.take(size)
        yield _Packet(at, number, read.at, is_initial, to_id)
        at = read.at


class Initials:
    """The first packets of one client's flow, and what they say so far."""

    def __init__(self) -> None:
        self._keys: _Keys | None = None
        self._pieces: dict[int, bytes] = {}
        self._size = 0

    def feed(self, datagram: bytes) -> bytes:
        """Take a datagram; gives the handshake bytes from their start on, as far as they are gapless."""
        try:
            for packet in _packets(datagram):
                if packet.is_initial:
                    self._open(datagram, packet)
        except (IndexError, InvalidTag):
            pass  # not for us to complain; what was read before counts
        return self._joined()

    @property
    def full(self) -> bool:
        """Whether more was said than any ClientHello needs."""
        return self._size >= _FIRST_BYTES

    def _open(self, datagram: bytes, packet: _Packet) -> None:
        # All of a client's Initials keep the keys of its first, until a Retry makes it begin anew (RFC 9001
        # 5.2).
        if self._keys is not None:
            with suppress(InvalidTag):
                self._frames(_decrypt(self._keys, datagram, packet))
                return
        keys = _client_keys(long_header(datagram[packet.start :]) or 0, packet.to_id)
        plain = _decrypt(keys, datagram, packet)
        self._keys = keys
        self._frames(plain)

    def _frames(self, plain: bytes) -> None:
        read = _Reader(plain)
        while read.at < len(plain):
            kind = read.varint()
            if kind == _CRYPTO:
                offset = read.varint()
                piece = read.take(read.varint())
                if not self.full:
                    self._size += len(piece) if offset not in self._pieces else 0
                    self._pieces[offset] = piece
            elif kind in (_ACK, _ACK_ECN):
                read.varint(), read.varint()
                for _ in range(2 * read.varint() + 1 + (3 if kind == _ACK_ECN else 0)):
                    read.varint()
            elif kind not in (_PADDING, _PING):
                return  # CONNECTION_CLOSE, or nothing that belongs here

    def _joined(self) -> bytes:
        out = b""
        for offset in sorted(self._pieces):
            if offset > len(out):
                break
            out += self._pieces[offset][len(out) - offset :]
        return out


def _decrypt(keys: _Keys, datagram: bytes, packet: _Packet) -> bytes:
    """Take header protection and encryption off a packet (RFC 9001 5.4, 5.3); raises InvalidTag."""
    aead, iv, cipher = keys
    sample = datagram[packet.number + 4 : packet.number + 4 + _SAMPLE]
    if len(sample) < _SAMPLE:
        raise IndexError
    mask = cipher.encryptor().update(sample)
    head = bytearray(datagram[packet.start : packet.number + 4])
    head[0] ^= mask[0] & 0x0F
    length = (head[0] & 0x03) + 1
    at = packet.number - packet.start
    for i in range(length):
        head[at + i] ^= mask[1 + i]
    # Early packets: the truncated number is the number itself.
    number = int.from_bytes(head[at : at + length], "big")
    nonce = (int.from_bytes(iv, "big") ^ number).to_bytes(len(iv), "big")
    return aead.decrypt(nonce, datagram[packet.number + length : packet.end], bytes(head[: at + length]))


def _client_keys(version: int, to_id: bytes) -> _Keys:
    salt, label, _ = VERSIONS[version]
    secret = _expand(hmac.digest(salt, to_id, hashlib.sha256), b"client in", 32)
    key, iv, hp = (
        _expand(secret, label + word, size) for word, size in ((b" key", 16), (b" iv", 12), (b" hp", 16))
    )
    return AESGCM(key), iv, Cipher(algorithms.AES(hp), modes.ECB())
