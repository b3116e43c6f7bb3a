"""Measurements that make the rules about second controls fire, and the verdicts that they must give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.core.verdict_build import (
    HEADERS,
    HOST,
    NOTICE,
    OTHER,
    PAGE,
    SITE,
    TIMEOUT,
    connect,
    control,
    fetch,
    handshake,
    names,
    second,
    web,
)

from gatewatch.records import Measurement

HTTPS, HTTP = f"https://{HOST}/", f"http://{HOST}/"
CONTROL = "example.com"
FAILURES = {"reset": "connection_reset", "eof": "eof_error", "timeout": TIMEOUT}
ELSEWHERE = [second("neutral_control", "answered", at=OTHER), second("neutral_test", "reset", at=OTHER)]
NAME = [second("control_sni", "answered"), second("test_sni", "reset")]
LEAF, FORGED, LOGGED = (
    b"...the site's own...",
    b"...EXAMPLE.com...",
    b"\x06\n+\x06\x01\x04\x01\xd6y\x02\x04\x02",
)
UNKNOWN = "ssl_unknown_authority"


def shaken(failure: str, *rows: dict[str, Any], aside: Sequence[Any] = (), **more: Any) -> Measurement:
    """An https measurement whose handshakes ended so."""
    chain = more.pop("chain", None)
    first = handshake(SITE, failure, chain=chain)
    return web(
        queries=names([SITE]),
        connects=[connect(SITE)],
        handshakes=[first, *aside],
        x_gatewatch_second=list(rows),
        **more,
    )


def asked(
    failure: str | None, *rows: dict[str, Any], body: str = PAGE, aside: Sequence[Any] = (), **more: Any
) -> Measurement:
    """An http measurement whose request ended so; without an Aside, nothing is known of the secure page."""
    first = fetch(HTTP, failure, body=body, headers=more.pop("headers", HEADERS))
    return web(
        url=HTTP,
        queries=names([SITE]),
        connects=[connect(SITE, port=80)],
        requests=[first, *aside],
        x_gatewatch_second=list(rows),
        **more,
    )


def aside(kind: str, url: str = HTTPS, **more: Any) -> Any:
    """A page fetched to compare with."""
    return fetch(url, tags=("second", kind, "depth=0"), **more)


def replaced(kind: str, leaf: bytes, *, at: str = SITE) -> Any:
    """A handshake with the control name that met an untrusted certificate."""
    return handshake(at, UNKNOWN, host=CONTROL, tags=("second", kind), chain=[leaf])


OPEN_PORT = second("other_port", "answered", port=80)
NEARER = [
    OPEN_PORT,
    *(second("low_ttl", "refused", ttl=4, name="") for _ in range(3)),
    *(second("low_ttl_other_port", "unreachable", port=80, ttl=4, name="") for _ in range(2)),
]
REFUSED = web(
    queries=names([SITE]), connects=[connect(SITE, "connection_refused")], x_gatewatch_second=NEARER
)
# Another of the site's addresses is refused, too, and was looked at last: no port of it answers anybody.
ALSO_SILENT = second("other_port", "timeout", at=OTHER, port=80, name="")
REFUSED_AT_BOTH = web(
    queries=names([SITE, OTHER]),
    connects=[connect(SITE, "connection_refused"), connect(OTHER, "connection_refused")],
    x_gatewatch_second=[*NEARER, ALSO_SILENT],
)
LEFT = [{"address": SITE, "port": 443, "passed": False, "before": True}]
FIRES_SECOND: dict[str, tuple[str, Measurement]] = {
    "tcp.residual": (
        "inconclusive(residual)",
        web(
            queries=names([SITE]),
            connects=[connect(SITE, TIMEOUT)],
            control=control(),
            x_gatewatch_residual=LEFT,
        ),
    ),
    "tls.residual": (
        "inconclusive(residual)",
        shaken("connection_reset", control=control(), x_gatewatch_residual=LEFT),
    ),
    "http.residual": (
        "inconclusive(residual)",
        asked("connection_reset", control=control(), x_gatewatch_residual=LEFT),
    ),
    "tcp.refused.nearer": ("blocked(tcp.refused)", REFUSED),
    "tls.wrong_clock": (
        "inconclusive(wrong_clock)",
        shaken(
            "ssl_invalid_certificate",
            ipv6=None,
            control=control(),
            x_gatewatch_line={"ipv4": True, "ipv6": False, "clock_offset": -86_400},
        ),
    ),
    "tls.unstable": (
        "inconclusive(unstable)",
        shaken("connection_reset", second("control_sni", "answered"), second("test_sni", "answered")),
    ),
    "tls.intercepted_line": (
        "inconclusive(intercepted_line)",
        shaken(
            UNKNOWN,
            second("control_sni", "answered"),
            aside=[replaced("control_sni", FORGED), replaced("neutral_control", FORGED, at=OTHER)],
            chain=[LEAF],
        ),
    ),
    "tls.old_trust": (
        "inconclusive(old_trust_store)",
        shaken(UNKNOWN, control=control(), chain=[LOGGED]),
    ),
    "tls.mitm.forged": (
        "blocked(tls.mitm)",
        shaken(
            UNKNOWN, second("control_sni", "answered"), aside=[replaced("control_sni", FORGED)], chain=[LEAF]
        ),
    ),
    **{
        f"tls.{word}.elsewhere": (
            f"blocked(tls.{word})",
            shaken(failure, second("control_sni", "timeout"), *ELSEWHERE),
        )
        for word, failure in FAILURES.items()
    },
    **{
        f"tls.{word}.name": (f"blocked(tls.{word})", shaken(failure, *NAME))
        for word, failure in FAILURES.items()
    },
    **{
        f"tls.{word}.mostly": (
            f"blocked(tls.{word})",
            shaken(failure, *ELSEWHERE, aside=[handshake(SITE), handshake(SITE, failure)], control=control()),
        )
        for word, failure in FAILURES.items()
    },
    "tls.name_here": (
        "inconclusive(name_at_address)",
        shaken(
            "connection_reset",
            *NAME,
            second("neutral_control", "answered", at=OTHER),
            second("neutral_test", "answered", at=OTHER),
        ),
    ),
    "http.unstable": (
        "inconclusive(unstable)",
        asked(
            "eof_error", second("control_host", "answered", port=80), second("test_host", "answered", port=80)
        ),
    ),
    **{
        f"http.{word}.host": (
            f"blocked(http.{word})",
            asked(
                failure, second("control_host", "answered", port=80), second("test_host", "reset", port=80)
            ),
        )
        for word, failure in FAILURES.items()
    },
    "http.blockpage.own": (
        "blocked(http.blockpage)",
        asked(
            None,
            second("https_page", "answered"),
            body=NOTICE,
            headers={},
            aside=[aside("https_page"), aside("control_host", HTTP, body="<title>Welcome</title>")],
        ),
    ),
    "whole.ok.own": ("ok", asked(None, second("https_page", "answered"), aside=[aside("https_page")])),
}
