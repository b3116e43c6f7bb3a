"""The table of ports: typed, sourced, and strict."""

from __future__ import annotations

import io

import pytest

from gatewatch_targets import DataError, ports, service_ports, sources
from gatewatch_targets.rows import table


def test_every_row_is_sourced() -> None:
    for entry in service_ports():
        assert all(key in sources() for key in entry.source.split())
        assert entry.source != "recall"


def test_each_transport_has_services_and_enough_to_compare_with() -> None:
    for transport in ("tcp", "udp"):
        kinds = [entry.kind for entry in service_ports() if entry.transport == transport]
        assert kinds.count("vpn") >= 5 and kinds.count("control") >= 2 and kinds.count("spare") >= 1


def test_spare_ports_are_given_to_nobody() -> None:
    assert all(49152 <= entry.port <= 65535 for entry in service_ports() if entry.kind == "spare")


@pytest.mark.parametrize(
    ("field", "value"), [("port", "0"), ("port", "70000"), ("transport", "sctp"), ("kind", "evil")]
)
def test_what_is_wrong_is_named(field: str, value: str) -> None:
    good = {"port": "1", "transport": "tcp", "service": "x", "kind": "vpn", "source": "gatewatch"}
    head = ",".join(ports._COLUMNS)
    line = ",".join({**good, field: value}.get(column, "") for column in ports._COLUMNS)
    (row,) = table(io.BytesIO(f"{head}\n{line}\n".encode()), "ports.csv", ports._COLUMNS)
    with pytest.raises(DataError, match=rf"ports\.csv:2: {field}:"):
        ports._entry(row)
