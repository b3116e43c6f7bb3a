"""What a QUIC measurement says: the site's handshake, and the controls around it.

The probe tags each handshake with what it was for and writes the questions for versions beside them, under
``x_gatewatch_quic``, so that the record alone tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gatewatch.net.address import endpoint
from gatewatch.records import Handshake, Measurement
from gatewatch.verdict.evidence.hops import address_of
from gatewatch.verdict.words import NOT_LOOKED, OK, best, kind

#: The test, and the tags of its handshakes.
TEST = "quic"
TEST_SNI, CONTROL_SNI, NEUTRAL_CONTROL, NEUTRAL_TEST = (
    "test_sni",
    "control_sni",
    "neutral_control",
    "neutral_test",
)
#: Where versions were asked for.
SITE, NEUTRAL = "site", "neutral"
# What no server said: silence, and what the path or a closed port says instead.
_UNHEARD = {"timeout": "silent", "refused": "refused", "reset": "refused", "unreachable": "refused"}
# A run asks some ten times; what claims more is not ours.
_MOST = 64


def _answer(failures: Iterable[str | None]) -> str:
    """Sum up tries at which any answer of a server counts: answered, silent, refused, not_looked."""
    words = {_UNHEARD.get(kind(failure), "answered") for failure in failures}
    return next((word for word in ("answered", "silent", "refused") if word in words), NOT_LOOKED)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def evidence(m: Measurement) -> dict[str, Any]:
    """Read the features of a QUIC measurement."""
    keys = m.test_keys
    if keys is None:
        return {"judged_test": True}
    about = keys.extra.get("x_gatewatch_quic")
    about = about if isinstance(about, Mapping) else {}
    shaken = [h for h in keys.tls_handshakes or () if h.network in ("udp", "quic")]
    address = _text(about.get("address"))
    tests = _tagged(shaken, TEST_SNI)
    over_tcp = [
        h for h in keys.tls_handshakes or () if h.network == "tcp" and address_of(h.address) == address
    ]
    advertised = about.get("advertised")
    return {
        "judged_test": True,
        "looked": bool(keys.queries or shaken or keys.tcp_connect),
        "scheme": "https",
        "host": _text(about.get("host")),
        "quic": best(kind(h.failure) for h in tests),
        "quic_failure": next((h.failure for h in tests if h.failure), "") or "",
        "quic_tries": len(tests),
        "quic_versions": _answer(_asked(about, SITE)),
        "quic_control_sni": _answer(h.failure for h in _tagged(shaken, CONTROL_SNI)),
        "quic_neutral_versions": _answer(_asked(about, NEUTRAL)),
        "quic_neutral_control": _answer(h.failure for h in _tagged(shaken, NEUTRAL_CONTROL)),
        "quic_neutral_test": _answer(h.failure for h in _tagged(shaken, NEUTRAL_TEST)),
        "quic_tcp": best(kind(h.failure) for h in over_tcp),
        "quic_advertised": {True: "yes", False: "no"}.get(advertised, NOT_LOOKED)
        if isinstance(advertised, bool)
        else NOT_LOOKED,
        "quic_residual": _lingers(keys.extra.get("x_gatewatch_residual"), address),
        "quic_helper": _helper(keys.extra.get("control"), address),
    }


def _tagged(shaken: list[Handshake], tag: str) -> list[Handshake]:
    return [h for h in shaken if isinstance(h.tags, tuple) and tag in h.tags]


def _asked(about: Mapping[str, Any], where: str) -> list[str | None]:
    """The failures of the questions for versions."""
    rows = about.get("versions")
    found = [r for r in rows[:_MOST] if isinstance(r, Mapping)] if isinstance(rows, list | tuple) else []
    return [_text(row.get("failure")) or None for row in found if row.get("where") == where]


def _lingers(rows: Any, address: str) -> bool:
    """Tell whether a control at this address that had passed failed after the name was sent."""
    rows = rows[:_MOST] if isinstance(rows, list | tuple) else []
    return any(
        isinstance(row, Mapping)
        and row.get("address") == address
        and isinstance(row.get("at_least"), int | float)
        for row in rows
    )


def _helper(control: Any, address: str) -> str:
    """What a helper abroad says of QUIC at this address: ok, failed, not_looked."""
    done = control.get("quic_handshake") if isinstance(control, Mapping) else None
    row = done.get(endpoint(address, 443)) if isinstance(done, Mapping) and address else None
    if not isinstance(row, Mapping) or not isinstance(row.get("status"), bool):
        return NOT_LOOKED
    return OK if row["status"] else "failed"
