"""Scenarios varied by code: what each variant is, that its truth is derived, and a few of them tried."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from gatewatch.cli import main
from gatewatch.lab.country.truth import Truth
from gatewatch.lab.scoring import combine, examine
from gatewatch.lab.scoring.combine import CONFOUNDERS, FAMILIES, SCHEMES


def test_counts_and_that_no_variant_is_there_twice() -> None:
    cases = combine.combinations(["free-http"])
    assert (
        len(cases) == len({case.variant for case in cases}) == len(SCHEMES) * len(FAMILIES) * len(CONFOUNDERS)
    )
    # Where addresses are filtered, others may not be added; a helper that is down cannot be slow.
    fewer = {case.variant for case in combine.combinations(["tcp-timeout", "helpers-down"])}
    assert "http ipv4 slow-helper" in fewer
    assert not any("geo-answers" in case.variant for case in combine.combinations(["tcp-timeout"]))
    assert not any("slow-helper" in case.variant for case in combine.combinations(["helpers-down"]))


@pytest.mark.parametrize(
    ("name", "variant", "truth"),
    [
        ("free-http", "https dual", "ok"),
        ("tls-reset", "http ipv4", "ok"),
        ("tls-reset", "https ipv6 loss", "blocked(tls.reset)"),
        ("http-reset", "https ipv4", "ok"),
        ("tcp-timeout", "https ipv6", "blocked(tcp.timeout)"),
        ("tcp-timeout", "http dual", "ok"),
        ("dns-bogon", "http no-ipv6", "blocked(dns.bogon)"),
        ("tls-reset", "https no-ipv6", "inconclusive(no_ipv6)"),
        ("name-unknown", "https no-ipv6", "down"),
        ("captcha-https", "http broken-ipv6 jitter", "server_side"),
        ("broken-redirect-https", "http ipv4", "inconclusive(odd_redirect)"),
        ("dns-lie-to-proxy", "http ipv4 slow-line", "tampered(dns.proxied)"),
        ("helpers-reset-site-free", "https ipv4", "ok"),
        ("free-https", "https ipv4 portal", "inconclusive(captive_portal)"),
    ],
)
def test_the_truth_is_derived(name: str, variant: str, truth: str) -> None:
    (case,) = [case for case in combine.combinations([name]) if case.variant == variant]
    assert case.truths["web"] == truth


def test_a_twin_is_in_the_network_of_its_address() -> None:
    scenario, _ = examine.accepted("tcp-timeout")
    varied = combine.in_family(scenario, "ipv6")
    host = varied.host("www.example.com")
    assert host is not None and len(host.addresses) == 1 and ":" in host.addresses[0]
    network, before = varied.network_of(host.addresses[0]), scenario.network_of("93.184.216.34")
    assert network is not None and before is not None and network.asn == before.asn
    assert host.addresses[0] in varied.isps[0].boxes[0].addresses


def test_some_of_everything_is_right() -> None:
    wanted = {
        "http dual loss",
        "https ipv6",
        "https no-ipv6",
        "http broken-ipv6 geo-answers",
        "https ipv4 slow-helper",
        "http ipv4 rewriting-resolver",
        "https dual silent-second-address",
        "http ipv4 portal",
    }
    names = [
        "free-http",
        "dns-nxdomain",
        "tls-reset",
        "http-blockpage",
        "name-unknown",
        "certificate-expired",
    ]
    cases = [case for case in combine.combinations(names) if case.variant in wanted]
    report = examine.examine(cases, jobs=1)
    assert [(a.name, a.variant, a.verdict, a.truth) for a in report.wrong] == []
    assert report.score.total >= len(cases) >= 8 * len(names) - 4


def test_the_command_tries_them_and_tells_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(combine, "FAMILIES", {"dual": FAMILIES["dual"]})
    monkeypatch.setattr(combine, "CONFOUNDERS", {"": CONFOUNDERS[""], "loss": CONFOUNDERS["loss"]})
    done = CliRunner().invoke(main, ["lab", "score", "free-http", "--combinations", "--jobs", "1"])
    assert done.exit_code == 0, done.output
    assert "4 of 4 right (100.00%); 0 false alarms" in done.output and "4 sessions in" in done.output
    monkeypatch.setattr(combine, "truth", lambda scenario, isp, url: Truth("blocked", "tls.reset"))
    done = CliRunner().invoke(main, ["lab", "score", "free-http", "--combinations", "--jobs", "1"])
    assert done.exit_code == 1 and "0 of 4 right" in done.output
    assert "ok by whole.ok.page, but blocked(tls.reset): derived: http dual" in done.output
