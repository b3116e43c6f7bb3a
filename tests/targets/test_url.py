from __future__ import annotations

import pytest

from gatewatch_targets import Target, UrlError
from gatewatch_targets.url import MAX_URL, Url, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://example.org/", Url("https://example.org/", "https", "example.org", 443, False)),
        ("HTTP://Example.ORG", Url("http://example.org/", "http", "example.org", 80, False)),
        ("example.org", Url("https://example.org/", "https", "example.org", 443, False)),
        (
            "example.org:8443/a?b#c",
            Url("https://example.org:8443/a?b#c", "https", "example.org", 8443, False),
        ),
        ("http://example.org:80/", Url("http://example.org/", "http", "example.org", 80, False)),
        ("http://example.org:443?q", Url("http://example.org:443/?q", "http", "example.org", 443, False)),
        ("http://example.org.", Url("http://example.org/", "http", "example.org", 80, False)),
        ("https://my_site.example/", Url("https://my_site.example/", "https", "my_site.example", 443, False)),
        ("https://1.1.1.1/cdn", Url("https://1.1.1.1/cdn", "https", "1.1.1.1", 443, True)),
        ("2606:4700::1111", Url("https://[2606:4700::1111]/", "https", "2606:4700::1111", 443, True)),
        (
            "http://[2606:4700:0::1111]:81/",
            Url("http://[2606:4700::1111]:81/", "http", "2606:4700::1111", 81, True),
        ),
        ("https://ไทย.com/", Url("https://xn--o3cw4h.com/", "https", "xn--o3cw4h.com", 443, False)),
        (
            "https://BÜCHER.example",
            Url("https://xn--bcher-kva.example/", "https", "xn--bcher-kva.example", 443, False),
        ),
        (
            "https://example.org/ข่าว",
            Url(
                "https://example.org/%E0%B8%82%E0%B9%88%E0%B8%B2%E0%B8%A7", "https", "example.org", 443, False
            ),
        ),
        ("https://１.1.1.1/", Url("https://1.1.1.1/", "https", "1.1.1.1", 443, True)),
    ],
)
def test_one_spelling(text: str, expected: Url) -> None:
    assert parse(text) == expected
    assert parse(expected.text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ftp://example.org/", "url: 'ftp://example.org/' is neither http nor https"),
        ("javascript:alert(1)", "port: 'alert(1)' is not a number from 1 to 65535"),
        ("https://user:pw@example.org/", "url: 'https://user:pw@example.org/' holds a user name"),
        ("https://good.example\\@evil.example", r"url: 'https://good.example\\@evil.example' holds '\\'"),
        ("https://example.org/a b", "url: 'https://example.org/a b' holds ' '"),
        ("https://example.org/\x1b[2J", r"url: 'https://example.org/\x1b[2J' holds '\x1b'"),
        ("https://example.org/\u2028", r"url: 'https://example.org/\u2028' holds '\u2028'"),
        ("https:///path", "host: is missing"),
        ("https://:443/", "host: is missing"),
        ("https://exa%6dple.org/", "host: 'exa%6dple.org' is not a host name"),
        ("https://*.example.org/", "host: '*.example.org' is not a host name"),
        ("https://-a.example/", "host: '-a.example' is not a host name"),
        ("https://a..example/", "host: 'a..example' is not a host name"),
        (f"https://{'a' * 64}.org/", f"host: '{'a' * 57}...' is not a host name"),
        ("https://127.1/", "host: '127.1' is not an IPv4 address"),
        ("https://0x7f000001/", "host: '0x7f000001' is not an IPv4 address"),
        ("https://1.2.3.256/", "host: '1.2.3.256' is not an IPv4 address"),
        ("https://[fe80::1%25eth0]/", "host: 'fe80::1%25eth0' is not an IPv6 address"),
        ("https://example.org:0/", "port: '0' is not a number from 1 to 65535"),
        ("https://example.org:65536/", "port: '65536' is not a number from 1 to 65535"),
        ("https://expyuzz4wqqyqhjn.onion/", "host: 'expyuzz4wqqyqhjn.onion' can only be reached through Tor"),
        ("https://a/" + "b" * MAX_URL, f"url: has {MAX_URL + 10} characters, the limit is {MAX_URL}"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(UrlError) as caught:
        parse(text)
    assert str(caught.value) == message


def test_a_host_that_idna_forbids_is_refused() -> None:
    with pytest.raises(UrlError, match=r"^host: 'a\\u202eb\.example' is not a host name: "):
        parse("https://a\u202eb.example/")


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("https://example.org/", True),
        ("https://8.8.8.8/", True),
        ("https://[2001:4860:4860::8888]/", True),
        ("https://router/", False),
        ("https://a.localhost/", False),
        ("https://printer.local/", False),
        ("https://127.0.0.1/", False),
        ("https://192.168.1.1/", False),
        ("https://100.64.0.1/", False),
        ("https://224.0.0.1/", False),
        ("https://[::1]/", False),
        ("https://[::ffff:10.0.0.1]/", False),
    ],
)
def test_public(text: str, public: bool) -> None:
    assert parse(text).is_public is public


def test_a_target_knows_its_parts() -> None:
    target = Target("http://[2606:4700::1111]:8080")
    assert (target.url, target.scheme, target.host, target.port, target.is_ip) == (
        "http://[2606:4700::1111]:8080/",
        "http",
        "2606:4700::1111",
        8080,
        True,
    )


def test_a_target_checks_itself() -> None:
    with pytest.raises(ValueError, match=r"^risk: 'mid' is not one of low, medium, high$"):
        Target("https://example.org/", risk="mid")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^countries: 'kh' is not a two-letter country code$"):
        Target("https://example.org/", countries=("kh",))
    with pytest.raises(ValueError, match=r"^expectation: 'open' is not one of reachable, blocked, "):
        Target("https://example.org/", expectation="open")  # type: ignore[arg-type]
