"""Evidence files: one flow's packets and the ICMP about it, as a capture that tells nothing of who made it.

Written only when somebody asks for it.  The format is pcap with bare IP packets (LINKTYPE_RAW): there is no
MAC address to begin with.  In every packet, quoted ones included, the own address is one for documentation
(RFC 5737, RFC 3849), first hops are the prefixes that :mod:`gatewatch.store.hops` makes of them, routers that
no sweep knew are cut to prefixes as well, payloads that spell an address are blanked, and checksums are
mended.  Times are seconds since the first packet, so that the file tells no date.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence

from gatewatch.net.capture import Caught
from gatewatch.store.files import make_folder, replacing
from gatewatch.store.folder import RunFolder
from gatewatch.store.hops import truncations

FOLDER = "evidence"
_OWN = {4: ipaddress.ip_address("192.0.2.1").packed, 16: ipaddress.ip_address("2001:db8::1").packed}
# The magic of microseconds, version 2.4; LINKTYPE_RAW (tcpdump.org/linktypes.html).
_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
_ICMP, _TCP, _UDP, _ICMPV6 = 1, 6, 17, 58
_TRUNCATED = {4: 24, 6: 48}  # gatewatch.store.hops: what is announced, and no finer
Blank = Callable[[bytes], bytes]


class Evidence:
    """Writes a run's evidence files, and names them in its run.json.  ``blank`` is what scrubs a payload."""

    def __init__(self, run: RunFolder, blank: Blank) -> None:
        self._run, self._folder, self._blank = run, run.path / FOLDER, blank

    def __call__(
        self, method: str, server: str, packets: Sequence[Caught], routers: Iterable[tuple[int, str]]
    ) -> str | None:
        """Write one hunt's packets; gives the file's name in the run's folder, None where there are none.

        ``routers``: the TTL and address of every hop that is known.  Raises StoreFull.
        """
        if not packets:
            return None
        number = len(self._names()) + 1
        make_folder(self._folder)
        rows = [{"ttl": ttl, "address": address} for ttl, address in routers]
        veil = Veil(server, rows, self._blank)
        path = self._folder / f"{number:03d}-{method}.pcap"
        with replacing(path) as out:
            out.write(_HEADER)
            for caught in packets:
                data = veil.packet(caught.data, sent=caught.sent)
                if data is not None:
                    since = round((caught.time - packets[0].time) * 1e6)
                    out.write(struct.pack("<IIII", *divmod(since, 1_000_000), len(data), len(data)) + data)
        self._run.update(evidence=self._names())
        return f"{FOLDER}/{path.name}"

    def _names(self) -> list[str]:
        """The files that are there, those of a run that was interrupted too."""
        return sorted(f"{FOLDER}/{path.name}" for path in self._folder.glob("*.pcap"))


class Veil:
    """What is put before addresses and payloads."""

    def __init__(self, server: str, rows: Sequence[Mapping[str, object]], blank: Blank) -> None:
        self._server = ipaddress.ip_address(server).packed
        self._blank = blank
        self._known = {ipaddress.ip_address(str(row["address"])).packed: b"" for row in rows}
        for packed, prefix in truncations(rows, server).items():
            self._known[packed] = ipaddress.ip_network(prefix).network_address.packed

    def packet(self, data: bytes, *, sent: bool) -> bytes | None:
        """Veil one packet; None for what cannot be read, which is left out."""
        head = _head(data)
        if head is None:
            return None
        start, end, protocol, at = head
        out = bytearray(data[:end])
        size = 4 if at == 12 else 16
        source, target = slice(at, at + size), slice(at + size, at + 2 * size)
        other = target if sent else source
        out[source if sent else target] = _OWN[size]
        out[other] = self._place(bytes(out[other]))
        body = out[start:]
        if protocol in (_ICMP, _ICMPV6):
            if not self._quote(body):
                return None
        elif not self._payload(body, protocol):
            return None
        out[start:] = body
        _mend(out, start, protocol, at)
        return bytes(out)

    def _place(self, packed: bytes) -> bytes:
        """The address that stands for a server, or a router."""
        if packed == self._server:
            return packed
        if packed in self._known:
            return self._known[packed] or packed
        bits = _TRUNCATED[4 if len(packed) == 4 else 6]
        return ipaddress.ip_network((packed, bits), strict=False).network_address.packed

    def _payload(self, body: bytearray, protocol: int) -> bool:
        if len(body) < (20 if protocol == _TCP else 8):
            return False
        start = body[12] >> 4 << 2 if protocol == _TCP else 8
        said = bytes(body[start:])
        if said and self._blank(said) != said:
            # All of it: what stands beside an address may tell as much, and lengths must not change.
            body[start:] = bytes(len(said))
        return True

    def _quote(self, body: bytearray) -> bool:
        """Veil what an ICMP error quotes: the beginning of a packet of ours, whose sum cannot be right."""
        quoted = bytes(body[8:])
        head = _head(quoted)
        if head is None:
            return False
        start, _, protocol, at = head
        inner = bytearray(quoted)
        size = 4 if at == 12 else 16
        inner[at : at + size] = _OWN[size]
        # The quoted sum still counts the address that was taken out, and would tell it.
        place = start + (16 if protocol == _TCP else 6)
        inner[place : place + 2] = bytes(len(inner[place : place + 2]))
        # Beyond the first eight bytes nothing is needed to tell which packet it was.
        rest = start + (20 if protocol == _TCP else 8)
        if len(inner) > rest and self._blank(bytes(inner[rest:])) != bytes(inner[rest:]):
            inner[rest:] = bytes(len(inner) - rest)
        if at == 12:
            _mend_header(inner, start)
        body[8:] = inner
        return True


def _head(data: bytes) -> tuple[int, int, int, int] | None:
    """Where an IP packet's payload starts and ends, its protocol, and where the addresses stand."""
    if len(data) >= 28 and data[0] >> 4 == 4:
        start, size = (data[0] & 15) << 2, int.from_bytes(data[2:4], "big")
        if not 20 <= start <= len(data) - 8:
            return None
        return start, min(size, len(data)) if size > start else len(data), data[9], 12
    if len(data) >= 48 and data[0] >> 4 == 6:
        size = int.from_bytes(data[4:6], "big")
        return 40, min(40 + size, len(data)) if size else len(data), data[6], 8
    return None


def _sum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    return 0xFFFF - int.from_bytes(data + b"\0" * (len(data) & 1), "big") % 0xFFFF


def _mend_header(packet: bytearray, start: int) -> None:
    packet[10:12] = b"\0\0"
    packet[10:12] = _sum(bytes(packet[:start])).to_bytes(2, "big")


def _mend(packet: bytearray, start: int, protocol: int, at: int) -> None:
    """Write the checksums anew (RFC 791, 9293, 768, 792, 4443)."""
    if at == 12:
        _mend_header(packet, start)
    place = start + {_TCP: 16, _UDP: 6}.get(protocol, 2)
    if place + 2 > len(packet):
        return
    size = len(packet) - start
    pseudo = bytes(packet[at:start]) if at == 8 else bytes(packet[12:20])
    pseudo += struct.pack("!HH", protocol, size)
    packet[place : place + 2] = b"\0\0"
    total = _sum((b"" if protocol == _ICMP else pseudo) + bytes(packet[start:]))
    if protocol == _UDP:
        total = total or 0xFFFF
    packet[place : place + 2] = total.to_bytes(2, "big")
