"""The test helper's protocol: questions read, failures named as oohelperd names them."""

import pytest

from gatewatch.records import control
from gatewatch.records import failure as f


def test_a_question_is_read_and_only_three_headers_pass() -> None:
    asked = control.question(
        {
            "http_request": "https://a.org/",
            "http_request_headers": {"accept": ["a", "b"], "Cookie": ["x"], "User-Agent": "me"},
            "tcp_connect": ["1.2.3.4:443", "1.2.3.4:80", "[2001:DB8::1]:443", "nonsense", "::1:80", 5],
            "x_quic_enabled": True,
        }
    )
    assert asked == control.Question(
        "https://a.org/", ("1.2.3.4", "2001:db8::1"), (("Accept", "a, b"), ("User-Agent", "me")), True
    )


def test_what_is_missing_is_nothing() -> None:
    assert control.question({"http_request": "x"}) == control.Question("x")


@pytest.mark.parametrize(
    "value",
    [
        [],
        None,
        {},
        {"http_request": 5},
        {"http_request": "x", "tcp_connect": {"a": 1}},
        {"http_request": "x", "http_request_headers": []},
        {"http_request": "x", "http_request_headers": {"Accept": ["a\r\nX: y"]}},
        {"http_request": "x", "http_request_headers": {"Accept": [5]}},
        {"http_request": "x", "http_request_headers": {"User-Agent": ["ü"]}},
    ],
)
def test_bad_questions_are_refused_with_a_reason(value: object) -> None:
    with pytest.raises(control.BadQuestion, match=r"."):
        control.question(value)


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("1.2.3.4:443", "1.2.3.4"),
        ("[::1]:80", "::1"),
        ("::1:80", ""),
        ("1.2.3.4", ""),
        ("1.2.3.4:", ""),
        ("1.2.3.4:x", ""),
        ("010.1.2.3:80", ""),
        ("0x7f.1:80", ""),
        ("2130706433:80", ""),
        ("name:80", ""),
    ],
)
def test_the_address_of_an_endpoint(endpoint: str, address: str) -> None:
    assert control.address_of(endpoint) == address


@pytest.mark.parametrize(
    ("url", "ports"),
    [
        ("http://a.org/", (80, 443)),
        ("https://a.org/x:90", (443,)),
        ("http://a.org:80/", (80,)),
        ("https://[::1]/", (443,)),
        ("https://[::1]:8443/", (8443,)),
        ("http://a.org?x=:90", (80, 443)),
    ],
)
def test_only_the_url_says_which_ports_are_tried(url: str, ports: tuple[int, ...]) -> None:
    assert control.ports(url.partition(":")[0], control.written_port(url)) == ports


@pytest.mark.parametrize(
    ("failure", "name", "connect", "fetch"),
    [
        (None, None, None, None),
        (f.DNS_NXDOMAIN, "dns_name_error", "connect_error", "dns_lookup_error"),
        (f.DNS_NO_ANSWER, None, "connect_error", "dns_lookup_error"),
        (f.DNS_SERVFAIL, "dns_server_failure", "connect_error", "dns_lookup_error"),
        (f.GENERIC_TIMEOUT, "unknown_error", f.GENERIC_TIMEOUT, f.GENERIC_TIMEOUT),
        ("timed_out", "unknown_error", f.GENERIC_TIMEOUT, f.GENERIC_TIMEOUT),
        (f.CONNECTION_REFUSED, "unknown_error", "connection_refused_error", "connection_refused_error"),
        (f.CONNECTION_RESET, "unknown_error", "connect_error", "unknown_error"),
        (f.SSL_INVALID_HOSTNAME, "unknown_error", "connect_error", "unknown_error"),
        (f.TOO_MANY_REDIRECTS, "unknown_error", "connect_error", "unknown_error"),
    ],
)
def test_failures_in_the_helpers_dialect(
    failure: str | None, name: str | None, connect: str | None, fetch: str | None
) -> None:
    assert control.name_failure(failure) == name
    assert control.connect_failure(failure) == connect
    assert control.fetch_failure(failure) == fetch


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (b"<TITLE>Hello</title>", "Hello"),
        (b"<title lang=en>No</title>", ""),
        (b"<title></title>", ""),
        (b"<title>" + b"x" * 513 + b"</title>", ""),
        ("<title>ភាសា</title>".encode(), "ភាសា"),
        (("<title>" + "ក" * 512 + "</title>").encode(), "ក" * 512),
        (b"<title>\xff</title>", "\ufffd"),
    ],
)
def test_titles_as_oohelperd_finds_them(body: bytes, title: str) -> None:
    assert control.title(body) == title


def test_headers_as_go_shows_them() -> None:
    sent = [
        ("x-ABC-d", "1"),
        ("Set-Cookie", "a"),
        ("set-cookie", "b"),
        ("content-encoding", "gzip"),
        ("content-length", "9"),
        ("transfer-encoding", "chunked"),
    ]
    page = control.fetched(200, sent, b"<title>t</title>")
    assert page["headers"] == {"X-Abc-D": "1", "Set-Cookie": "a"}
    assert (page["body_length"], page["title"], page["failure"]) == (16, "t", None)


@pytest.mark.parametrize(
    ("value", "endpoint"),
    [
        ('h3=":443"; ma=3600, h2=":443"', "a.org:443"),
        ('h2=":443", h3="alt.org:8443"', "alt.org:8443"),
        ("clear", ""),
        ("h3=nonsense", ""),
    ],
)
def test_where_http3_is_offered(value: str, endpoint: str) -> None:
    assert control.h3_endpoint([("Alt-Svc", value)], "a.org") == endpoint


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ({"dns": {"addrs": []}, "http_request": {}, "tcp_connect": {}}, True),
        ({"dns": {"addrs": []}, "http_request": {}, "tcp_connect": {}, "ip_info": []}, False),
        ({"dns": {}, "http_request": {}, "tcp_connect": {}}, False),
        ({"dns": {"addrs": []}, "http_request": None, "tcp_connect": {}}, False),
        ({"dns": {"addrs": []}, "http_request": {}}, False),
        ([], False),
    ],
)
def test_the_shape_of_an_answer(value: object, good: bool) -> None:
    assert control.well_formed(value) is good
