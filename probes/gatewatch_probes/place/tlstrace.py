"""What a hunt over TLS looks like in OONI's ``tlsmiddlebox`` format.  Not a probe.

Reference: OONI ts-037 (iterative_trace, control_trace, target_trace).  A hunt sends its control with the full
TTL only and learns the path from SYNs, so that the control trace holds the controls and no more.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any

from gatewatch.locus import Sighting
from gatewatch.net.journal import Journal
from gatewatch.records import Handshake, encode
from gatewatch_probes.place.hunt import Hunt
from gatewatch_probes.place.triggers import CONTROL_NAME

# Signature of the interference: OONI's failure, and the errno that it keeps as so_error.
_WORDS = {
    "reset": ("connection_reset", errno.ECONNRESET),
    "fin": ("eof_error", None),
    "answer": ("ssl_failed_handshake", None),
}
_FULL_TTL = 64


def iterative_trace(journal: Journal, hunts: Sequence[Hunt], name: str) -> list[dict[str, Any]]:
    """Give an entry for each hunt over TLS; df-006 handshakes with their TTL."""
    return [
        {
            "address": hunt.endpoint,
            "control_trace": {
                "server_name": CONTROL_NAME,
                "iterations": [
                    _iteration(
                        journal, hunt, CONTROL_NAME, _FULL_TTL, None if passed else "generic_timeout_error"
                    )
                    for passed in hunt.passed
                ],
            },
            "target_trace": {
                "server_name": name,
                "iterations": [_shot(journal, hunt, name, sighting) for sighting in hunt.sightings],
            },
        }
        for hunt in hunts
        if hunt.trigger.method == "tls"
    ]


def _shot(journal: Journal, hunt: Hunt, name: str, sighting: Sighting) -> dict[str, Any]:
    if sighting.outcome == "interfered":
        failure, number = _WORDS.get(hunt.signature, ("connection_reset", errno.ECONNRESET))
    elif sighting.outcome == "silent":
        failure, number = "generic_timeout_error", None
    elif sighting.ttl < hunt.path.length:
        failure, number = "host_unreachable", errno.EHOSTUNREACH
    else:
        return _iteration(journal, hunt, name, sighting.ttl, None)
    return _iteration(journal, hunt, name, sighting.ttl, failure, number)


def _iteration(
    journal: Journal, hunt: Hunt, name: str, ttl: int, failure: str | None, so_error: int | None = None
) -> dict[str, Any]:
    handshake = encode(
        Handshake(
            address=hunt.endpoint,
            failure=failure,
            no_tls_verify=True,
            server_name=name,
            t0=journal.now(),
            t=journal.now(),
        )
    )
    return {"ttl": ttl, "handshake": {**handshake, "so_error": so_error}}
