"""Two helpers, one abroad and one inside the country: what their disagreement is worth."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.verdict_build import HOST, SITE, TIMEOUT, connect, control, handshake, names, web

from gatewatch.records import Measurement
from gatewatch.verdict import judge
from gatewatch.verdict.reading import features

HTTP, HTTPS = f"http://{HOST}/", f"https://{HOST}/"
DEAD = control(tcp={f"{SITE}:443": TIMEOUT}, tls={}, http=TIMEOUT)
NO_NAME = control("dns_name_error", tcp={}, tls={}, http="dns_lookup_error")
CUT = control(tls={f"{SITE}:443": "connection_reset"}, http="unknown_error")
NO_PAGE = control(http="unknown_error")


def measured(abroad: Any, inside: Any, url: str = HTTPS, **more: Any) -> Measurement:
    """A site whose TLS is reset here; ``inside`` is a whole row where it is no answer."""
    row = inside if inside is None or "answer" in inside else {"answer": inside, "failure": None}
    made: dict[str, Any] = {
        "queries": names([SITE]),
        "connects": [connect(SITE)],
        "handshakes": [handshake(SITE, "connection_reset")],
        **more,
    }
    m = web(url, control=abroad, **made)
    assert m.test_keys is not None
    if row is not None:
        m.test_keys.extra["x_gatewatch_control_domestic"] = row  # type: ignore[index]
    return m


@pytest.mark.parametrize(
    ("abroad", "inside", "word"),
    [
        (control(), None, "not_looked"),
        (control(), {"answer": None, "failure": "generic_timeout_error"}, "unusable"),
        (control(), {"answer": [1], "failure": 5}, "unusable"),
        (control(), control(), "agrees"),
        (control(), NO_NAME, "dns"),
        (control(), DEAD, "tcp"),
        (control(), CUT, "tls"),
        (control(), NO_PAGE, "http"),
        (DEAD, control(), "only_inside"),
        (None, control(), "only_inside"),
        (None, DEAD, "unusable"),
        (DEAD, DEAD, "agrees"),
    ],
)
def test_where_they_disagree(abroad: Any, inside: Any, word: str) -> None:
    assert features(measured(abroad, inside)).control_domestic == word


def test_a_site_that_is_closed_abroad_is_not_down_but_blocked_here() -> None:
    assert judge(measured(DEAD, None)).status == "down"
    found = measured(DEAD, control())
    assert features(found).control_inside and judge(found).label == "blocked(tls.reset)"


def test_with_no_helper_abroad_the_one_inside_proves_that_a_site_is_there() -> None:
    assert judge(measured(None, None)).status == "inconclusive"
    assert judge(measured(None, control())).label == "blocked(tls.reset)"


@pytest.mark.parametrize(
    "inside",
    [
        # What the gateway may have done to it, too.
        NO_NAME,
        DEAD,
        CUT,
        # A page, but no certificate for the name.
        control(tls={}),
    ],
)
def test_what_the_one_inside_does_not_get_proves_nothing(inside: Any) -> None:
    assert judge(measured(None, inside)).label == judge(measured(None, None)).label


def test_a_plain_page_may_be_a_block_page_there_as_well() -> None:
    row = measured(None, control(), url=HTTP, handshakes=[])
    assert not features(row).control_inside
