"""Measurements that make the rules about the contrast probe fire."""

from __future__ import annotations

from typing import Any

from tests.core.verdict_build import web

from gatewatch.records import Measurement


def contrast(*ways: tuple[str, str, str], reason: str = "", times: int = 2) -> Measurement:
    """A measurement of the probe: method, what came of the name at home and abroad, how often."""
    trials: list[dict[str, Any]] = [
        {"method": m, "place": place, "address": place, "name": "x", "control": False, "outcome": outcome}
        for m, home, abroad in ways
        for place, outcome in (("home", home), ("abroad", abroad))
        for _ in range(times)
    ]
    return web(test="contrast", x_gatewatch_contrast={"ends": [], "trials": trials, "reason": reason})


FIRES_CONTRAST: dict[str, tuple[str, Measurement]] = {
    **{
        f"tls.contrast.{word}": (f"blocked(tls.{word})", contrast(("tls", "answered", word)))
        for word in ("reset", "eof", "timeout")
    },
    **{
        f"http.contrast.{word}": (f"blocked(http.{word})", contrast(("http", word, word)))
        for word in ("reset", "eof", "timeout")
    },
    "http.contrast.page": ("blocked(http.blockpage)", contrast(("http", "answered", "page"))),
    "dns.contrast.answered": ("blocked(dns.injected)", contrast(("dns", "silent", "answered"))),
    "whole.contrast.once": ("inconclusive(residual)", contrast(("tls", "reset", "answered"), times=1)),
    "whole.contrast.passes": ("ok", contrast(("tls", "answered", "answered"), ("dns", "silent", "silent"))),
    "whole.contrast.cannot_tell": ("inconclusive(no_contrast)", contrast(reason="no_home")),
}
