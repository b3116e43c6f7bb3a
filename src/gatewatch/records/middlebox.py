"""What the ``middlebox`` probe asks in odd ways, and what came back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatewatch.records.field import doc, extra


@dataclass(frozen=True, slots=True, kw_only=True)
class OddRequest:
    """One plain HTTP request, a row of ``x_gatewatch_middlebox``.

    The packets stand in the usual lists too, under the same ``transaction_id``; what was found out about the
    line by an earlier measurement of the run is told again, without both.
    """

    kind: str = doc(
        "echo (a well-formed request that a helper tells back), invalid_method, invalid_fields, invalid_long "
        "(the same with an odd first line), beacon, beacon_invalid (to a page whose answer is known), "
        "host_control (another name at the site's address), host, host_case (other letters), "
        "host_name_case (of the header's name), host_dot (a final dot), host_tab (a tab before the name), "
        "host_twice (behind the other name)"
    )
    address: str = doc("address connected to")
    port: int = doc("TCP port")
    host: str = doc("the Host header, without what is odd about it")
    outcome: str = doc(
        "echoed (told back by a helper), answered (otherwise), reset, eof, timeout, refused, unreachable, "
        "failed, no_connection"
    )
    failure: str | None = doc("df-007 failure of the last step, or null", None)
    changes: tuple[str, ...] = doc("what the helper got otherwise than it was sent, at most 32", ())
    code: int = doc("status code, 0 for none", 0)
    title: str = doc("title of the page, at most 128 characters", "")
    length: int = doc("length of the body as kept, -1 for none", -1, unit="bytes")
    location: str = doc("where it leads, at most 256 characters", "")
    connect: float | None = doc("from SYN to SYN-ACK", None, unit="s")
    connect_tls: float | None = doc(
        "the same to port 443 of the address, the shortest of three", None, unit="s"
    )
    wait: float | None = doc("from the request to the first byte back", None, unit="s")
    transaction_id: int = doc("joins it to the records of the connection; 0 where they are elsewhere", 0)
    t: float | None = doc("when it ended; null where an earlier measurement saw it", None, unit="s")
    extra: Mapping[str, Any] = extra()
