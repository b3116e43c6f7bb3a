from pathlib import Path
from typing import Any

import pytest
from tests.analysis.runs import PREFIXES, trace, web, write_run

from gatewatch_analysis.loading import load
from gatewatch_analysis.report import analyse
from gatewatch_analysis.report.findings import Finding
from gatewatch_analysis.statistics import wilson

RFA, VOA, OK = "https://www.rfa.org/", "https://www.voanews.com/", "https://example.org/"
#: Metfone, Smart and a third; (home, abroad) border hops of each.
ISPS = {38623: "Metfone", 45498: "Smart", 7: "Third"}


def measured(
    tmp_path: Path,
    labels: dict[int, list[str]],
    links: dict[int, list[str | None]] | None = None,
    lab: dict[str, str] | None = None,
) -> dict[str, Finding]:
    """Measure RFA, VOA and OK on each ISP, trace one path each, and give the findings by their ids."""
    runs = []
    for asn, name in ISPS.items():
        about: dict[str, Any] = {"asn": asn, "name": name}
        found = [
            web(target, label, **about)
            for target, label in zip((RFA, VOA, OK), labels.get(asn, []), strict=False)
        ]
        if links and asn in links:
            found.append(trace("104.16.1.1", [(a, 1.0) for a in links[asn]], **about))
        prefixes = PREFIXES if links else None
        runs.append(write_run(tmp_path / name, found, isp=None, lab=lab, prefixes=prefixes))
    listed = analyse(load(runs)).findings
    by_id = {
        f"{f.statement} {f.subject}" if f.statement.startswith("isp.") else f.statement: f for f in listed
    }
    assert len(by_id) == len(listed)
    return by_id


def test_main_method_of_an_isp(tmp_path: Path) -> None:
    found = measured(tmp_path, {38623: ["dns.redirect", "dns.redirect", "ok"]})[
        "isp.main_method KH: Metfone (AS38623)"
    ]
    assert found.text == (
        "Metfone (AS38623): 2 of 3 decided targets are blocked (67%, 95 % interval 21% to 94%), "
        "mainly by dns.redirect (2 of 2)."
    )
    assert found.evidence == {
        "measured": 3,
        "decided": 3,
        "blocked": 2,
        "interval": [0.208, 0.939],
        "methods": {"dns.redirect": 2},
    }
    assert found.confidence == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("categories", "told"), [("GMB DATE FILE", True), ("GMB GMB GMB", False), ("GMB DATE", False)]
)
def test_a_line_behind_a_filter_of_its_own(tmp_path: Path, categories: str, told: bool) -> None:
    label = "inconclusive(own_filter)"
    sites = [
        web(f"https://a{n}.org/", label, asn=7, name="School", category=category)
        for n, category in enumerate(categories.split())
    ]
    sites.append(web(RFA, "http.blockpage", asn=7, name="School", category="NEWS"))
    listed = analyse(load([write_run(tmp_path / "run", sites, isp=None)])).findings
    found = [f for f in listed if f.statement == "isp.own_filter"]
    assert bool(found) is told
    if told:
        assert found[0].evidence == {"filtered": 3, "categories": ["DATE", "FILE", "GMB"], "blocked": 1}
        assert "School (AS7): 3 targets of unrelated categories" in found[0].text


def test_no_method_is_the_main_one(tmp_path: Path) -> None:
    found = measured(tmp_path, {38623: ["dns.redirect", "tls.reset", "ok"]})
    text = found["isp.no_main_method KH: Metfone (AS38623)"].text
    assert text.endswith("by no one main method: dns.redirect 1, tls.reset 1.")


def test_an_isp_that_blocks_nothing_is_given_its_bound(tmp_path: Path) -> None:
    found = measured(tmp_path, {38623: ["ok", "ok", "ok"], 45498: ["inconclusive"]})
    assert found["isp.unblocked KH: Metfone (AS38623)"].text == (
        "Metfone (AS38623): none of 3 decided targets is blocked "
        "(up to 56% of such targets could be and not show)."
    )
    assert "isp.undecided KH: Smart (AS45498)" in found


def test_mixed_mechanisms(tmp_path: Path) -> None:
    found = measured(tmp_path, {38623: ["dns.redirect"], 45498: ["tls.reset"], 7: ["tls.reset"]})
    mixed = found["country.mechanisms_mixed"]
    assert mixed.text == (
        "Where two of 3 ISPs block the same target they use the same method in 1 of 3 cases: "
        "the mechanisms are mixed (dns.redirect, tls.reset)."
    )
    # Each ISP has one method, so the ISP explains all of the entropy.
    assert mixed.evidence["uncertainty_coefficient"] == 1.0


def test_each_isp_with_the_same_mixture_is_explained_by_nothing(tmp_path: Path) -> None:
    found = measured(tmp_path, {asn: ["dns.redirect", "tls.reset"] for asn in ISPS})
    uniform = found["country.mechanisms_uniform"]
    assert (uniform.evidence["pairs_alike"], uniform.evidence["pairs"]) == (6, 6)
    assert uniform.evidence["uncertainty_coefficient"] == 0.0
    # Three ISPs of three say little of all the country's ISPs.
    assert uniform.confidence == pytest.approx(wilson(3, 3)[0])


def test_two_isps_do_not_tell_whether_methods_are_uniform(tmp_path: Path) -> None:
    found = measured(tmp_path, {38623: ["dns.redirect"], 45498: ["dns.redirect"]})
    unknown = found["country.mechanisms_unknown"]
    assert unknown.text.endswith("fewer than 3 ISPs do not tell whether mechanisms are uniform.")
    assert (unknown.evidence["pairs_alike"], unknown.evidence["pairs"]) == (1, 1)
    assert "country.mechanisms_uniform" not in found


def test_what_a_server_that_refuses_the_country_looks_like_is_told(tmp_path: Path) -> None:
    # The first is cut alike everywhere; the second by lies as well, which no server tells.
    cut = {38623: ["tcp.timeout", "tls.reset"], 45498: ["tls.reset", "dns.redirect"]}
    refusal = measured(tmp_path / "cut", cut)["country.like_refusal"]
    assert (
        refusal.evidence == {"targets": [RFA]} and ": 1. A control abroad does not see that" in refusal.text
    )
    # One ISP that reaches it, and the server does not refuse the country; one ISP alone tells nothing.
    assert "country.like_refusal" not in measured(tmp_path / "free", {**cut, 7: ["ok", "ok"]})
    assert "country.like_refusal" not in measured(tmp_path / "alone", {38623: ["tcp.timeout"]})


def test_methods_are_compared_on_common_targets_only(tmp_path: Path) -> None:
    found = measured(tmp_path, {38623: ["dns.redirect", "ok"], 45498: ["ok", "tls.reset"]})
    assert "country.mechanisms_unknown" in found


def test_dead_targets_are_named(tmp_path: Path) -> None:
    found = measured(tmp_path, {38623: ["ok", "down"], 45498: ["ok", "down"]})
    assert found["country.dead_targets"].evidence == {"targets": [VOA]}


def test_isps_that_share_a_border_hop(tmp_path: Path) -> None:
    links: dict[int, list[str | None]] = {
        38623: ["36.37.130.14", "63.218.10.5"],
        45498: ["103.5.26.1", "63.218.10.5"],
        7: ["103.5.27.1", "63.218.11.9"],
    }
    shared = measured(tmp_path, {}, links)["country.border_shared"]
    assert shared.text == (
        "2 of 3 ISPs share a border hop with another; the most shared is 63.218.10.5 on the foreign side "
        "(Metfone (AS38623), Smart (AS45498))."
    )
    assert shared.confidence == pytest.approx(wilson(2, 3)[0])


def test_isps_that_share_none_may_hide_one(tmp_path: Path) -> None:
    links: dict[int, list[str | None]] = {
        38623: ["36.37.130.14", None, "63.218.10.5"],
        45498: ["103.5.26.1", "63.218.11.9"],
    }
    apart = measured(tmp_path, {}, links)["country.border_apart"]
    assert apart.text == (
        "No two of 2 ISPs share a border hop on 2 paths abroad; "
        "on 1 of them hops between home and abroad told nothing and could be shared."
    )
    assert apart.confidence == pytest.approx(wilson(1, 2)[0])


def test_a_truncated_first_hop_is_no_common_router(tmp_path: Path) -> None:
    links: dict[int, list[str | None]] = {
        38623: ["103.5.26.0/24", "63.218.10.5"],
        45498: ["103.5.26.0/24", "63.218.11.9"],
    }
    assert "country.border_apart" in measured(tmp_path, {}, links)


def test_one_isp_cannot_share(tmp_path: Path) -> None:
    found = measured(tmp_path, {}, {38623: ["36.37.130.14", "63.218.10.5"]})
    assert found["country.border_unknown"].evidence["isps"] == 1


def test_a_rehearsal_says_that_it_is_one(tmp_path: Path) -> None:
    found = measured(tmp_path, {38623: ["ok"]}, lab={"scenario": "small"})
    assert found["dataset.lab"].subject == "KH (lab)"


def test_one_method_one_list_and_one_hop_claim_no_gateway(tmp_path: Path) -> None:
    # The strongest looking evidence that pages and paths can give.
    links: dict[int, list[str | None]] = {asn: ["103.5.26.1", "63.218.10.5"] for asn in ISPS}
    found = measured(tmp_path, {asn: ["tls.reset", "tls.reset", "ok"] for asn in ISPS}, links)
    assert "country.mechanisms_uniform" in found
    assert "country.border_shared" in found
    speaking = [f for f in found.values() if "gateway" in f.text]
    assert [f.statement for f in speaking] == ["country.gateway_undetermined"]
    (gateway,) = speaking
    assert gateway.text.startswith("Is there a gateway? undetermined: ")
    assert "What would tell most: " in gateway.text
    assert {name: gateway.evidence[name] for name in ("isps", "units", "located", "contrasted")} == {
        "isps": 3,
        # Two of them leave over the third's router.
        "units": 1,
        "located": 0,
        "contrasted": 0,
    }
    assert sum(gateway.evidence["posterior"].values()) == pytest.approx(1.0, abs=1e-3)
    assert gateway.evidence["seen"]["interference"] == "3 of 3 ISPs affected"
    assert gateway.evidence["why"] and gateway.evidence["steps"]
