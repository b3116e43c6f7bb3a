"""Lies about names: never overlooked with every helper cut, never seen in what caches and filters answer."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.fires_names import BLOCKER, GONE, HONEST, NXDOMAIN, REWRITER, two
from tests.core.verdict_build import (
    HOST,
    LIE,
    NOTICE,
    OTHER,
    PAGE,
    SITE,
    TIMEOUT,
    connect,
    control,
    fetch,
    handshake,
    names,
    query,
)
from tests.core.verdict_build import web as make

from gatewatch.verdict import features, judge

# Called with parts of measurements, whose types mypy does not follow through a mapping.
web: Any = make

HTTP, HTTPS = f"http://{HOST}/", f"https://{HOST}/"
CUT = "connection_reset"
LIES: list[Any] = [NXDOMAIN, "dns_no_answer", ["127.0.0.1"], [LIE]]


def there(*addresses: str) -> dict[str, Any]:
    """The site at these addresses, with its certificate."""
    return {
        "connects": [connect(a) for a in addresses],
        "handshakes": [handshake(a) for a in addresses],
        "requests": [fetch(HTTPS, at=addresses[0])],
    }


def what_the_lie_leads_to(lie: Any) -> dict[str, Any]:
    if isinstance(lie, str) or lie == ["127.0.0.1"]:
        return {}
    return {"connects": [connect(LIE)], "handshakes": [handshake(LIE, "ssl_invalid_hostname")]}


# -- every helper cut


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_lie_with_every_helper_and_every_door_closed_is_never_ok(lie: Any, scheme: str) -> None:
    m = web(
        f"{scheme}://{HOST}/",
        queries=[*names(lie, lie), query("doh", CUT), query("dot", CUT), query("tcp", CUT)],
        requests=[fetch(HTTP, body=NOTICE, at=LIE)] if scheme == "http" and lie == [LIE] else [],
        control_failure=CUT,
        **(what_the_lie_leads_to(lie) if scheme == "https" else {}),
    )
    assert judge(m).label == "inconclusive(no_control)"


@pytest.mark.parametrize("lie", LIES)
def test_one_open_door_and_a_certificate_decide(lie: Any) -> None:
    met = what_the_lie_leads_to(lie)
    m = web(
        queries=[*names(lie, lie, doh=[SITE])],
        connects=[*met.get("connects", ()), connect(SITE)],
        handshakes=[*met.get("handshakes", ()), handshake(SITE)],
        requests=[fetch(HTTPS)],
        control_failure=CUT,
    )
    assert judge(m).status == "blocked" and judge(m).layer == "dns"


@pytest.mark.parametrize("lie", LIES[:3])
def test_over_http_an_encrypted_answer_decides_about_what_cannot_be_true(lie: Any) -> None:
    m = web(HTTP, queries=names(lie, lie, doh=[SITE]), control_failure=CUT)
    assert judge(m).status == "blocked" and judge(m).layer == "dns"


def test_another_address_over_http_alone_proves_nothing() -> None:
    # A cache near by, or a lie: nobody can say.
    m = web(
        HTTP, queries=names([LIE], [LIE], doh=[SITE]), requests=[fetch(HTTP, at=LIE)], control_failure=CUT
    )
    assert judge(m).label == "inconclusive(no_control)"


def test_what_its_owner_points_nowhere_is_down_without_a_control_too() -> None:
    m = web(queries=names(["127.0.0.1"], ["127.0.0.1"], doh=["127.0.0.1"]), control_failure=CUT)
    assert features(m).dns_encrypted == "bogon"
    assert judge(m).label == "down"


# -- caches by country


ELSEWHERE = control([SITE], asns={SITE: 13335, OTHER: 9902})


@pytest.mark.parametrize("doh", [[SITE], [OTHER], None])
@pytest.mark.parametrize("public", [[SITE], [OTHER]])
def test_a_cache_in_another_network_with_a_certificate_is_no_lie(public: Any, doh: Any) -> None:
    m = web(queries=names([OTHER], public, doh=doh), control=ELSEWHERE, **there(OTHER))
    assert judge(m).label == "ok"


@pytest.mark.parametrize("page", [PAGE, PAGE + "more of the day " * 40])
def test_a_cache_over_http_is_known_by_its_page(page: str) -> None:
    m = web(
        HTTP,
        queries=names([OTHER], [SITE], doh=[SITE]),
        connects=[connect(OTHER, port=80)],
        requests=[fetch(HTTP, body=page, at=OTHER)],
        control=ELSEWHERE,
    )
    assert judge(m).label == "ok"


def test_a_cache_that_all_others_do_not_give_is_no_lie_where_it_works() -> None:
    # An unclear page at an address of its own: an operator's cache, or a transparent proxy.
    half = "<title>Example news of the day</title>" + "x" * 900
    m = web(
        HTTP,
        queries=names([OTHER], [SITE], doh=[SITE]),
        connects=[connect(OTHER, port=80)],
        requests=[fetch(HTTP, body=half, at=OTHER)],
        control=ELSEWHERE,
    )
    assert judge(m).status != "blocked"


# -- the resolver's habits


def test_an_advertiser_s_answer_excuses_the_same_answer_only() -> None:
    blocked = web(queries=names(["127.0.0.1"]), control=control(), x_gatewatch_resolver=BLOCKER)
    assert judge(blocked).label == "blocked(dns.bogon)"
    denied = web(queries=names(NXDOMAIN), control=control(), x_gatewatch_resolver=BLOCKER)
    assert judge(denied).label == "blocked(dns.nxdomain)"
    deniers = {**BLOCKER, "filters": "nxdomain", "filter_answers": []}
    for seen, label in ((control(), "inconclusive(own_filter)"), (GONE, "down")):
        m = web(queries=names(NXDOMAIN), control=seen, x_gatewatch_resolver=deniers)
        assert judge(m).label == label


def test_random_names_tell_a_dead_name_from_a_lie() -> None:
    ghost = {"queries": names([LIE]), "control": GONE}
    assert judge(web(**ghost, x_gatewatch_resolver=HONEST)).confidence == 0.8
    assert judge(web(**ghost)).confidence == 0.6
    rewriter = {**REWRITER, "rewrites": [LIE]}
    assert judge(web(**ghost, x_gatewatch_resolver=rewriter)).label == "down"
    encrypted = web(queries=names([LIE], doh=NXDOMAIN), x_gatewatch_resolver=rewriter)
    assert judge(encrypted).label == "down"


def test_a_rewriter_s_address_with_the_site_s_certificate_is_the_site() -> None:
    m = web(
        queries=names([OTHER]), control=control(), x_gatewatch_resolver={"rewrites": [OTHER]}, **there(OTHER)
    )
    assert judge(m).label == "ok"


@pytest.mark.parametrize(("count", "label"), [(2, "inconclusive(no_control)"), (3, "blocked(dns.redirect)")])
def test_three_unrelated_names_with_one_answer(count: int, label: str) -> None:
    met = {"connects": [connect(LIE, TIMEOUT)]}
    m = web(queries=names([LIE], [SITE]), control_failure=CUT, x_gatewatch_shared={LIE: count}, **met)
    assert judge(m).label == label
    # An address that all resolvers give is a content network's, even if it is blocked.
    m = web(queries=names([LIE], [LIE]), control_failure=CUT, x_gatewatch_shared={LIE: 30}, **met)
    assert judge(m).label == "inconclusive(no_control)"


# -- two answers


@pytest.mark.parametrize(
    ("answers", "label"),
    [
        (two([LIE], [SITE]), "blocked(dns.injected)"),
        (two(NXDOMAIN, [SITE]), "blocked(dns.injected)"),
        (two([LIE], NXDOMAIN), "blocked(dns.injected)"),
        # One sender's answers, a repeated answer, and an overtaken resolver's error are no second opinion.
        (two([LIE], [SITE], 55, 55), "inconclusive(no_control)"),
        (two([LIE], [SITE], 56, 55), "inconclusive(no_control)"),
        (two([LIE], [LIE]), "inconclusive(no_control)"),
        (two([LIE], "dns_servfail_error"), "inconclusive(no_control)"),
    ],
)
def test_two_senders_without_any_control(answers: Any, label: str) -> None:
    m = web(queries=[*names([LIE]), *answers], connects=[connect(LIE, TIMEOUT)], control_failure=CUT)
    assert judge(m).label == label


def test_a_late_true_answer_that_validates_is_injection_without_any_control() -> None:
    m = web(
        queries=[*names([LIE]), *two([LIE], [SITE], 55, 55)],
        connects=[connect(LIE, TIMEOUT), connect(SITE)],
        handshakes=[handshake(SITE)],
        requests=[fetch(HTTPS)],
        control_failure=CUT,
    )
    assert (judge(m).label, judge(m).rule) == ("blocked(dns.injected)", "dns.injected")


@pytest.mark.parametrize("habits", [None, [], {"rewrites": 5, "filter_answers": {"a": 1}, "denies": "yes"}])
@pytest.mark.parametrize("shared", [None, [], {LIE: True}, {LIE: "9"}, {LIE: 10**40}])
def test_what_is_no_record_of_ours_is_left_alone(habits: Any, shared: Any) -> None:
    m = web(queries=names([LIE]), control_failure=CUT, x_gatewatch_resolver=habits, x_gatewatch_shared=shared)
    found = features(m)
    assert (found.dns_rewritten, found.dns_filters_alike, found.dns_shared < 3) == (False, False, True)


def test_a_page_for_a_dead_site_is_a_lie_where_unrelated_names_share_the_answer() -> None:
    def dead(shared: int) -> str:
        m = web(
            HTTP,
            queries=names([LIE], [SITE], [SITE]),
            connects=[connect(LIE, port=80), connect(SITE, "connection_refused", port=80)],
            requests=[fetch(HTTP, body=NOTICE, at=LIE, tags=("classic", "depth=0"))],
            control=control(
                tcp={f"{SITE}:80": "connection_refused_error", f"{SITE}:443": "connection_refused_error"},
                tls={},
                http="connection_refused_error",
            ),
            x_gatewatch_shared={LIE: shared},
        )
        return judge(m).label

    assert dead(6) == "blocked(dns.redirect)"
    # Alone it may be a cache near by, which outlives its origin.
    assert dead(1) == "down"
