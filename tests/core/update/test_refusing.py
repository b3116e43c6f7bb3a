from __future__ import annotations

import gzip
import time
import tracemalloc
from dataclasses import replace

import pytest
from tests.worlds.publisher import Answer, Publisher, dribbler
from tests.worlds.updates import NEWER, TSV, first, in_use, packed, run, table

from gatewatch.update import Shelf, datasets, download

GARBAGE = {
    "an HTML page": (b"<!DOCTYPE html><title>Login</title>", "a web page came instead"),
    "an HTML page behind a mark": (b"\xef\xbb\xbf\n <html>blocked", "a web page came instead"),
    "nothing": (b"", "the file is empty"),
    "noise": (bytes(range(256)) * 40, "cannot be read"),
    "half an archive": (packed(TSV * 9)[:120], "the archive is damaged"),
    "a wrong archive sum": (packed(TSV)[:-8] + bytes(8), "the archive is damaged"),
    "another format": ((TSV.replace("\t", ",") * 9).encode(), "another kind"),
    "one bad line in ten": ((TSV + "x\ty\n" * 4).encode(), "4 of 44 lines cannot be read"),
    "too few": (packed(TSV[:300]), "at least 10 are expected"),
    "a bomb": (gzip.compress(bytes(30_000_000)), "a line is too long"),
    "a bomb of lines": (gzip.compress(b"# nothing\n" * 3_000_000), "more than 20000000 bytes, unpacked"),
}


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage_never_replaces(what: str, server: Publisher, shelf: Shelf) -> None:
    first(server, shelf)
    content, why = GARBAGE[what]
    server.answers["/a"] = Answer(content, modified=NEWER)
    outcome = run(table(server, unpacked=20_000_000), shelf)
    assert (outcome.state, in_use(shelf)) == ("failed", "Network 1")
    assert why in outcome.text
    assert list((shelf.folder / ".partial").iterdir()) == []


REFUSED = {
    "not there": (Answer(status=404), "status 404"),
    "forbidden": (Answer(status=403, content=b"<html>"), "status 403"),
    "too large by its own word": (Answer(bytes(9000), modified=NEWER), "has 9000 bytes, the limit is 5000"),
    "too large without a word": (Answer(bytes(90_000), length=False), "sends more than 5000 bytes"),
    "coded": (Answer(packed(TSV), more={"Content-Encoding": "gzip"}), "content coding"),
    "elsewhere for ever": (Answer(status=302, more={"Location": "/a"}), "too many redirects"),
    "to a file": (Answer(status=302, more={"Location": "file:///etc/passwd"}), "redirects to file:"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_servers_may_not_do(what: str, server: Publisher, shelf: Shelf) -> None:
    first(server, shelf)
    server.answers["/a"], why = REFUSED[what]
    outcome = run(table(server, most=5000), shelf)
    assert (outcome.state, in_use(shelf)) == ("failed", "Network 1")
    assert why in outcome.text


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (b"HTTP/1.1 200 OK\r\nX: ", "the head of its answer does not end"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", "sends next to nothing"),
        (b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 5000\r\n\r\n", "too many redirects"),
    ],
)
def test_a_server_that_dribbles_is_left_in_time(
    head: bytes, why: str, server: Publisher, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    first(server, shelf)
    monkeypatch.setattr(download, "_WHOLE", 0.3)
    monkeypatch.setattr(download, "_HEAD", 0.3)
    with dribbler(head) as base:
        began = time.monotonic()
        outcome = run(table(replace(server, base=base)), shelf)
        took = time.monotonic() - began
    assert (outcome.state, in_use(shelf)) == ("failed", "Network 1") and why in outcome.text
    assert took < 3


def test_a_redirect_is_no_place_for_a_bomb(server: Publisher, shelf: Shelf) -> None:
    first(server, shelf)
    bomb = gzip.compress(bytes(60_000_000))
    there = {"Location": "/b", "Content-Encoding": "gzip"}
    server.answers |= {"/a": Answer(bomb, 302, more=there), "/b": Answer(packed(TSV), modified=NEWER)}
    tracemalloc.start()
    try:
        assert run(table(server), shelf).state == "updated"
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_a_much_smaller_one_was_cut_off(server: Publisher, shelf: Shelf) -> None:
    first(server, shelf)
    server.answers["/a"] = Answer(packed("\n".join(TSV.splitlines()[:15])), modified=NEWER)
    outcome = run(table(server), shelf)
    assert outcome.state == "kept"
    assert "15 entries; what is in use, 40" in outcome.text


def test_a_wrong_checksum(server: Publisher, shelf: Shelf) -> None:
    first(server, shelf)
    server.answers["/a"] = Answer(packed(TSV), modified=NEWER)
    outcome = run(table(server, sha256="0" * 64), shelf)
    assert outcome.state == "failed"
    assert "the checksum is" in outcome.text


def test_a_list_of_parts_that_is_nested_without_end(server: Publisher, shelf: Shelf) -> None:
    # Found by fuzzing: Python's JSON reader gives up with an error of its own.
    builtin = datasets()["cables-live"]
    server.answers["/list"] = Answer(b"[" * 100_000, modified=NEWER)
    server.answers["/points"] = Answer(b'{"features": []}', modified=NEWER)
    parts = {name: f"{server.base}/{name}" for name in builtin.mirrors[0]}
    outcome = run(replace(builtin, mirrors=(parts,), terms=""), shelf)
    assert (outcome.state, outcome.text) == ("failed", "its list is of another form")
