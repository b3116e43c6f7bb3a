"""Measurements that make the rules about pages and their second witnesses fire."""

from __future__ import annotations

from typing import Any

from tests.core.fires_second import HTTP, aside, asked
from tests.core.verdict_build import HEADERS, NOTICE, PAGE, control, second

from gatewatch.records import Measurement

OWN = second("https_page", "answered")
# A page of another language: none of the control's words, twice its length.
FOREIGN = "<html lang='km'><head><title>ព័ត៌មាន</title></head><body>" + "<p>ព័ត៌មាន</p>" * 400 + "</body></html>"
# A block page in the dress of the provider's site: menus, offers, and somewhere the notice.
PORTAL = (
    "<html><head><title>Welcome to Provider</title></head><body>" + "<li><a href='/x'>offer</a></li>" * 90
)


def beside(body: str, own: str, seen: dict[str, Any] | None = None, **more: Any) -> Measurement:
    """An http page beside the site's own over TLS, and what any other name is given there."""
    welcome = aside("control_host", HTTP, body="<title>Welcome</title>")
    rows = [aside("https_page", body=own), welcome]
    return asked(None, OWN, body=body, aside=rows, control=seen or control(), **more)


FIRES_CONTENT: dict[str, tuple[str, Measurement]] = {
    "http.own_notice": ("server_side", beside(NOTICE, NOTICE)),
    "http.default_page": (
        "inconclusive(default_page)",
        asked(
            None, body=NOTICE, headers={}, aside=[aside("control_host", HTTP, body=NOTICE)], control=control()
        ),
    ),
    "http.blockpage.against_own": ("blocked(http.blockpage)", beside(NOTICE, PAGE, headers=HEADERS)),
    "http.diff.against_own": ("blocked(http.diff)", beside(PORTAL, PAGE, headers=HEADERS)),
    "whole.ok.own_page": ("ok", beside(FOREIGN, FOREIGN)),
}
