"""Pages beside the control's: block pages that look harmless, and honest pages that look like one."""

from __future__ import annotations

import pytest
from tests.core.fires_content import FOREIGN, OWN, PORTAL, beside
from tests.core.fires_second import HTTP, aside, asked
from tests.core.test_verdict_rules import plain
from tests.core.verdict_build import HEADERS, NOTICE, PAGE, control, fetch, second

from gatewatch.verdict import features, judge
from gatewatch.verdict.likeness import compare, signs


def front(edition: int, stories: int = 40) -> str:
    """A front page: menus, headlines, pictures."""
    menu = "".join(f"<li><a href='/{n}'>section {n}</a></li>" for n in range(40))
    news = "".join(
        f"<article><h2><a href='/{edition}/{n}'>story {edition * n}</a></h2><img src='{n}.jpg'>"
        f"<p>{'words ' * (10 + edition % 7 * 20)}</p></article>"
        for n in range(stories)
    )
    head = f"<html><head><title>Edition{edition}</title><link rel='stylesheet' href='/s.css'></head>"
    return f"{head}<body><nav><ul>{menu}</ul></nav>{news}</body></html>"


COMMON = {"Server": "nginx", "Content-Type": "text/html", "Content-Length": "1", "Connection": "close"}


def test_every_header_of_the_site_does_not_make_a_notice_the_site() -> None:
    for headers in (HEADERS, COMMON):
        seen = control(headers=headers)
        copied = asked(None, body=NOTICE, headers=headers, control=seen)
        assert judge(copied).label == "blocked(http.blockpage)"
        assert judge(beside(NOTICE, PAGE, seen, headers=headers)).rule == "http.blockpage.against_own"
        cut = asked(None, second("https_page", "reset"), body=NOTICE, headers=headers, control=seen)
        assert (judge(cut).label, judge(cut).confidence < 0.9) == ("blocked(http.blockpage)", True)


@pytest.mark.parametrize("headers", [COMMON, HEADERS])
@pytest.mark.parametrize(("here", "there"), [(1, 5), (5, 1), (2, 3)])
def test_a_front_page_of_the_hour_is_never_called_blocked(
    headers: dict[str, str], here: int, there: int
) -> None:
    now, then = front(here, 20 + 10 * here), front(there, 20 + 10 * there)
    seen = control(body_length=len(then), title=f"Edition{there}", headers=headers)
    assert compare.same_title(f"Edition{here}", f"Edition{there}") == "different"
    alone = asked(None, body=now, headers=headers, control=seen)
    assert judge(alone).status in ("ok", "inconclusive")
    # The site's own page over TLS is of a third edition, and of the same template.
    third = aside("https_page", body=front(9, 45), headers=headers)
    both = asked(None, OWN, body=now, headers=headers, aside=[third], control=seen)
    assert judge(both).label == "ok"


def test_a_language_chosen_by_country_is_the_site() -> None:
    assert judge(beside(FOREIGN, FOREIGN, headers={"Server": "other"})).label == "ok"
    alone = asked(None, body=front(3), headers=HEADERS, control=control())
    assert judge(alone).label == "inconclusive(different_page)"


def test_a_notice_of_the_servers_own() -> None:
    assert judge(beside(NOTICE, NOTICE)).label == "server_side"
    # The same notice for any name is nobody's block of this one.
    default = aside("control_host", HTTP, body=NOTICE)
    m = asked(None, OWN, body=NOTICE, headers={}, aside=[default, aside("https_page")], control=control())
    assert judge(m).label == "inconclusive(default_page)"


def test_a_block_page_in_the_dress_of_a_whole_site() -> None:
    # With the site's headers and without a second witness it is one more page that varies.
    assert judge(asked(None, body=PORTAL, control=control())).label == "inconclusive(different_page)"
    assert judge(beside(PORTAL, PAGE)).label == "blocked(http.diff)"
    # Where the site's own page is not the control's either, nothing is sure.
    assert judge(beside(PORTAL, FOREIGN)).label == "inconclusive(different_page)"
    # A front page of the hour is of one structure.
    hour = beside(front(2), front(5), control(title="Edition5", body_length=len(front(5))))
    assert judge(hour).label == "ok"


def test_only_short_title_words_on_either_side() -> None:
    page = "<title>My co</title>" + "text " * 2000
    seen = control(title="My co", body_length=len(page))
    assert judge(plain(fetch(HTTP, body=page), control=seen)).label == "ok"
    forged = fetch(HTTP, body="<title>No go</title>", headers=HEADERS)
    assert judge(plain(forged, control=seen)).label == "blocked(http.blockpage)"


def test_a_page_that_was_cut_where_it_is_stored() -> None:
    large = "<title>Example news of the day</title>" + "x" * 524_000
    whole = control(body_length=32 * 1024 * 1024)
    cut = plain(fetch(HTTP, body=large, truncated=True), control=whole)
    assert (judge(cut).label, features(cut).page_body) == ("ok", "unusable")
    # What was kept of it is longer already than all that the control got.
    small = plain(fetch(HTTP, body=large, truncated=True), control=control(body_length=900))
    assert features(small).page_body == "different"


def test_one_page_of_a_site_is_told_apart_from_the_whole() -> None:
    m = asked("connection_reset", second("front_page", "answered", port=80), control=control())
    verdict = judge(m)
    assert verdict.label == "blocked(http.reset)"
    assert verdict.evidence[0].endswith("the control got its page; the site's front page: answered")


def test_structure() -> None:
    assert compare.is_notice(NOTICE) and compare.is_notice("") and not compare.is_notice(front(1))
    assert compare.same_shape(front(1), front(4, 50)) == "same"
    assert compare.same_shape(front(1), "<table>" * 90) == "different"
    assert compare.same_shape(NOTICE, PAGE) == "unusable"
    # A hostile page costs no more than another.
    assert compare.shape("<" * 70_000).total() == 0 and compare.shape("<a " * 70_000).total() > 0


@pytest.mark.parametrize(
    ("status", "location", "body", "mark"),
    [
        (511, "", "", "status 511"),
        (302, "http://login.example/?res=notyet&uamip=10.1.0.1", "", "uamip="),
        (302, "https://portal.example/x?wlanuserip=10.0.0.9&wlanacname=a", "", "wlanuserip="),
        (302, "https://portal.example/?cmd=login&mac=aa", "", "cmd=login"),
        (200, "", "<html><!-- <WISPAccessGatewayParam xmlns=", "wispaccessgatewayparam"),
        (302, "https://example.org/?q=uamip=1", "", ""),
        (302, "https://example.org/usermac=1", "", ""),
        (200, "", "<p>all about captive portals</p>", ""),
    ],
)
def test_portals_are_known_by_what_their_gateways_write(
    status: int, location: str, body: str, mark: str
) -> None:
    assert signs.portal(status, [location] if location else [], body) == mark
    answered = fetch(HTTP, code=status, body=body, headers={"Location": location} if location else {})
    portal = judge(plain(answered)).label == "inconclusive(captive_portal)"
    assert portal is bool(mark)


@pytest.mark.parametrize(
    ("status", "body", "known"),
    [
        (403, "<title>Access Denied</title> https://errors.edgesuite.net/18.2", True),
        (403, "The Amazon CloudFront distribution is configured to block access from your country.", True),
        (403, "error code: 1009", True),
        (451, "451: Unavailable due to legal reasons", True),
        (403, "<h1>Forbidden by order of the ministry</h1>", False),
        (200, "<html><head><script src='/_Incapsula_Resource?x'></script></head></html>", True),
        (200, front(1) + "<script src='/_Incapsula_Resource?x'></script>", False),
    ],
)
def test_servers_that_refuse_a_country_or_want_a_proof(status: int, body: str, known: bool) -> None:
    m = plain(fetch(HTTP, code=status, body=body, headers={"Server": "edge"}))
    assert (judge(m).label == "server_side") is known


def test_a_refusal_by_another_server_is_a_block_page() -> None:
    m = plain(fetch(HTTP, code=451, body="<title>Stop</title>", headers={"Server": "gate"}))
    assert judge(m).label == "blocked(http.blockpage)"
