"""OONI's own acceptance cases: what gatewatch must say of each, and the classic keys derived from that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gatewatch.records import Measurement, loads
from gatewatch.verdict import classic_keys, judge

FOLDER = Path(__file__).resolve().parents[2] / "../shared/data/ooni_qa"

# From each case's censorship configuration, not from OONI's answer.
EXPECTED = {
    "badSSLWithExpiredCertificate": "down",
    "badSSLWithUnknownAuthorityWithConsistentDNS": "down",
    "badSSLWithUnknownAuthorityWithInconsistentDNS": "blocked(dns.redirect)",
    "badSSLWithWrongServerName": "down",
    "cloudflareCAPTCHAWithHTTP": "server_side",
    "cloudflareCAPTCHAWithHTTPS": "server_side",
    "controlFailureWithSuccessfulHTTPWebsite": "inconclusive(no_control)",
    "dnsBlockingAndroidDNSCacheNoData": "blocked(dns.nxdomain)",
    "dnsBlockingBOGON": "blocked(dns.bogon)",
    "dnsBlockingNXDOMAIN": "blocked(dns.nxdomain)",
    "dnsHijackingToLocalhostWithHTTPS": "blocked(dns.bogon)",
    "dnsHijackingToProxyWithHTTPSURL": "tampered(dns.proxied)",
    "ghostDNSBlockingWithHTTP": "blocked(dns.redirect)",
    "httpBlockingConnectionReset": "blocked(http.reset)",
    "httpDiffWithConsistentDNS": "blocked(http.blockpage)",
    "idnaWithoutCensorshipLowercase": "ok",
    "largeFileWithHTTP": "ok",
    "largeFileWithHTTPS": "ok",
    "localhostWithHTTP": "down",
    "redirectWithBrokenLocationForHTTP": "inconclusive(odd_redirect)",
    "redirectWithBrokenLocationForHTTPS": "server_side",
    "redirectWithConsistentDNSAndThenConnectionRefusedForHTTP": "blocked(tcp.refused)",
    "redirectWithConsistentDNSAndThenConnectionResetForHTTP": "blocked(http.reset)",
    "redirectWithConsistentDNSAndThenEOFForHTTP": "blocked(http.eof)",
    "redirectWithConsistentDNSAndThenNXDOMAIN": "blocked(dns.nxdomain)",
    "redirectWithConsistentDNSAndThenTimeoutForHTTP": "blocked(http.timeout)",
    "redirectWithMoreThanTenRedirectsAndHTTP": "down",
    "successWithHTTP": "ok",
    "successWithHTTPS": "ok",
    "tcpBlockingConnectTimeout": "blocked(tcp.timeout)",
    # One slow transfer may be a poor line: the throttle probe compares with a control.
    "throttlingWithHTTP": "inconclusive(slow)",
    "throttlingWithHTTPS": "inconclusive(slow)",
    "tlsBlockingConnectionResetWithConsistentDNS": "blocked(tls.reset)",
    "websiteDownNXDOMAIN": "down",
    "websiteDownTCPConnect": "down",
}
REAL = {"8844": "ok", "dnsgoogle80": "down", "issue-2456": "ok", "noipv6": "ok"}

# Where following OONI would be wrong: a server's own doing, and one slow transfer.
OTHERWISE: dict[str, dict[str, Any]] = {
    "cloudflareCAPTCHAWithHTTP": {"blocking": False, "accessible": True},
    "redirectWithBrokenLocationForHTTP": {"blocking": None, "accessible": None},
    "redirectWithBrokenLocationForHTTPS": {"blocking": False, "accessible": True},
    "throttlingWithHTTP": {"blocking": None, "accessible": None},
    "throttlingWithHTTPS": {"blocking": None, "accessible": None},
}


def read(file: str) -> Measurement:
    path = FOLDER / file
    if not path.is_file():
        pytest.skip(f"OONI's acceptance cases are not present: {path}")
    return loads(path.read_bytes())[0]


def cases() -> list[dict[str, Any]]:
    path = FOLDER / "cases.json"
    if not path.is_file():
        pytest.skip(f"OONI's acceptance cases are not present: {path}")
    found: list[dict[str, Any]] = json.loads(path.read_bytes())
    return found


def test_the_table_covers_every_case() -> None:
    assert {case["name"] for case in cases()} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_verdict(name: str) -> None:
    assert judge(read(f"{name}.json")).label == EXPECTED[name]


@pytest.mark.parametrize("name", REAL)
def test_verdict_on_a_real_measurement(name: str) -> None:
    assert judge(read(f"real/{name}.json")).label == REAL[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_classic_keys(name: str) -> None:
    case = next(case for case in cases() if case["name"] == name)
    m = read(case["measurement"])
    derived = classic_keys(m, judge(m))
    expected = {key: value for key, value in case["expect"].items() if key in derived}
    assert derived == {**expected, **OTHERWISE.get(name, {})}
