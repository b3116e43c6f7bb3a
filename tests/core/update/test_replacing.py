from __future__ import annotations

from pathlib import Path

import pytest
from tests.worlds.netrc import everywhere
from tests.worlds.publisher import Answer, Publisher
from tests.worlds.updates import NEWER, OLDER, TSV, first, in_use, packed, run, table

from gatewatch.update import Shelf
from gatewatch.update.download import Session, download
from gatewatch.whereabouts import PrefixTable


def test_a_table_is_fetched_and_used(server: Publisher, shelf: Shelf) -> None:
    first(server, shelf)
    found = shelf.installed("ip-to-as")
    assert found is not None
    assert (found.date, found.dated_by, found.entries) == ("2026-11-02T00:00:00Z", "server", 40)
    assert (found.licence, found.source, found.fetched) == (
        "PDDL 1.0",
        server.base + "/a",
        "2026-11-24T08:00:00Z",
    )
    prefix = PrefixTable.load(shelf.path(found)).lookup("36.1.2.3")
    assert prefix is not None
    assert (str(prefix.network), prefix.asn, prefix.country, prefix.name) == (
        "36.1.0.0/16",
        38001,
        "KH",
        "Network 1",
    )
    assert PrefixTable.load(shelf.path(found)).about.date == "2026-11-02T00:00:00Z"
    # Nothing is left over.
    assert sorted(p.name for p in shelf.folder.iterdir()) == sorted([".partial", found.file, "ip-to-as.json"])
    assert list((shelf.folder / ".partial").iterdir()) == []


def test_nobodys_login_is_sent(server: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(tmp_path, monkeypatch)
    server.answers["/a"] = Answer(status=302, more={"Location": "/moved"})
    server.answers["/moved"] = Answer(b"x")
    with Session() as session:
        assert download(session, f"{server.base}/a", tmp_path / "x", most=10).path.read_bytes() == b"x"
    assert server.logins == [None, None]


def test_what_has_not_changed_is_not_sent_again(server: Publisher, shelf: Shelf) -> None:
    first(server, shelf)
    assert run(table(server), shelf).state == "current"
    found = shelf.installed("ip-to-as")
    assert found is not None
    # Damaged since: it must come anew, whatever the tag says.
    shelf.path(found).write_bytes(b"damage")
    assert run(table(server), shelf).state == "updated"
    assert in_use(shelf) == "Network 1"


def test_a_newer_one_replaces_and_an_older_one_does_not(server: Publisher, shelf: Shelf) -> None:
    first(server, shelf)
    server.answers["/a"] = Answer(packed(TSV.replace("Network", "Newer")), modified=NEWER)
    assert run(table(server), shelf).state == "updated"
    server.answers["/a"] = Answer(packed(TSV), modified=OLDER)
    outcome = run(table(server), shelf)
    assert outcome.state == "kept"
    assert "older than what is in use" in outcome.text
    assert in_use(shelf) == "Newer 1"
    assert run(table(server), shelf, force=True).state == "updated"
    assert in_use(shelf) == "Network 1"


def test_without_a_date_or_with_one_that_cannot_be(server: Publisher, shelf: Shelf) -> None:
    first(server, shelf)
    server.answers["/a"] = Answer(packed(TSV.replace("Network", "Undated")))
    assert "bears no date" in run(table(server), shelf).text
    server.answers["/a"] = Answer(packed(TSV), modified="Fri, 20 Nov 2099 00:00:00 GMT")
    assert run(table(server), shelf).state == "kept"
    assert in_use(shelf) == "Network 1"
