"""Middleboxes, one kind of interference a module: each looks at packets on their way to the server.

:func:`build` makes the working box for a scenario's description of it.
"""

from __future__ import annotations

from collections.abc import Callable

from gatewatch.lab.apps import Internet
from gatewatch.lab.boxes.base import Box
from gatewatch.lab.boxes.hostile import DnsHostile, IcmpFlood, TcpHostile
from gatewatch.lab.boxes.mitm import TlsMitm
from gatewatch.lab.boxes.names import DnsDrop, DnsInject, DnsLie
from gatewatch.lab.boxes.page import BlockPage, HttpDrop, HttpEof, HttpRedirect, HttpReset
from gatewatch.lab.boxes.portal import Portal
from gatewatch.lab.boxes.proxy import HttpProxy, SniProxy
from gatewatch.lab.boxes.quic import QuicDrop, QuicSniDrop
from gatewatch.lab.boxes.resolver import DnsProxy, DnsProxyTcp, DnsRewrite
from gatewatch.lab.boxes.sni import SniDrop, SniEof, SniReset
from gatewatch.lab.boxes.syn import TcpDrop, TcpReset, UdpDrop
from gatewatch.lab.boxes.throttle import Throttle
from gatewatch.lab.country import scenario

__all__ = ["Box", "build"]

_KINDS: dict[str, Callable[[scenario.Box, Internet, str], Box]] = {
    "dns-lie": DnsLie,
    "dns-drop": DnsDrop,
    "dns-inject": DnsInject,
    "dns-proxy": DnsProxy,
    "dns-proxy-tcp": DnsProxyTcp,
    "dns-filter": DnsLie,
    "dns-rewrite": DnsRewrite,
    "tcp-drop": TcpDrop,
    "tcp-reset": TcpReset,
    "endpoint-drop": TcpDrop,
    "endpoint-reset": TcpReset,
    "udp-drop": UdpDrop,
    "sni-reset": SniReset,
    "sni-drop": SniDrop,
    "http-blockpage": BlockPage,
    "sni-eof": SniEof,
    "tls-mitm": TlsMitm,
    "http-redirect": HttpRedirect,
    "http-reset": HttpReset,
    "http-eof": HttpEof,
    "http-drop": HttpDrop,
    "portal": Portal,
    "http-proxy": HttpProxy,
    "sni-proxy": SniProxy,
    "quic-sni-drop": QuicSniDrop,
    "quic-drop": QuicDrop,
    "throttle": Throttle,
    "dns-hostile": DnsHostile,
    "tcp-hostile": TcpHostile,
    "icmp-flood": IcmpFlood,
}


def build(box: scenario.Box, world: Internet, resolver: str) -> Box:
    """Make the box that a scenario describes, on the network of an ISP with this resolver."""
    return _KINDS[box.kind](box, world, resolver)
