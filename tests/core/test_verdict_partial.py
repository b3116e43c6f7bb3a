"""What the table says of rows in which features are missing holds whatever they are."""

from __future__ import annotations

import ipaddress
import itertools
import random

import pytest
from tests.core.test_verdict_rules import FIRES

from gatewatch.net.address import is_address, is_bogon
from gatewatch.verdict import RULES, judge, ruling
from gatewatch.verdict.decide import decide, may_block, settled, speaking
from gatewatch.verdict.evidence.hops import _place, place
from gatewatch.verdict.expr import F
from gatewatch.verdict.features import NAMES, at_rest
from gatewatch.verdict.likeness import signs
from gatewatch.verdict.reading import rows


def test_three_values() -> None:
    condition = (F("a") & ~F("b")) | (F("n") >= 3) | F("w").any_of("x", "y")
    for a, b, n, w in itertools.product(
        (True, False, None), (True, False, None), (2, 3, None), ("x", "z", None)
    ):
        row = {k: v for k, v in {"a": a, "b": b, "n": n, "w": w}.items() if v is not None}
        full = [
            condition({"a": x, "b": y, "n": m, "w": v})
            for x in ((True, False) if a is None else (a,))
            for y in ((True, False) if b is None else (b,))
            for m in ((2, 3) if n is None else (n,))
            for v in (("x", "z") if w is None else (w,))
        ]
        assert condition.maybe(row) == (full[0] if len(set(full)) == 1 else None)


def test_with_all_features_there_is_nothing_to_be_unsure_of() -> None:
    for _, m in FIRES.values():
        for row in rows(m):
            assert settled(row) is decide(speaking(row))
            assert may_block(row) == (decide(speaking(row)).status == "blocked")


def test_with_some_missing_it_says_the_same_or_nothing() -> None:
    chance = random.Random(5)
    every = [row for _, m in FIRES.values() for row in rows(m)]
    told = 0
    for _ in range(1500):
        row = chance.choice(every)
        kept = chance.sample(NAMES, chance.randint(len(NAMES) // 2, len(NAMES)))
        part = {name: row[name] for name in kept}
        found = settled(part)
        told += found is not None
        assert found in (None, decide(speaking(row)))
        if not may_block(part):
            assert decide(speaking(row)).status != "blocked"
    assert told > 50


def test_a_page_over_tls_needs_no_look_at_the_control() -> None:
    row = {k: v for k, v in at_rest().items() if not k.startswith(("control", "page", "dns_control"))}
    row |= {"test": "web_connectivity", "looked": True, "scheme": "https"}
    row |= {"dns_system": "addresses", "dns_system_trusted": True, "tcp": "ok", "tls": "ok"}
    row |= {"http": "ok", "http_secure": True, "http_status": 200}
    found = settled(row)
    assert found is not None and found.id == "whole.ok.secure"
    # Whether a server that turns its visitor away does so to everybody, only the control tells.
    assert settled(row | {"http_status": 403}) is None


def test_the_ruling_is_that_of_the_verdict() -> None:
    by_id = {rule.id: rule for rule in RULES}
    for _, m in FIRES.values():
        verdict = judge(m)
        rule = ruling(m)
        assert rule is by_id[verdict.rule]
        assert (rule.status, rule.label, rule.confidence) == (
            verdict.status,
            verdict.label,
            verdict.confidence,
        )


def by_the_library(address: str) -> tuple[bool, bool]:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False, False
    blocks = (
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 "
        "192.0.2.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 "
        "::/128 ::1/128 ::ffff:0:0/96 64:ff9b:1::/48 100::/64 2001:db8::/32 fc00::/7 fe80::/10 ff00::/8"
    )
    networks = map(ipaddress.ip_network, blocks.split())
    return True, any(ip in network for network in networks if network.version == ip.version)


def test_bogons_are_told_by_their_beginnings() -> None:
    chance = random.Random(3)
    tops = (0, 0x64FF9B << 96, 0x100 << 112, 0x2001 << 112, 0x20010DB8 << 96, 0xFC << 120, 0xFE80 << 112)
    found = {"", ":", "1.2.3", "10.0.0", "010.0.0.1", "10.0.0.1 ", "fe80::1%eth0", "2001:DB8::1", "x.10"}
    for _ in range(700):
        found.add(str(ipaddress.IPv4Address(chance.getrandbits(32))))
        found.add(f"{chance.choice((10, 100, 169, 172, 192, 198, 203))}.{chance.randrange(256)}.0.1")
        six = ipaddress.IPv6Address(chance.choice((*tops, chance.getrandbits(128))) | chance.getrandbits(64))
        found |= {str(six), six.exploded, six.exploded.upper()}
    for address in found:
        assert (is_address(address), is_bogon(address)) == by_the_library(address), address


@pytest.mark.parametrize(
    "url",
    [
        *("https://a.com", "https://a.com/", "http://a.com?x", "http://a.com/\n", "http://a.com\n"),
        *("https://a.com/ ", "https://a..com/", "http://-a.com/", "https://a.com#x", "HTTPS://a.com/"),
        *("https://a.b@c.com/", "http://a.com/[", "http://[::1]/", "http://1.2.3.4/", "http://a.co1/"),
        *("http://a.com:80/", "ftp://a.com/", "http://A.com/", "http://a/", "", "http:///"),
    ],
)
def test_plain_urls_are_read_alike(url: str) -> None:
    assert place(url) == _place(url)


def test_a_long_page_is_a_challenge_only_where_it_is_a_notice() -> None:
    links = "<a href=x>more</a>" * 20
    text = "word " * 2000 + "h-captcha"
    assert signs.challenge(200, "", {}, text) == "h-captcha"
    assert signs.challenge(200, "", {}, links + text) == ""
    assert signs.challenge(200, "", {}, "h-captcha") == "h-captcha"
    assert signs.challenge(404, "", {}, "h-captcha") == ""
