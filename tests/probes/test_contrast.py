"""contrast in countries in memory: at the border, near the line, in the resolver, and where nobody knows."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.worlds.country import measure

from gatewatch.lab.country.check import complete
from gatewatch.lab.country.scenario import Box, Hop, Scenario, load
from gatewatch.net.restraint import Restraint
from gatewatch.records import Contrast, Measurement, TestKeys, decode
from gatewatch.verdict import Verdict, judge
from gatewatch.verdict.reading import features
from gatewatch.whereabouts import PrefixTable, parse_prefixes
from gatewatch_probes.contrast import ContrastProbe
from gatewatch_probes.visit.strange import Page, strange

SMALL = load("small")
NAME = frozenset({"site.com"})
URL = "https://site.com/"


def country(*boxes: Box, leaves: int = 3, **isp: Any) -> Scenario:
    """The small country; traffic to other domestic networks leaves behind the router ``leaves``."""
    routes = tuple(replace(r, hops=leaves) if r.name == "domestic" else r for r in SMALL.routes)
    ours = replace(SMALL.isp("blocked"), boxes=boxes, **isp)
    return complete(replace(SMALL, isps=(ours,), lists=(), routes=routes))


def tried(scenario: Scenario, url: str = URL, seed: int = 1, **wire: Any) -> TestKeys:
    table = PrefixTable(parse_prefixes(scenario.prefixes_csv().splitlines(), lambda *_: None))
    known: dict[str, Any] = {"whereabouts": table, "asn": 38623, "country": "KH", **wire}
    return measure(ContrastProbe(seed=seed), url, "blocked", scenario, **known)


def judged(keys: TestKeys, url: str = URL) -> tuple[dict[str, str], Verdict]:
    m = Measurement(
        input=url,
        measurement_start_time="2026-11-24 08:00:00",
        software_version="0.1.0",
        test_name="contrast",
        test_start_time="2026-11-24 08:00:00",
        test_keys=keys,
    )
    said = features(m)
    return {"tls": said.contrast_tls, "http": said.contrast_http, "dns": said.contrast_dns}, judge(m)


def contrast(keys: TestKeys) -> Contrast:
    found, problems = decode(Contrast, keys.extra["x_gatewatch_contrast"])
    assert problems == ()
    return found


NOTHING = {"tls": "neither", "http": "neither", "dns": "neither"}


@pytest.mark.parametrize(
    ("kind", "method", "label"),
    [
        ("sni-reset", "tls", "blocked(tls.reset)"),
        ("sni-drop", "tls", "blocked(tls.timeout)"),
        ("sni-eof", "tls", "blocked(tls.eof)"),
        ("http-reset", "http", "blocked(http.reset)"),
        ("http-drop", "http", "blocked(http.timeout)"),
        ("http-eof", "http", "blocked(http.eof)"),
        ("http-blockpage", "http", "blocked(http.blockpage)"),
        ("dns-inject", "dns", "blocked(dns.injected)"),
    ],
)
@pytest.mark.parametrize(("hop", "conclusion"), [(5, "foreign_only"), (2, "both")])
def test_each_kind_at_the_border_and_in_the_access_network(
    kind: str, method: str, label: str, hop: int, conclusion: str
) -> None:
    lie: dict[str, Any] = {"method": "bogon", "address": "127.0.0.1"} if kind == "dns-inject" else {}
    found, verdict = judged(tried(country(Box(kind, hop, domains=NAME, **lie))))
    assert found == {**NOTHING, method: conclusion}
    assert verdict.label == label
    assert conclusion in verdict.evidence[0]


def test_a_lying_resolver_filters_no_name_on_the_way() -> None:
    box = Box("dns-lie", 3, domains=NAME, method="bogon", address="127.0.0.1")
    found, verdict = judged(tried(country(box)))
    assert (found, verdict.label, verdict.rule) == (NOTHING, "ok", "whole.contrast.passes")


def test_addresses_that_are_blocked_are_no_names_that_are() -> None:
    found, verdict = judged(tried(country(Box("tcp-drop", 5, domains=NAME))))
    assert (found, verdict.label) == (NOTHING, "ok")


def test_a_filter_between_domestic_networks() -> None:
    # What stands behind the place where domestic routes leave is not on them; so it is put on their own path.
    box = Box("sni-reset", 5, domains=NAME, addresses=("202.58.96.0/21",))
    found, _ = judged(tried(country(box, leaves=0)))
    assert found["tls"] == "domestic_only"


def test_the_record_says_who_was_asked_what() -> None:
    found = contrast(tried(country(Box("sni-reset", 5, domains=NAME))))
    home, abroad = found.ends
    assert (home.place, home.asn, home.country) == ("home", 9902, "KH")
    assert (abroad.place, abroad.asn, abroad.country) == ("abroad", 13335, "US")
    assert found.reason == ""
    triggers = [t for t in found.trials if not t.control]
    assert {t.name for t in triggers} == {"site.com"} and "site.com" not in {abroad.host, home.host}
    # Six exchanges, and one more for what was cut; before each an innocuous name passed at the same address.
    assert Counter((t.method, t.place) for t in triggers)["tls", "abroad"] == 2 and len(triggers) == 7
    for place, trial in enumerate(found.trials):
        if not trial.control:
            before = found.trials[place - 1]
            assert before.control and (before.method, before.address) == (trial.method, trial.address)
            assert before.outcome == ("silent" if trial.method == "dns" else "answered")


def test_the_order_is_shuffled_by_the_seed() -> None:
    def order(seed: int) -> list[tuple[str, str]]:
        trials = contrast(tried(country(), seed=seed)).trials
        return [(t.method, t.place) for t in trials if not t.control]

    assert sorted(order(1)) == sorted(order(2))
    assert len({tuple(order(seed)) for seed in range(5)}) > 2


def test_what_a_block_leaves_behind_is_waited_for_or_nothing_is_said() -> None:
    short = Box("sni-drop", 2, domains=NAME, residual=60.0)
    keys = tried(country(short))
    assert judged(keys)[0] == {**NOTHING, "tls": "both"}
    assert any(wait["waits"] for wait in keys.extra["x_gatewatch_residual"])
    long = Box("sni-drop", 2, domains=NAME, residual=3600.0)
    found, verdict = judged(tried(country(long)))
    # It was cut once on each way, and no innocuous name passed afterwards.
    assert (found["tls"], verdict.label) == ("cannot_tell", "inconclusive(residual)")


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        ({"whereabouts": None}, "no_table"),
        ({"asn": 0}, "no_vantage"),
        ({"country": "ZZ"}, "no_vantage"),
        ({"country": "NP"}, "no_home"),
    ],
)
def test_without_knowing_whose_servers_are_nothing_is_said(wire: dict[str, Any], reason: str) -> None:
    keys = tried(country(Box("sni-reset", 5, domains=NAME)), **wire)
    found, verdict = judged(keys)
    assert contrast(keys).reason == reason and contrast(keys).trials == ()
    assert set(found.values()) == {"cannot_tell"}
    assert verdict.label == "inconclusive(no_contrast)" and reason in verdict.evidence[0]


def test_nothing_is_sent_while_the_stop_file_is_there(tmp_path: Path) -> None:
    (tmp_path / "stop").touch()
    keys = tried(country(), restraint=Restraint(stop=tmp_path / "stop"))
    assert (contrast(keys).reason, contrast(keys).trials) == ("stopped", ())


def test_a_page_that_may_be_the_servers_own_is_nobodys() -> None:
    default = Page(200, frozenset({"server"}), "Welcome", 900)
    notice = Page(200, frozenset({"content-type"}), "Blocked", 300)
    two = [default, default]
    assert strange(default, two, "site.com") == "answered"
    assert strange(notice, two, "site.com") == "page"
    # Its own redirect, its own long page, a server that varies.
    assert (
        strange(replace(notice, status=301, location="https://www.site.com/"), two, "site.com") == "differs"
    )
    assert strange(replace(notice, length=50_000), two, "site.com") == "differs"
    assert strange(notice, [default, replace(default, status=404)], "site.com") == "differs"


# -- twenty random worlds each


def drawn(chance: random.Random) -> tuple[tuple[Hop, ...], int]:
    """A path of 4 to 9 routers, some of them silent, and where domestic routes leave it."""
    length = chance.randint(4, 9)
    ms, hops = 0.5, [Hop("192.168.1.1", 0.5)]
    for place in range(2, length + 1):
        ms += chance.uniform(0.2, 3.0)
        hops.append(Hop(f"36.37.128.{place}", round(ms, 2), silent=chance.random() < 0.15))
    return tuple(hops), chance.randint(2, length - 1)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("where", ["border", "access", "resolver"])
def test_random_worlds(where: str, seed: int) -> None:
    chance = random.Random(f"{where} {seed}")
    path, leaves = drawn(chance)
    kinds = [("sni-reset", "tls"), ("sni-drop", "tls"), ("http-reset", "http"), ("http-blockpage", "http")]
    kind, method = chance.choice(kinds)
    hop = chance.randint(leaves + 1, len(path)) if where == "border" else chance.randint(1, leaves)
    if where == "resolver":
        box = Box("dns-lie", 2, domains=NAME, method="nxdomain")
    else:
        # Beside the path nothing can be dropped, neither at once nor later.
        beside = kind.endswith("reset") and chance.random() < 0.5
        action = "reset" if beside else chance.choice(("drop", "reset"))
        residual = chance.choice((0.0, 20.0))
        box = Box(kind, hop, domains=NAME, in_path=not beside, residual=residual, residual_action=action)
    scenario = country(
        box, leaves=leaves, path=path, local_hops=2, loss=chance.choice((0.0, 0.01)), jitter_ms=3.0
    )
    found, _ = judged(tried(replace(scenario, seed=seed), seed=seed))
    expected = {"border": {method: "foreign_only"}, "access": {method: "both"}, "resolver": {}}[where]
    assert found == {**NOTHING, **expected}, box
