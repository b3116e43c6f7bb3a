"""The helper inside the country, beside the one abroad: where they disagree, and which of them to believe.

What the one inside cannot reach either is not the access network's doing.  What only the one inside reaches
is closed to visitors from abroad, and not down; then it is the control.  It sees what the country's gateway
does, so its failures and its plain pages prove nothing: only what TLS vouches for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatewatch.verdict.evidence import control
from gatewatch.verdict.evidence.control import Control
from gatewatch.verdict.words import NOT_LOOKED, OK, UNUSABLE

AGREES, ONLY_INSIDE = "agrees", "only_inside"


def read(keys: Mapping[str, Any]) -> Control | None:
    """Read what the helper inside the country said; None when none was asked."""
    row = keys.get("x_gatewatch_control_domestic")
    if not isinstance(row, dict):
        return None
    return control.read({"control": row.get("answer"), "control_failure": row.get("failure")})


def compare(abroad: Control, inside: Control | None) -> str:
    """Say where the helper inside disagrees: dns, tcp, tls or http is what fails there and not abroad."""
    if inside is None:
        return NOT_LOOKED
    if not inside.present:
        return UNUSABLE
    if inside.http == OK and (not abroad.present or abroad.http != OK):
        return ONLY_INSIDE
    if not abroad.present:
        return UNUSABLE
    if abroad.names == "addresses" and inside.names not in ("addresses", NOT_LOOKED):
        return "dns"
    for layer, here, there in (("tcp", inside.tcp, abroad.tcp), ("tls", inside.tls, abroad.tls)):
        both = [endpoint for endpoint in here if there.get(endpoint) == OK]
        if both and all(here[endpoint] != OK for endpoint in both):
            return layer
    return "http" if abroad.http == OK and inside.http == "failed" else AGREES


def choose(abroad: Control, inside: Control | None, scheme: str) -> tuple[Control, bool]:
    """Give the control to judge by, and whether it is the one inside."""
    if inside is not None and scheme == "https" and inside.valid and compare(abroad, inside) == ONLY_INSIDE:
        return inside, True
    return abroad, False
