"""Measurements that make the rules about the sni probe fire."""

from __future__ import annotations

from typing import Any

from tests.core.verdict_build import OTHER, SITE, names, web

from gatewatch.records import Measurement


def sni(*rows: tuple[str, str]) -> Measurement:
    """A measurement of the probe: variants and their outcomes."""
    written: list[dict[str, Any]] = [
        {"variant": variant, "outcome": outcome, "address": OTHER if variant.startswith("else") else SITE}
        for variant, outcome in rows
    ]
    return web(test="sni_filter", queries=names([SITE]), x_gatewatch_sni=written)


CONTROL, WHOLE = ("control", "answered"), ("whole", "answered")
FIRES_SNI: dict[str, tuple[str, Measurement]] = {
    "tls.sni.ok": ("ok", sni(CONTROL, WHOLE)),
    "tls.sni.elsewhere": (
        "inconclusive(unstable)",
        sni(CONTROL, WHOLE, ("elsewhere", "reset"), ("elsewhere", "reset")),
    ),
    "tls.sni.once": ("inconclusive(residual)", sni(CONTROL, ("whole", "reset"), ("control", "reset"))),
    "tls.sni.no_baseline": ("inconclusive(no_control)", sni(("control", "reset"))),
    "whole.sni.ech": ("ok", sni(CONTROL, WHOLE, ("control_ech", "reset"), ("control_ech", "reset"))),
}
