"""Ports of tunnels and private DNS, and ports to compare them with: the table ``ports.csv``, typed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, cast, get_args

from .reference import known_sources, open_data
from .rows import Row, table

Transport = Literal["tcp", "udp"]
PortKind = Literal["vpn", "dns", "control", "spare"]

_COLUMNS = ("port", "transport", "service", "kind", "source", "note")


@dataclass(frozen=True, slots=True)
class ServicePort:
    """A port and who is usually there.

    ``kind``: dns is private DNS, control a service that has nothing to do with tunnels, spare a port that is
    given to nobody, which only a firewall cuts that cuts whatever it does not know.
    """

    port: int
    transport: Transport
    service: str
    kind: PortKind
    source: str
    note: str


@lru_cache(maxsize=1)
def service_ports() -> tuple[ServicePort, ...]:
    """Give the table's rows, in its order."""
    seen: dict[tuple[int, str], int] = {}
    found = []
    with open_data("ports.csv") as stream:
        for row in table(stream, "ports.csv", _COLUMNS):
            known_sources(row)
            entry = _entry(row)
            if (line := seen.setdefault((entry.port, entry.transport), row.line)) != row.line:
                raise row.error("port", f"stands on line {line} already")
            found.append(entry)
    return tuple(found)


def _entry(row: Row) -> ServicePort:
    port = row.number("port")
    if not 0 < port < 65536:
        raise row.error("port", f"{port} is no port")
    return ServicePort(
        port=port,
        transport=row.choice("transport", cast(tuple[Transport, ...], get_args(Transport))),
        service=row.text("service"),
        kind=row.choice("kind", cast(tuple[PortKind, ...], get_args(PortKind))),
        source=row.text("source"),
        note=row.text("note", ""),
    )
