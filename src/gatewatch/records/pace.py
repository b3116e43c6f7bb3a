"""What the throttling test writes: every transfer, as a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatewatch.records.field import doc, extra


@dataclass(frozen=True, slots=True, kw_only=True)
class PacedTransfer:
    """One transfer for the site's name or a neutral one.

    Its samples are ``bytes_received_cumulative`` events.
    """

    where: str = doc("whose server: site, or helper")
    arm: str = doc(
        "named: for the site's name; neutral: for another; trial: before the pairs, to see if it works"
    )
    pair: int = doc("which pair it belongs to")
    sni: str = doc("the SNI sent, empty for none", "")
    host: str = doc("the Host sent", "")
    address: str = doc("address connected to", "")
    status: int = doc("HTTP status code, 0 where none came", 0)
    page: int = doc("number of what came: transfers with the same one began alike; 0: nothing came", 0)
    bytes: int = doc("bytes received, headers included", 0, unit="bytes")
    seconds: float = doc("from the request to the last byte, or to the end of its time", 0.0, unit="s")
    kbps: float | None = doc(
        "rate of the second half of the bytes; null where there is none", None, unit="kbit/s"
    )
    cut: bool = doc("whether it ended because its time was up", False)
    failure: str | None = doc("df-007 failure, or null", None)
    t0: float | None = doc("when its connection was begun", None, unit="s")
    t: float | None = doc("when it ended", None, unit="s")
    extra: Mapping[str, Any] = extra()


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottleKeys:
    """``x_gatewatch_throttle``: what a throttling measurement compared."""

    host: str = doc("the site")
    neutral_name: str = doc("the other name that was sent", "")
    cap: int = doc("a transfer ends after so many bytes", 0, unit="bytes")
    seconds: float = doc("or after so long", 0.0, unit="s")
    transfers: tuple[PacedTransfer, ...] = doc("every transfer, in order", ())
    extra: Mapping[str, Any] = extra()
