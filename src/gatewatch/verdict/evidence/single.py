"""What a test of one thing says: a lookup, a connection, a handshake or a fetch, without a control."""

from __future__ import annotations

from typing import Any

from gatewatch.net.address import is_bogon
from gatewatch.records import Measurement

#: Tests that measure one thing without a control.
TESTS = frozenset({"resolve", "connect", "handshake", "fetch"})


def evidence(m: Measurement) -> dict[str, Any]:
    """Read the features of a test without a control."""
    keys = m.test_keys
    if keys is None:
        return {"single_probe": True}
    if m.test_name == "resolve":
        good = any(a and not is_bogon(a) for query in keys.queries or () for a in query.addresses)
        failures = [query.failure for query in keys.queries or ()]
    elif m.test_name == "connect":
        good = any(c.status is not None and c.status.success for c in keys.tcp_connect or ())
        failures = [c.status.failure if c.status else None for c in keys.tcp_connect or ()]
    elif m.test_name == "handshake":
        good = any(h.failure is None for h in keys.tls_handshakes or ())
        failures = [h.failure for h in keys.tls_handshakes or ()]
    else:
        last = next(iter(keys.requests or ()), None)
        good = last is not None and last.failure is None
        failures = [last.failure] if last else []
    looked = bool(keys.queries or keys.tcp_connect or keys.tls_handshakes or keys.requests)
    failure = next((f for f in failures if f), "") or ""
    return {"single_probe": True, "single_succeeded": good, "looked": looked, "http_failure": failure}
