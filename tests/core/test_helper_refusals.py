"""What the helper refuses: what is not public, ports that are no web site's, bad or endless questions."""

from __future__ import annotations

from typing import Any

import pytest
from tests.worlds.asgi import Answer, ask
from tests.worlds.clock import run
from tests.worlds.helper import HERE, helper, post

from gatewatch.helper.app import BODY_CAP


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "198.51.100.1",
        "168.63.129.16",
        HERE,
        "[::1]",
        "[::]",
        "[fe80::1]",
        "[fc00::1]",
        "[ff02::1]",
        "[2001:db8::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:10.0.0.1]",
        "[::7f00:1]",
        "[2002:7f00:1::]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::a00:1]",
        "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
        "localhost",
        "intranet",
        "printer.local",
        "db.internal",
    ],
)
def test_what_is_not_public_is_refused(host: str) -> None:
    answer = post(f"http://{host}/")
    assert answer.status == 403 and answer.json["error"].startswith("http_request: ")


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.1", "127.0.0.1.", "①②⑦.0.0.1", "010.0.0.1"],
)
def test_addresses_in_other_notations_are_refused_or_unknown(host: str) -> None:
    assert post(f"http://{host}/").status in (400, 403)


@pytest.mark.parametrize("port", [1, 22, 25, 53, 81, 465, 6000, 6379, 6667, 11211, 65536, 0])
def test_ports_that_are_no_web_sites_are_refused(port: int) -> None:
    assert post(f"http://live.com:{port}/").status in (400, 403)


@pytest.mark.parametrize(
    "url", ["", "live.com", "ftp://live.com/", "file:///etc/passwd", "gopher://x/", "http://"]
)
def test_what_is_no_web_address_is_the_clients_fault(url: str) -> None:
    answer = post(url)
    assert answer.status == 400 and answer.json["error"]


def test_endpoints_that_are_not_public_are_told_and_not_tried() -> None:
    answer = post("https://live.com/", "10.0.0.1:443", f"{HERE}:443", "[2002:7f00:1::]:443", "[::1]:443").json
    assert list(answer["tcp_connect"]) == ["104.21.38.91:443"]
    assert answer["ip_info"]["10.0.0.1"]["flags"] == answer["ip_info"]["::1"]["flags"] == 1 | 4
    assert set(answer["x_gatewatch_refused"]) == {HERE, "2002:7f00:1::"}


def test_more_endpoints_than_are_tried_leave_the_helpers_own_in() -> None:
    many = [f"104.16.{n}.1:443" for n in range(100)]
    answer = post("https://refused.com/", *many).json
    assert len(answer["ip_info"]) == 32 and answer["dns"]["addrs"][0] in answer["ip_info"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"{}",
        b"\xff\xfe",
        b"[" * 60_000,
        b'{"a":' * 12_000,
        b'{"http_request": 5}',
        b'{"http_request": "http://live.com/", "tcp_connect": "x"}',
        b'{"http_request": ' + b"9" * 10_000 + b"}",
        b'{"http_request": "http://' + b"a" * 9_000 + b'.com/"}',
    ],
    ids=range(13),
)
def test_bad_questions_get_a_reason(body: bytes) -> None:
    async def main() -> Answer:
        async with helper() as (app, _):
            return await ask(app, "POST", body=body)

    answer = run(main)
    assert answer.status == 400 and answer.json["error"]


def test_a_large_body_is_refused_by_its_length_and_while_it_comes() -> None:
    async def main() -> None:
        async with helper() as (app, _):
            told = await ask(app, "POST", headers=[("Content-Length", "10000000000")], body=[b"x", 1e9])
            assert told.status == 413
            taken: list[int] = []

            def endless() -> Any:
                while True:
                    taken.append(1)
                    yield b"x" * 1000

            assert (await ask(app, "POST", body=endless())).status == 413
            assert len(taken) == BODY_CAP // 1000 + 1

    run(main)


def test_a_slow_body_is_cut() -> None:
    async def main() -> Answer:
        async with helper() as (app, _):
            return await ask(app, "POST", body=[b"{", 9.0, b"}", 9.0, b" "])

    assert run(main).status == 408


def test_too_many_header_lines() -> None:
    async def main() -> int:
        async with helper() as (app, _):
            return (await ask(app, headers=[("A", "b")] * 65)).status

    assert run(main) == 431
