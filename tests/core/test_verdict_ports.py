"""What the ports probe's rows are taken for: a list of forbidden ports, a firewall, or nothing."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.fires_ports import BASE, SPARE, SPARE_UDP, Row, ports, twice
from tests.core.verdict_build import OTHER, web

from gatewatch.verdict import judge

SSH, MAIL, IMAP = ((port, "tcp", "control", "answered") for port in (22, 587, 993))


@pytest.mark.parametrize(
    ("rows", "label"),
    [
        # One failure is no failure, and what answered once is there.
        ([(1194, "tcp", "vpn", "timeout"), (853, "tcp", "dns", "answered"), SPARE], "ok"),
        ([(1194, "tcp", "vpn", "timeout"), (1194, "tcp", "vpn", "answered"), SPARE], "ok"),
        # Somebody else's answer, and a bare end, are no way of cutting.
        ([*twice("other"), (853, "tcp", "dns", "answered"), SPARE], "ok"),
        ([*twice("eof"), (853, "tcp", "dns", "answered"), SPARE], "ok"),
        ([*twice("timeout", 853, kind="dns"), SPARE], "tampered(tcp.timeout)"),
        # One other service may be forbidden, too; two are no list of VPNs, and neither is the spare port.
        ([*twice("timeout"), *twice("timeout", 22, kind="control"), SPARE], "tampered(tcp.timeout)"),
        (
            [
                *twice("timeout"),
                *twice("reset", 22, kind="control"),
                *twice("reset", 587, kind="control"),
                SPARE,
            ],
            "inconclusive(firewall)",
        ),
        ([*twice("timeout"), *twice("timeout", 60123, kind="spare"), SSH, MAIL], "inconclusive(firewall)"),
        # Without the spare port all others must pass, and be two.
        ([*twice("timeout"), MAIL, IMAP], "tampered(tcp.timeout)"),
        ([*twice("timeout"), MAIL], "inconclusive(no_control)"),
        ([*twice("timeout"), MAIL, IMAP, *twice("reset", 22, kind="control")], "inconclusive(firewall)"),
        # Each transport has controls of its own.
        ([*twice("timeout", transport="udp"), SPARE], "inconclusive(no_control)"),
        ([*twice("timeout"), *twice("timeout", 500, "udp"), SPARE, SPARE_UDP], "tampered(tcp.timeout)"),
        (
            [
                *twice("timeout", 500, "udp"),
                *twice("timeout", 60123, "udp", "spare"),
                (1194, "tcp", "vpn", "answered"),
            ],
            "inconclusive(firewall)",
        ),
        # How most are cut.
        (
            [*twice("refused"), *twice("timeout", 1723), *twice("refused", 1080), SPARE],
            "tampered(tcp.refused)",
        ),
    ],
)
def test_rows(rows: list[Row], label: str) -> None:
    assert judge(ports(*rows)).label == label


def test_the_evidence_names_ports_and_services() -> None:
    (told,) = judge(ports(*twice("timeout", 1723), *twice("refused", 500, "udp"), SPARE)).evidence
    assert "500/udp service 500 (refused), 1723/tcp service 1723 (timeout)" in told


def test_a_port_of_another_address_is_compared_with_nothing() -> None:
    m = ports(*BASE, *twice("timeout"), SPARE)
    assert m.test_keys is not None
    for row in m.test_keys.extra["x_gatewatch_ports"]:
        row["address"] = OTHER if row["kind"] == "vpn" else row["address"]
    assert judge(m).label == "inconclusive(unstable)"


@pytest.mark.parametrize(
    "rows", [None, 7, {}, [None], [{}], [{"kind": 1}], [{"kind": "base", "port": "x"}], [[]] * 5]
)
def test_whatever_the_record_holds(rows: Any) -> None:
    assert judge(web(test="port_filtering", x_gatewatch_ports=rows)).label == (
        "inconclusive(no_cooperating_server)"
    )
