"""What a resolver tells of itself: where its questions come from, its name in class CHAOS, its NSID.

Each resolver tells its own, so that a client can tell who really answered it: names that echo the asker
(Akamai's, Google's, PowerDNS's), `id.server` and its kin (RFC 4892), and NSID (RFC 5001).  The public ones
answer as the real ones were seen to (CAIDA, "Understanding the deployment of public recursive resolvers",
2024): Cloudflare with an airport, Quad9 with a host of its carrier's, Google with nothing but NSID.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from gatewatch.lab.servers.known import RESOLVERS
from gatewatch.net import dnswire

# Names whose A record is the address their asker's resolver comes from.
_ADDRESS = frozenset({"whoami.v4.powerdns.org", "whoami.akamai.net"})
# The same as text (Google adds the client's network, which nobody here needs to hear).
_TEXT = "o-o.myaddr.l.google.com"
_ABOUT = frozenset({"id.server", "hostname.bind", "version.bind"})
_NOERROR, _REFUSED = 0, 5  # RFC 1035 4.1.1
_A, _TXT = dnswire.QTYPES["A"], dnswire.QTYPES["TXT"]
# Every resolver of the lab stands in Singapore.
_NAMES = {
    "dns.google": ("", "gpdns-sin"),
    "one.one.one.one": ("SIN", "21m304"),
    "dns.quad9.net": ("res100.sin.rrdns.pch.net", "res100.sin.rrdns.pch.net"),
    "dns10.quad9.net": ("res110.sin.rrdns.pch.net", "res110.sin.rrdns.pch.net"),
}


class Identity(NamedTuple):
    """``egress``: where its questions come from; ``chaos``: its name, empty when it refuses; its NSID."""

    egress: str
    chaos: str
    nsid: str


@lru_cache(maxsize=256)
def identity(address: str) -> Identity:
    """Give what the resolver at a service address tells of itself; an ISP's says its own address."""
    public = next((r for r in RESOLVERS if address in r.addresses), None)
    if public is None:
        name = "ns-" + address.replace(".", "-").replace(":", "-")
        return Identity(address, name, name)
    egress = address if ":" not in address else public.addresses[0]
    first = public.names[0] if public.names else ""
    chaos, nsid = _NAMES.get(first, (f"sin1.{first}", f"sin1.{first}"))
    return Identity(egress, chaos, nsid)


def told(message: bytes, address: str) -> bytes | None:
    """Answer a question about the resolver at ``address`` itself; None when it is about anything else."""
    asked = dnswire.asked(message)
    me = identity(address)
    nsid = me.nsid.encode() if asked.nsid else b""
    if asked.qclass == dnswire.CHAOS:
        known = asked.name in _ABOUT and asked.qtype == _TXT and me.chaos != ""
        texts = (me.chaos,) if known else ()
        rcode = _NOERROR if known else _REFUSED
        return dnswire.answer(message, rcode=rcode, texts=texts, ttl=0, nsid=nsid)
    if asked.name in _ADDRESS:
        # IPv4 only, as these names are: "v4" is in one's name.
        usable = asked.qtype == _A and ":" not in me.egress
        return dnswire.answer(message, addresses=(me.egress,) if usable else (), ttl=0, nsid=nsid)
    if asked.name == _TEXT:
        texts = (me.egress,) if asked.qtype == _TXT else ()
        return dnswire.answer(message, texts=texts, ttl=0, nsid=nsid)
    return None
