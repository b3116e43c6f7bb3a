"""Measurements that make the rules about the ports probe fire."""

from __future__ import annotations

from tests.core.verdict_build import SITE, web

from gatewatch.records import Measurement, PortRow, encode

HELPER = "https://helper.example.net/"
BASE = ((443, "tcp", "base", "answered"),) * 3
SPARE = (60123, "tcp", "spare", "answered")
SPARE_UDP = (60123, "udp", "spare", "answered")

Row = tuple[int, str, str, str]


def ports(*rows: Row, base: tuple[Row, ...] = BASE) -> Measurement:
    """A measurement of the probe: port, transport, kind and outcome of each look."""
    written = [
        PortRow(
            helper=HELPER,
            address=SITE,
            port=port,
            transport=transport,
            service="" if kind == "base" else f"service {port}",
            kind=kind,
            outcome=outcome,
        )
        for port, transport, kind, outcome in (*base, *rows)
    ]
    return web(test="port_filtering", x_gatewatch_ports=[encode(row) for row in written])


def twice(outcome: str, port: int = 1194, transport: str = "tcp", kind: str = "vpn") -> tuple[Row, ...]:
    return ((port, transport, kind, outcome),) * 2


FIRES_PORTS: dict[str, tuple[str, Measurement]] = {
    "whole.ports.no_helper": ("inconclusive(no_cooperating_server)", ports(base=())),
    "whole.ports.base": (
        "inconclusive(unstable)",
        ports(*twice("timeout"), SPARE, base=(*BASE[:2], (443, "tcp", "base", "timeout"))),
    ),
    **{
        f"whole.ports.tcp.{word}": (f"tampered(tcp.{word})", ports(*twice(word), SPARE))
        for word in ("refused", "timeout", "reset")
    },
    **{
        f"whole.ports.udp.{word}": (f"tampered(udp.{word})", ports(*twice(word, transport="udp"), SPARE_UDP))
        for word in ("timeout", "refused")
    },
    "whole.ports.firewall": (
        "inconclusive(firewall)",
        ports(*twice("timeout"), *twice("timeout", 60123, kind="spare"), (993, "tcp", "control", "answered")),
    ),
    "whole.ports.no_control": ("inconclusive(no_control)", ports(*twice("timeout"))),
    "whole.ports.ok": ("ok", ports((1194, "tcp", "vpn", "answered"))),
    "whole.ports.unclear": ("inconclusive(unstable)", ports((1194, "tcp", "vpn", "eof"), SPARE)),
}
