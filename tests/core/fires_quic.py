"""A measurement for each rule about QUIC, and the verdict it must be given."""

from __future__ import annotations

from typing import Any

from tests.core.verdict_build import HOST, SITE, TIMEOUT, connect, handshake, names, web

from gatewatch.records import Handshake, Measurement
from gatewatch.verdict.evidence.quic import CONTROL_SNI, NEUTRAL_CONTROL, NEUTRAL_TEST, TEST_SNI

NEUTRAL = "8.8.8.8"
REFUSED = "connection_refused"


def shaken(tag: str, *failures: str | None, at: str = SITE) -> list[Handshake]:
    """Handshakes over QUIC, one for each failure (None is success)."""
    return [
        Handshake(
            network="udp",
            address=f"{at}:443",
            failure=failure,
            server_name=HOST,
            t=float(n),
            tags=(tag, f"try={n}"),
        )
        for n, failure in enumerate(failures)
    ]


def measured(
    *tests: str | None,
    versions: str | None = TIMEOUT,
    control: str | None = TIMEOUT,
    neutral: str | None = None,
    neutral_control: str | None = None,
    neutral_test: str | None = None,
    advertised: bool | None = False,
    helper: bool | None = None,
    **more: Any,
) -> Measurement:
    """What a QUIC measurement saw: each argument is a failure, None success."""
    rows = [
        {"where": "site", "address": f"{SITE}:443", "failure": versions},
        {"where": "neutral", "address": f"{NEUTRAL}:443", "failure": neutral},
    ]
    seen = None
    if helper is not None:
        failure = None if helper else TIMEOUT
        row = {"server_name": HOST, "status": helper, "failure": failure}
        seen = {"quic_handshake": {f"{SITE}:443": row}}
    return web(
        test="quic",
        queries=names([SITE]),
        connects=[connect(SITE)],
        handshakes=[
            handshake(SITE),
            *shaken(CONTROL_SNI, control),
            *shaken(TEST_SNI, *tests),
            *shaken(NEUTRAL_CONTROL, neutral_control, at=NEUTRAL),
            *shaken(NEUTRAL_TEST, neutral_test, at=NEUTRAL),
        ],
        control=seen,
        x_gatewatch_quic={"host": HOST, "address": SITE, "advertised": advertised, "versions": rows},
        **more,
    )


SILENT = (TIMEOUT, TIMEOUT)
FIRES_QUIC: dict[str, tuple[str, Measurement]] = {
    "quic.ok": ("ok", measured(TIMEOUT, None, versions=None, control=None)),
    "quic.timeout.name": (
        "blocked(quic.timeout)",
        measured(*SILENT, versions=None, control=None, advertised=True),
    ),
    "quic.timeout.residual": (
        "blocked(quic.timeout)",
        measured(
            TIMEOUT,
            versions=None,
            control=None,
            x_gatewatch_residual=[{"address": SITE, "passed": False, "at_least": 30.0}],
        ),
    ),
    "quic.timeout.anywhere": (
        "blocked(quic.timeout)",
        measured(*SILENT, versions=None, neutral_test=TIMEOUT, advertised=True),
    ),
    "quic.udp_443": (
        "inconclusive(udp_443)",
        measured(*SILENT, neutral=TIMEOUT, neutral_control=TIMEOUT, neutral_test=TIMEOUT, advertised=True),
    ),
    "quic.everywhere": (
        "inconclusive(quic_everywhere)",
        measured(*SILENT, versions=None, neutral_control=TIMEOUT, neutral_test=TIMEOUT, advertised=True),
    ),
    "quic.timeout.versions": ("blocked(quic.timeout)", measured(*SILENT, versions=None, advertised=True)),
    "quic.timeout.helper": ("blocked(quic.timeout)", measured(*SILENT, advertised=True, helper=True)),
    "quic.no_quic": ("inconclusive(no_quic)", measured(REFUSED, versions=REFUSED, control=REFUSED)),
    "quic.certificate": (
        "inconclusive(quic_certificate)",
        measured("ssl_unknown_authority", versions=None, control=None),
    ),
    "quic.no_control": ("inconclusive(no_control)", measured(*SILENT, advertised=True)),
    "quic.not_reached": (
        "inconclusive(no_address)",
        web(test="quic", queries=names("dns_nxdomain_error"), x_gatewatch_quic={"host": HOST}),
    ),
}
