"""A measurement for each rule about middleboxes, and the verdict it must be given."""

from __future__ import annotations

from typing import Any

from tests.core.verdict_build import HOST, SITE, web

from gatewatch.records import Measurement, OddRequest, encode

HELPER, PAGE = "68.183.70.80", "104.16.9.9"
AWAY = 0.080  # seconds to the servers and back


def odd(kind: str, outcome: str = "answered", at: str = SITE, **more: Any) -> OddRequest:
    """One request; what is not said is as without any box."""
    told = {"code": 200, "length": 9_000, "title": "News", "connect": AWAY, "wait": AWAY + 0.01, **more}
    return OddRequest(kind=kind, address=at, port=80, host=HOST, outcome=outcome, **told)


def measured(*rows: OddRequest) -> Measurement:
    """A measurement with these requests, the site's control name among them."""
    told = [encode(row) for row in (odd("host_control", title="Other"), *rows)]
    return web(test="middlebox", queries=[], x_gatewatch_middlebox=told)


def cut(word: str) -> Measurement:
    """The site's name cut twice, one spelling of it passed."""
    return measured(odd("host", word), odd("host", word), odd("host_case"))


ECHO = odd("echo", "echoed", HELPER)
CHANGED = odd("echo", "echoed", HELPER, changes=("added via",))
NOTICE: dict[str, Any] = {"title": "Blocked", "length": 100}
NEAR = odd("beacon_invalid", at=PAGE, connect_tls=AWAY, wait=0.004)
SOON = odd("host", wait=0.004, **NOTICE)
FIRES_MIDDLEBOX: dict[str, tuple[str, Measurement]] = {
    "http.middlebox.reset": ("blocked(http.reset)", cut("reset")),
    "http.middlebox.eof": ("blocked(http.eof)", cut("eof")),
    "http.middlebox.timeout": ("blocked(http.timeout)", cut("timeout")),
    "http.middlebox.page": (
        "blocked(http.blockpage)",
        measured(
            CHANGED, odd("host", **NOTICE), odd("host", **NOTICE), odd("host_case"), odd("host_name_case")
        ),
    ),
    "http.middlebox.sooner": ("blocked(http.blockpage)", measured(SOON, SOON, odd("host_case", **NOTICE))),
    "whole.middlebox.rewritten": ("tampered(http.proxied)", measured(CHANGED, odd("host"), odd("host_case"))),
    "whole.middlebox.answered": ("tampered(http.proxied)", measured(ECHO, odd("invalid_method", at=HELPER))),
    "whole.middlebox.sooner": ("tampered(http.proxied)", measured(NEAR, NEAR)),
    "whole.middlebox.none": ("ok", measured(ECHO, odd("host"), odd("host_case"))),
    "whole.middlebox.no_helper": (
        "inconclusive(no_cooperating_server)",
        measured(odd("host"), odd("host_case")),
    ),
}
