"""What an app's measurement says where a single word would be wrong."""

from __future__ import annotations

from dataclasses import replace

from tests.core.fires_apps import (
    BOTH,
    HOST,
    ONE,
    SIGNED,
    TWO,
    app,
    cut,
    dialled,
    fail,
    got,
    lied,
    row,
    shaken,
)
from tests.core.verdict_build import TIMEOUT, control

from gatewatch.records import HttpResponse, Measurement
from gatewatch.verdict import derived_keys, judge

ANSWER = HttpResponse(code=404, body="", headers={}, headers_list=(), body_is_truncated=False)


def own(chain: list[bytes]) -> Measurement:
    rows = [row(ONE, "tls", issuer="Signal Messenger"), row(TWO, "tls", issuer="Signal Messenger")]
    return app(
        rows,
        test="signal",
        connects=[dialled(0, ONE), dialled(1, TWO)],
        handshakes=[shaken(n, a, "ssl_unknown_authority", chain) for n, a in ((0, ONE), (1, TWO))],
    )


def test_an_apps_own_authority_is_no_alarm_and_is_said_to_be_unverified() -> None:
    # ooni/probe 2344: pinned roots that went out of date raised alarms all over the world.
    verdict = judge(own([SIGNED]))
    assert verdict.label == "ok" and verdict.evidence[0].endswith("unverified: True")
    # Another's certificate is no alarm either, since no root of the app's is at hand, but it is no ok.
    assert judge(own([b"\x30\x82 Fortinet"])).label == "inconclusive(certificate)"
    assert judge(own([])).label == "inconclusive(certificate)"


def test_relays_that_sign_for_themselves_are_reached_by_any_certificate() -> None:
    assert judge(cut("ssl_unknown_authority", issuer="-")).label == "ok"
    assert judge(cut("connection_reset", issuer="-")).label == "blocked(tls.reset)"


def test_a_single_server_is_blocked_when_somebody_else_reaches_it() -> None:
    one = app(
        [row(ONE)],
        connects=[dialled(0, ONE, TIMEOUT)],
        control=control(tcp={f"{ONE}:443": None}),
    )
    assert judge(one).label == "blocked(tcp.timeout)"


def test_a_neutral_name_at_the_same_address_shows_a_filter_by_name() -> None:
    def met(neutral: str | None) -> str:
        handshakes = [
            shaken(0, ONE, "connection_reset", name=HOST),
            shaken(0, ONE, neutral, name="example.com"),
        ]
        asked = lied([ONE]).test_keys
        assert asked is not None
        return judge(
            app(
                [row(HOST, "tls")],
                queries=asked.queries or (),
                connects=[dialled(0, ONE)],
                handshakes=handshakes,
            )
        ).label

    assert met("ssl_invalid_hostname") == "blocked(tls.reset)"
    assert met("connection_reset") == "inconclusive(single_endpoint)"


def test_of_services_of_several_makers_one_that_is_gone_takes_nothing_from_the_others() -> None:
    rows = [{**row(ONE), "role": "a"}, {**row(TWO), "role": "b"}]
    gone = {f"{TWO}:443": TIMEOUT}
    m = app(rows, connects=[dialled(0, ONE), dialled(1, TWO, TIMEOUT)], control=control(tcp=gone))
    assert m.test_keys is not None
    assert judge(m).label == "down"
    m.test_keys.extra["x_gatewatch_app"]["independent"] = True
    assert (judge(m).label, "b dead" in judge(m).evidence[0]) == ("ok", True)


def test_a_known_forged_answer_needs_no_second_opinion() -> None:
    assert judge(lied(["203.190.164.182"], TIMEOUT)).label == "blocked(dns.redirect)"


def test_a_data_centre_that_leads_to_a_page_is_none() -> None:
    def led(location: str) -> str:
        moved = [
            replace(got(n, a), response=replace(ANSWER, headers={"Location": location}, code=302))
            for n, a in ((0, ONE), (1, TWO))
        ]
        rows = [row(ONE, "http"), row(TWO, "http")]
        return judge(app(rows, connects=[dialled(0, ONE), dialled(1, TWO)], requests=moved)).label

    assert led("http://blockdomain.worldlink.com.np/x") == "blocked(http.blockpage)"
    assert led("http://login.hotel.example/") == "inconclusive(app_failure)"


def test_a_name_that_nobody_knows_is_gone() -> None:
    assert judge(lied("dns_nxdomain_error", "dns_nxdomain_error")).label == "down"


def test_the_most_frequent_way_to_fail_speaks() -> None:
    rows = [*BOTH, row("149.154.171.5")]
    failing = [
        dialled(0, ONE, TIMEOUT),
        dialled(1, TWO, TIMEOUT),
        dialled(2, "149.154.171.5", "connection_refused"),
    ]
    assert judge(app(rows, connects=failing)).label == "blocked(tcp.timeout)"


def test_a_record_without_its_table_says_nothing() -> None:
    m = fail(TIMEOUT)
    assert m.test_keys is not None
    m.test_keys.extra["x_gatewatch_app"] = "chat"  # type: ignore[index]
    assert judge(m).label == "inconclusive(not_judged)"
    assert derived_keys(m, judge(m)) == {}


def test_messengers_keys() -> None:
    rows = [row("edge-mqtt.facebook.com", "tls"), row("b-api.facebook.com", "tls")]
    m = app(rows, test="facebook_messenger", connects=[dialled(0, ONE)])
    found = derived_keys(m, judge(m))
    assert found["facebook_dns_blocking"] is False and found["facebook_edge_reachable"] is False
