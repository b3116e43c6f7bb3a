"""Second controls, hellos and residual blocking: what was tried from here to explain a failure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatewatch.records.field import doc, extra


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondControl:
    """One exchange made to explain a failure, a row of ``x_gatewatch_second``.

    Its packets stand in the usual lists too, tagged ``second``, under the same ``transaction_id``.
    """

    kind: str = doc(
        "control_sni, test_sni (at the site's address), neutral_control, neutral_test (at an address that "
        "has nothing to do with the site), control_host, test_host (plain HTTP at the site's address), "
        "https_page (the site's own page over TLS), front_page (its / over plain HTTP), other_port, "
        "low_ttl (a SYN), low_ttl_other_port"
    )
    depth: int = doc("which hop it explains, as in the tag depth=", 0, unit="redirects")
    address: str = doc("address connected to")
    port: int = doc("TCP port")
    name: str = doc("the name sent, as SNI or Host; empty where none was", "")
    ttl: int | None = doc("TTL of the SYN, where it was limited", unit="hops", optional=True)
    outcome: str = doc(
        "answered (whatever the peer said), reset, eof, timeout, refused, unreachable, failed; no_connection "
        "where TCP already failed"
    )
    failure: str | None = doc("df-007 failure of the last step, or null", None)
    transaction_id: int = doc("joins it to the records of the connection", 0)
    t: float | None = doc("when it ended", None, unit="s")
    extra: Mapping[str, Any] = extra()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualWait:
    """What waiting for a residual block to end found, a row of ``x_gatewatch_residual``.

    A trigger may leave a block on everything between the same two addresses for a while.  Before a trigger is
    repeated, a control exchange must pass there.
    """

    address: str = doc("address of the control exchanges", "")
    port: int = doc("their port", 0)
    before: bool = doc("waited before the site's own name was sent, since another had been cut there", False)
    passed: bool = doc("whether a control exchange passed in the end")
    waits: tuple[float, ...] = doc("how long was waited before each further control exchange", (), unit="s")
    at_least: float | None = doc(
        "how long after the trigger a control exchange still failed; null where none did", None, unit="s"
    )
    at_most: float | None = doc("how long after the trigger one passed; null where none did", None, unit="s")
    extra: Mapping[str, Any] = extra()


@dataclass(frozen=True, slots=True, kw_only=True)
class GreetingRow:
    """One ClientHello of the ``sni`` probe, a row of ``x_gatewatch_sni``; the handshake is never finished."""

    variant: str = doc(
        "control (a control name at the site's address), whole (the site's name in one segment), split (in "
        "two segments, cut through the name), records (in two TLS records), ech (with ECH GREASE), "
        "control_ech, elsewhere (the site's name at a neutral address), elsewhere_control"
    )
    address: str = doc("address connected to")
    port: int = doc("TCP port")
    name: str = doc("the SNI sent")
    sizes: tuple[int, ...] = doc("bytes of each write, each a segment of its own", (), unit="bytes")
    outcome: str = doc("answered, reset, eof, timeout, refused, unreachable, failed, no_connection")
    answer: str = doc("server_hello, alert, other; empty where nothing came", "")
    alert: int | None = doc("description of the alert (RFC 8446 6)", None)
    failure: str | None = doc("df-007 failure of the last step, or null", None)
    transaction_id: int = doc("joins it to the records of the connection", 0)
    t: float | None = doc("when it ended", None, unit="s")
    extra: Mapping[str, Any] = extra()
