"""A measurement for each rule about throttling, and the verdict it must be given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.core.verdict_build import HOST, SITE, TIMEOUT, names, web

from gatewatch.records import Measurement

Rates = Sequence[float | None]
EVEN = (9000.0, 9500.0, 8800.0, 9100.0, 9300.0)
SLOW = (900.0, 950.0, 880.0, 910.0, 930.0)


def transfers(
    named: Rates,
    neutral: Rates,
    *,
    where: str = "site",
    size: int = 524_288,
    failure: str | None = None,
    page: int = 1,
) -> list[dict[str, Any]]:
    """Rows of paired transfers; a rate of None is one that failed."""
    rows = []
    for arm, rates in (("named", named), ("neutral", neutral)):
        for number, rate in enumerate(rates):
            row = {"where": where, "arm": arm, "pair": number, "kbps": rate, "bytes": size, "failure": None}
            row["page"] = page
            rows.append(row if rate is not None else {**row, "bytes": 0, "failure": failure or TIMEOUT})
    return rows


def paced(*rows: dict[str, Any]) -> Measurement:
    """A measurement that holds these transfers."""
    return web(
        test="throttle",
        queries=names([SITE]),
        x_gatewatch_throttle={"host": HOST, "transfers": list(rows)},
    )


FIRES_PACE: dict[str, tuple[str, Measurement]] = {
    "pace.throttled": ("tampered(throttled)", paced(*transfers(SLOW, EVEN))),
    "pace.even": ("ok", paced(*transfers(EVEN, EVEN[::-1]))),
    "pace.other_page": (
        "inconclusive(other_page)",
        paced(*transfers(SLOW, (), page=1), *transfers((), EVEN, page=2)),
    ),
    "pace.noisy": (
        "inconclusive(noisy)",
        paced(*transfers((900.0, 9000.0, 2000.0, 5000.0, 800.0), EVEN)),
    ),
    "pace.failed": ("inconclusive(transfer_failed)", paced(*transfers((None, None), EVEN[:2]))),
    "pace.small": ("inconclusive(too_small)", paced(*transfers(EVEN, EVEN, size=2000))),
    "pace.few": ("inconclusive(too_few)", paced(*transfers(SLOW[:2], EVEN[:2]))),
    "pace.not_measured": ("inconclusive(no_neutral)", paced()),
}
