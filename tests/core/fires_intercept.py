"""Measurements of intercept, one for each rule about them."""

from __future__ import annotations

from typing import Any

from tests.core.verdict_build import web

from gatewatch.records import Measurement


def intercepted(kind: Any, **more: Any) -> Measurement:
    found = {
        "kind": kind,
        "resolver": "8.8.8.8",
        "trigger": "www.rfa.org",
        "innocuous": "example.com",
        "evidence": ["a sign"],
        **more,
    }
    return web(test="intercept", x_gatewatch_intercept=found)


AT_FOUR = {"hop": 4, "before": "36.37.129.9", "after": None}

FIRES_INTERCEPT: dict[str, tuple[str, Measurement]] = {
    "dns.intercept.home": ("tampered(dns.proxied)", intercepted("proxy", hop=1, after="192.168.1.1")),
    "dns.intercept.proxy": ("tampered(dns.proxied)", intercepted("proxy", **AT_FOUR)),
    "dns.intercept.injector": ("blocked(dns.injected)", intercepted("injector", **AT_FOUR)),
    "dns.intercept.dropper": ("blocked(dns.timeout)", intercepted("dropper")),
    "dns.intercept.bogon": ("blocked(dns.bogon)", intercepted("resolver_lies", forged=["127.0.0.1"])),
    "dns.intercept.nxdomain": ("blocked(dns.nxdomain)", intercepted("resolver_lies")),
    "dns.intercept.silent": ("inconclusive(silent)", intercepted("unclear")),
    "dns.intercept.ok": ("ok", intercepted("none")),
}
