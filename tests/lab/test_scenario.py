"""Scenario files: what is read, what is refused and how it is said."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from pathlib import Path

import pytest
from tests.worlds.country import measure

from gatewatch.lab.country.scenario import Box, Scenario, ScenarioError, covers, fraction, load, names
from gatewatch.lab.country.truth import truth
from gatewatch_probes.handshake import Handshake

SMALL = Path(__file__).resolve().parents[2] / "src/gatewatch/lab/scenarios/small.toml"


def broken(tmp_path: Path, old: str, new: str) -> str:
    text = SMALL.read_text("utf-8")
    assert old in text
    path = tmp_path / "broken.toml"
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(ScenarioError) as caught:
        load(str(path))
    return str(caught.value)


@pytest.mark.parametrize("name", names())
def test_every_packaged_scenario_is_whole(name: str) -> None:
    scenario = load(name)
    assert scenario.name == name
    for isp in scenario.isps:
        for address in ("104.17.0.9", "95.217.1.1", "202.58.97.1"):
            path = scenario.route_for(isp, address)
            delays = [hop.ms for hop in path.hops] + [path.server_ms]
            assert delays == sorted(delays)
            assert len({hop.address for hop in path.hops}) == len(path.hops)
            for hop in path.hops:
                private = ipaddress.ip_address(hop.address).is_private
                assert private or scenario.network_of(hop.address), f"{hop.address} has no network"


def test_kh_2024_has_an_isp_for_every_usable_row_of_the_matrix() -> None:
    scenario = load("kh-2024")
    mechanisms = {isp.id: [box.verdict for box in isp.boxes] for isp in scenario.isps}
    assert len(mechanisms) == 16
    assert mechanisms["metfone"] == ["dns.redirect"]
    assert mechanisms["ezecom"] == ["dns.bogon", "tcp.timeout"]
    assert mechanisms["smart"] == ["tls.reset", "tcp.timeout"]
    assert mechanisms["cootel"] == ["tls.timeout"]
    assert mechanisms["today"] == ["dns.timeout", "tcp.timeout"]
    assert mechanisms["wicam"] == mechanisms["cellcard"] == ["dns.nxdomain"]
    assert mechanisms["mptc"] == []
    borders = {isp.path[-1].address for isp in scenario.isps}
    assert len(borders) == 16, "every ISP has its own border: no gateway"


LEAVING = 'prefixes = ["KH"]\nhops = 3'


def leaving(tmp_path: Path) -> Scenario:
    """The small country, where traffic to other domestic networks leaves behind the third router."""
    path = tmp_path / "leaving.toml"
    path.write_text(SMALL.read_text("utf-8").replace('prefixes = ["KH"]\npath', LEAVING + "\npath"), "utf-8")
    return load(str(path))


def test_a_route_may_leave_an_isps_path_before_its_border(tmp_path: Path) -> None:
    scenario = leaving(tmp_path)
    isp = scenario.isp("blocked")
    inside = scenario.route_for(isp, "202.58.97.1")
    assert [hop.address for hop in inside.hops] == [
        "192.168.1.1",
        "36.37.128.1",
        "36.37.129.9",
        "202.58.96.1",
    ]
    assert (inside.hops[-1].ms, inside.server_ms, inside.boxed) == (3.5, 4.0, 3)
    assert scenario.route_for(isp, "104.17.0.9").boxed == 0
    assert "past the 5 hops of blocked" in broken(tmp_path, 'prefixes = ["KH"]', LEAVING.replace("3", "6"))


def test_boxes_behind_the_place_where_a_route_leaves_are_not_met(tmp_path: Path) -> None:
    scenario = leaving(tmp_path)
    domains = frozenset({"site.kh", "site.com"})
    for hop, met in ((3, True), (4, False), (5, False)):
        isp = replace(scenario.isp("blocked"), boxes=(Box("sni-reset", hop, domains=domains),))
        changed = replace(scenario, isps=(isp,))
        assert truth(changed, "blocked", "https://site.com/").label == "blocked(tls.reset)"
        assert (truth(changed, "blocked", "https://site.kh/").label == "blocked(tls.reset)") is met
        keys = measure(Handshake(), "https://site.kh/", "blocked", changed)
        assert [row.failure for row in keys.tls_handshakes or ()] == ["connection_reset" if met else None]


def test_paths_in_cambodia_have_about_twelve_hops() -> None:
    scenario = load("kh-2024")
    lengths = {len(scenario.route_for(isp, "104.17.0.9").hops) for isp in scenario.isps}
    assert lengths == {12}


def test_route_to_the_isps_own_resolver_ends_at_its_local_hops() -> None:
    isp = load("small").isp("blocked")
    path = load("small").route_for(isp, isp.resolver)
    assert path.hops == isp.path[:3]
    assert path.server_ms == pytest.approx(2.8)


def test_routes_are_chosen_by_block_then_as_then_country_then_default(tmp_path: Path) -> None:
    path = tmp_path / "routes.toml"
    extra = "\n".join(
        f'[[route]]\nname = "{name}"\nprefixes = ["{prefix}"]\nserver_ms = {ms}.0'
        for name, prefix, ms in (
            ("as", "AS13335", 40),
            ("block", "104.18.0.0/16", 50),
            ("country", "US", 30),
        )
    )
    path.write_text(SMALL.read_text("utf-8").replace("[sites]", extra + "\n[sites]"), "utf-8")
    scenario = load(str(path))
    isp = scenario.isp("clear")
    border = isp.path[-1].ms
    for address, ms in (("104.18.0.1", 50), ("104.19.0.1", 40), ("202.58.96.9", 1.5), ("5.5.5.5", 21.5)):
        assert scenario.route_for(isp, address).server_ms == border + ms


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("hop = 4", "hop = 99", "isp[0].box[1].hop: 99 is past the path's 7 hops"),
        ("hop = 4", 'hop = "4"', "isp[0].box[1].hop: expected a whole number, found text"),
        (
            "hop = 4",
            "hop = true",
            "isp[0].box[1].hop: expected a whole number, found true/false",
        ),
        ("hop = 3", "hop = 4", "isp[0].box[0].hop: 4 is behind the resolver at hop 3"),
        ('"sni-reset"', '"sni-rest"', "isp[0].box[1].kind: 'sni-rest' is none of dns-lie, "),
        (
            'method = "bogon"',
            "",
            "isp[0].box[0].method: '' is none of nxdomain, empty, servfail, refused, bogon, redirect",
        ),
        ('"127.0.0.1"', '"127.0.0"', "isp[0].box[0].address: '127.0.0' is not an IPv4 address"),
        ('domains = ["reset.com"]', "", "isp[0].box[1]: needs domains, lists or a share"),
        (
            '["reset.com"]',
            '["Reset.com"]',
            "isp[0].box[1].domains: 'Reset.com': write it in low",
        ),
        ('id = "clear"', 'id = "blocked"', "isp[1].id: 'blocked' is taken"),
        ('client = "36.37.200.10"', 'client = "8.8.8.8"', "isp[0].client: 8.8.8.8 is outside"),
        ("ms = 2.5", "ms = 1.5", "isp[0].path[2].ms: 1.5 is less than the hop before"),
        (
            '"36.37.128.0/17"',
            '"36.37.128.0/8"',
            "network[0].prefixes[0]: 36.37.128.0/8 has host",
        ),
        ('prefixes = ["default"]', 'prefixes = ["US"]', "isp[0]: has no route with prefixes"),
        ('dead = ["dead.com"]', "dead_share = 3", "sites.dead_share: 3.0 is not a share"),
        ('title = "Two', 'titel = "Two', "title: missing"),
        ("[sites]", "[sites]\nded = []", "sites.ded: unknown key; known are dead, dead_share, "),
        (
            "[sites]",
            '[[pagehost]]\naddress = "5.5.5.5"\nhttps = "timeout"\n[sites]',
            "pagehost[0]",
        ),
        ("[sites]", "include = ", ""),
        ('name = "small"', 'name = "small"\ninclude = ["moon"]', "include: no packaged part 'moon'"),
    ],
)
def test_mistakes_are_reported_with_their_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert broken(tmp_path, old, new).startswith(f"broken.toml: {message}")


def test_unknown_names_say_what_there_is() -> None:
    with pytest.raises(ScenarioError, match="no scenario 'kh-2042'; packaged are blackhole, hostile, kh-20"):
        load("kh-2042")
    with pytest.raises(ScenarioError, match=r"nowhere\.toml: no such file"):
        load("nowhere.toml")
    with pytest.raises(KeyError, match="has no ISP 'x'; it has blocked, clear"):
        load("small").isp("x")


def test_domains_cover_subdomains_in_any_case_and_nothing_else() -> None:
    domains = frozenset({"rfa.org"})
    assert covers(domains, "rfa.org")
    assert covers(domains, "WWW.RFA.org.")
    assert not covers(domains, "notrfa.org")
    assert not covers(domains, "org")


def test_a_share_hits_about_that_many_names_and_each_salt_others() -> None:
    hosts = [f"site-{i}.net" for i in range(4000)]
    picked = {salt: {h for h in hosts if fraction(salt, h) < 0.33} for salt in ("one", "two")}
    for chosen in picked.values():
        assert 0.30 < len(chosen) / 4000 < 0.36
    # Independent picks overlap in 0.33 squared of the names.
    assert 0.08 < len(picked["one"] & picked["two"]) / 4000 < 0.14
    assert fraction("one", "www.rfa.org") == fraction("one", "RFA.org")


def test_shares_spare_what_measuring_needs() -> None:
    scenario = load("methods")
    for isp in scenario.isps:
        for box in isp.boxes:
            for name in (
                "0.th.ooni.org",
                "3.th.ooni.org",
                "dns.google",
                "8.8.8.8",
                "68.183.70.80",
            ):
                assert not box.matches(name)


def test_prefixes_csv_lists_the_plan() -> None:
    lines = load("small").prefixes_csv().splitlines()
    assert lines[0] == "prefix,asn,country,name"
    assert "36.37.128.0/17,38623,KH,Viettel (Cambodia)" in lines


def test_network_of_takes_the_longest_prefix() -> None:
    scenario: Scenario = load("kh-2024")
    network = scenario.network_of("36.37.242.53")
    assert network is not None and network.asn == 38623
    assert scenario.network_of("5.5.5.5") is None
