"""A router at work: which of several beside each other a flow meets, and the ICMP error it sends, if any."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

from gatewatch.lab.country.hops import Hop
from gatewatch.lab.path.icmp import Label, icmp_error
from gatewatch.lab.path.packet import destination, flow, packed, protocol, source


class Allowance:
    """A bucket of ICMP errors: so many a second, and so many at once after a pause."""

    __slots__ = ("_burst", "_left", "_rate", "_then")

    def __init__(self, rate: float, burst: int) -> None:
        self._rate, self._burst = rate, burst
        self._left = float(burst)
        self._then = float("-inf")

    def take(self, now: float) -> bool:
        """Take one error out at ``now`` (seconds); False when there is none."""
        self._left = min(self._left + max(now - self._then, 0.0) * self._rate, self._burst)
        self._then = max(now, self._then)
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


#: What every router has left, by its address; ways share it.
Allowances = dict[bytes, Allowance]


class Router:
    """The routers at one place of a way: one, or several among which a load balancer shares out flows."""

    __slots__ = ("_allowances", "_hop", "_labels", "_salt", "addresses", "back", "delay", "mtu")

    def __init__(self, hop: Hop, place: int, *, six: bool, seed: int, allowances: Allowances) -> None:
        self._hop = hop
        self._allowances = allowances
        # None: no ICMP from here.
        self.addresses = tuple(packed(a) if a and not hop.silent else None for a in hop.of(six))
        # Balancers choose independently of each other, but the same on every run with one seed.
        self._salt = f"{seed} {hop.balancer or hop.address}".encode()
        self._labels = tuple(Label(label) for label in hop.labels)
        self.back = place - 1 if hop.back < 0 else hop.back
        self.delay = hop.ms / 1000
        self.mtu = hop.mtu

    def branch(self, key: bytes) -> int:
        """Give which of the routers here, from 0 on, a flow passes: its :func:`flow_key` decides."""
        return _chosen(key, self._salt) % len(self.addresses) if len(self.addresses) > 1 else 0

    def error(
        self, kind: int, code: int, packet: bytearray, arrival: float, *, quoted_ttl: int, mtu: int = 0
    ) -> tuple[bytes, float] | None:
        """Answer a packet that got here at ``arrival`` with an ICMP error, and say when it leaves; or not."""
        hop = self._hop
        address = self.addresses[self.branch(flow_key(packet))]
        if address is None:
            return None
        if hop.icmp_per_s:
            allowance = self._allowances.get(address)
            if allowance is None:
                allowance = self._allowances[address] = Allowance(hop.icmp_per_s, hop.icmp_burst)
            if not allowance.take(arrival):
                return None
        error = icmp_error(
            *(kind, code, address, packet),
            quoted_ttl=quoted_ttl,
            ttl=hop.icmp_ttl,
            full=hop.full_quote,
            labels=self._labels,
            mtu=mtu,
        )
        return error, arrival + hop.icmp_ms / 1000


def flow_key(packet: bytearray | bytes) -> bytes:
    """Give what load balancers hash: addresses, protocol and ports; of ICMP its type, code and checksum.

    That routers take the same four bytes of ICMP is why a classic ping wanders between branches (Augustin and
    others, "Avoiding traceroute anomalies with Paris traceroute", 2006).
    """
    return flow(packet) + bytes([protocol(packet)])


def answered_key(packet: bytearray | bytes) -> bytes:
    """Give the :func:`flow_key` of the packets that a TCP or UDP packet from the server answers."""
    ports = flow(packet)[-4:]
    return destination(packet) + source(packet) + ports[2:] + ports[:2] + bytes([protocol(packet)])


@lru_cache(maxsize=1 << 14)
def _chosen(key: bytes, salt: bytes) -> int:
    # Not a CRC: being linear, it would tie the choices of several balancers to each other.
    return int.from_bytes(blake2b(key, digest_size=8, key=salt[:64]).digest(), "big")
