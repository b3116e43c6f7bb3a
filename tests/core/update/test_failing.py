from __future__ import annotations

import json
import ssl
from dataclasses import replace

import pytest
from tests.worlds.publisher import Answer, Publisher, publisher
from tests.worlds.updates import NEWER, NOW, OLDER, TSV, first, in_use, packed, run, table

from gatewatch.update import Shelf, refresh
from gatewatch.update.download import Session


def test_a_server_that_dies_half_way_is_asked_for_the_rest(server: Publisher, shelf: Shelf) -> None:
    content = packed(TSV)
    server.answers["/a"] = Answer(content, modified=OLDER, etag='"one"', dies_after=100, deaths=3)
    assert run(table(server), shelf).state == "updated"
    assert [wanted for _, wanted in server.asked] == [None, "bytes=100-", "bytes=200-", "bytes=300-"]
    assert in_use(shelf) == "Network 1"


def test_a_server_that_always_dies_leaves_the_rest_for_next_time(server: Publisher, shelf: Shelf) -> None:
    first(server, shelf)
    content = packed(TSV.replace("Network", "Newer"))
    server.answers["/a"] = Answer(content, modified=NEWER, etag='"two"', dies_after=0, deaths=99)
    outcome = run(table(server), shelf)
    assert outcome.state == "failed"
    assert "the answer ended" in outcome.text or "broke off" in outcome.text
    assert in_use(shelf) == "Network 1"
    server.answers["/a"].dies_after, server.answers["/a"].deaths = 150, 1
    server.asked.clear()
    assert run(table(server), shelf).state == "updated"
    assert server.asked[-1][1] == "bytes=150-"


def test_the_rest_of_another_file_is_not_joined(server: Publisher, shelf: Shelf) -> None:
    server.answers["/a"] = Answer(packed(TSV), modified=OLDER, etag='"one"', dies_after=100, deaths=99)
    part = shelf.partial("ip-to-as", "data")
    part.write_bytes(b"begin of what lay there before")
    part.with_name(part.name + ".about").write_text(
        json.dumps({"url": server.base + "/a", "etag": '"old"', "modified": ""})
    )
    server.answers["/a"].deaths = 0
    assert run(table(server), shelf).state == "updated"
    assert in_use(shelf) == "Network 1"


def test_a_whole_file_left_by_a_crash_is_fetched_again(server: Publisher, shelf: Shelf) -> None:
    """Whether it was the whole of it nobody knows: the server says there is no more."""
    content = packed(TSV)
    server.answers["/a"] = Answer(content, modified=OLDER, etag='"one"')
    part = shelf.partial("ip-to-as", "data")
    part.write_bytes(content)
    part.with_name(part.name + ".about").write_text(
        json.dumps({"url": server.base + "/a", "etag": '"one"', "modified": OLDER, "flushed": len(content)})
    )
    assert run(table(server), shelf).state == "updated"
    assert [wanted for _, wanted in server.asked] == [f"bytes={len(content)}-", None]


def test_the_next_mirror_is_asked(server: Publisher, shelf: Shelf) -> None:
    server.answers["/page"] = Answer(b"<html>")
    server.answers["/good"] = Answer(packed(TSV), modified=OLDER)
    outcome = run(table(server, "/none", "/page", "/good"), shelf)
    assert outcome.state == "updated"
    assert outcome.installed is not None and outcome.installed.source.endswith("/good")


def test_nobody_there(server: Publisher, shelf: Shelf) -> None:
    first(server, shelf)
    gone = replace(table(server), mirrors=({"data": "http://127.0.0.1:1/a"},))
    outcome = run(gone, shelf)
    assert (outcome.state, in_use(shelf)) == ("unreachable", "Network 1")
    assert "refused" in outcome.text


def test_somebody_in_between(shelf: Shelf) -> None:
    trustme = pytest.importorskip("trustme", reason="needs trustme to make certificates")
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with publisher(context) as secure, publisher() as plain:
        secure.answers["/a"] = Answer(packed(TSV), modified=OLDER)
        outcome = run(table(secure), shelf)
        assert (outcome.state, secure.asked) == ("failed", [])
        assert "certificate is not trusted" in outcome.text
        # Trusted, but led away to where anybody could write the data.
        secure.answers["/a"] = Answer(status=302, more={"Location": plain.base + "/a"})
        shelf.folder.mkdir(exist_ok=True)
        authority.cert_pem.write_to_path(str(shelf.folder / "ca.pem"))
        with Session() as session:
            session.trust_env = False
            session.verify = str(shelf.folder / "ca.pem")
            outcome = refresh(table(secure), shelf, session, now=lambda: NOW, sleep=lambda _: None)
        assert "without encryption" in outcome.text
        assert plain.asked == []


def test_the_proxy_of_the_environment(
    server: Publisher, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", server.base)
    # Nobody listens there; the proxy is asked for the whole address.
    server.answers["http://127.0.0.1:1/a"] = Answer(packed(TSV), modified=OLDER)
    dataset = replace(table(server), mirrors=({"data": "http://127.0.0.1:1/a"},))
    with Session() as session:
        outcome = refresh(dataset, shelf, session, now=lambda: NOW, sleep=lambda _: None)
    assert outcome.state == "updated"
