from __future__ import annotations

import gzip
import json
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.worlds.publisher import Answer, Publisher, publisher

from gatewatch.cli import known
from gatewatch.update import Dataset, Outcome, Shelf, datasets, refresh
from gatewatch.update.download import Session
from gatewatch.whereabouts import PrefixTable
from gatewatch_targets.cables.foreign import read_foreign

# Collections of others, never part of this tree.
SHARED = Path(__file__).parents[3] / "shared" / "data"
NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
OLDER, NEWER = "Mon, 02 Nov 2026 00:00:00 GMT", "Fri, 20 Nov 2026 00:00:00 GMT"
TSV = "".join(f"36.{n}.0.0\t36.{n}.255.255\t{38000 + n}\tKH\tNetwork {n}\n" for n in range(40))


def packed(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


@pytest.fixture
def server() -> Iterator[Publisher]:
    with publisher() as told:
        yield told


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "data")


def table(server: Publisher, *paths: str, **changes: object) -> Dataset:
    builtin = datasets()["ip-to-as"]
    mirrors = tuple({"data": server.base + path} for path in paths or ("/a",))
    return replace(builtin, mirrors=mirrors, least=10, **changes)  # type: ignore[arg-type]


def run(dataset: Dataset, shelf: Shelf, **more: object) -> Outcome:
    with Session() as session:
        # Straight to the loopback, whatever proxy this machine has.
        session.trust_env = False
        return refresh(dataset, shelf, session, now=lambda: NOW, sleep=lambda _: None, **more)  # type: ignore[arg-type]


def first(server: Publisher, shelf: Shelf) -> None:
    server.answers["/a"] = Answer(packed(TSV), modified=OLDER, etag='"one"')
    assert run(table(server), shelf).state == "updated"


def in_use(shelf: Shelf) -> str:
    found = shelf.installed("ip-to-as")
    assert found is not None and shelf.whole(found)
    prefix = PrefixTable.load(shelf.path(found)).lookup("36.1.2.3")
    return prefix.name if prefix else ""


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
        json.dumps({"url": server.base + "/a", "etag": '"one"', "modified": OLDER})
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


def test_this_month_or_the_last(server: Publisher, shelf: Shelf) -> None:
    rows = (
        "".join(f"36.{n}.0.0,36.{n}.255.255,KH\n" for n in range(20))
        + "2400::,2400:ff::,TH\n1.0.0.0,1.0.0.9,ZZ\n"
    )
    server.answers["/2026-10.csv.gz"] = Answer(packed(rows), modified=OLDER)
    dataset = replace(
        datasets()["ip-to-country"], mirrors=({"data": server.base + "/{month}.csv.gz"},), least=10
    )
    assert run(dataset, shelf).state == "updated"
    found = shelf.installed("ip-to-country")
    assert found is not None
    prefix = PrefixTable.load(shelf.path(found)).lookup("2400::1")
    assert prefix is not None and (prefix.country, prefix.asn) == ("TH", 0)


def test_exchange_points(server: Publisher, shelf: Shelf) -> None:
    prefixes = {
        "data": [
            {"prefix": f"103.{n}.0.0/24", "ixlan_id": n, "updated": "2026-10-01T00:00:00Z"} for n in range(12)
        ]
    }
    exchanges = {"data": [{"id": n, "name": f"Exchange {n}", "country": "KH"} for n in range(11)]}
    server.answers["/p"] = Answer(json.dumps(prefixes).encode())
    server.answers["/x"] = Answer(json.dumps(exchanges).encode())
    dataset = replace(
        datasets()["ixp-prefixes"],
        mirrors=({"prefixes": server.base + "/p", "exchanges": server.base + "/x"},),
        least=10,
    )
    # Not before somebody has read the terms.
    assert run(dataset, shelf).state == "terms"
    assert server.asked == []
    shelf.accept_terms(dataset.name, dataset.terms)
    outcome = run(dataset, shelf)
    assert outcome.installed is not None
    assert (outcome.state, outcome.installed.date) == ("updated", "2026-10-01T00:00:00Z")
    known = PrefixTable.load(shelf.path(outcome.installed))
    assert [p.ixp for a in ("103.3.0.1", "103.11.0.1") if (p := known.lookup(a))] == [
        "Exchange 3",
        "exchange point without a name",
    ]
    server.answers["/x"] = Answer(b'{"data": 7}')
    assert run(dataset, shelf).state == "failed"


def test_the_cable_map(server: Publisher, shelf: Shelf) -> None:
    names = [f"cable-{n}" for n in range(4)]
    server.answers["/all"] = Answer(json.dumps([{"id": n, "name": n} for n in names]).encode())
    points = [{"properties": {"id": "sihanoukville-cambodia"}, "geometry": {"coordinates": [103.5, 10.6]}}]
    server.answers["/points"] = Answer(json.dumps({"features": points}).encode())
    for name in names:
        landing = [{"id": "sihanoukville-cambodia", "name": "Sihanoukville, Cambodia", "country": "Cambodia"}]
        server.answers[f"/{name}"] = Answer(
            json.dumps({"id": name, "name": name, "landing_points": landing}).encode()
        )
    dataset = replace(
        datasets()["cables-live"],
        mirrors=({"list": server.base + "/all", "points": server.base + "/points"},),
        each=server.base + "/{id}",
        terms="",
        least=3,
    )
    server.answers["/cable-2"].status = 404
    assert run(dataset, shelf).state == "failed"
    server.answers["/cable-2"].status = 200
    outcome = run(dataset, shelf)
    assert outcome.installed is not None and outcome.installed.entries == 4
    cables = json.loads(shelf.path(outcome.installed).read_bytes())
    assert cables[0]["landing_points"][0]["lat"] == 10.6
    read = read_foreign(shelf.path(outcome.installed))
    assert [landing.country for cable in read.cables for landing in cable.landings] == ["KH"] * 4
    server.answers["/all"] = Answer(json.dumps([{"id": "../../etc"}]).encode())
    assert "names that are none" in run(dataset, shelf).text


def test_pfx2as_and_csv_ranges(server: Publisher, shelf: Shelf) -> None:
    text = "".join(f"36.{n}.0.0\t16\t{n + 1}_99\n" for n in range(20)) + "2400::\t12\t{7,8}\n"
    server.answers["/p"] = Answer(packed(text), modified=OLDER)
    assert run(table(server, "/p", format="pfx2as"), shelf).state == "updated"
    found = shelf.installed("ip-to-as")
    assert found is not None
    known = PrefixTable.load(shelf.path(found))
    assert [p.asn for a in ("36.1.0.1", "2400::1") if (p := known.lookup(a))] == [2, 7]
    rows = "".join(f'36.{n}.0.0,36.{n}.255.255,{n + 1},"Net, {n}"\n' for n in range(20))
    server.answers["/p"] = Answer(packed(rows), modified=NEWER)
    assert run(table(server, "/p", format="ranges-asn"), shelf).state == "updated"
    assert in_use(shelf) == "Net, 1"


def citizenlab(lines: list[str]) -> bytes:
    head = "url,category_code,category_description,date_added,source,notes\n"
    return (
        head + "".join(f"{url},NEWS,News Media,2026-10-0{n % 9 + 1},x,\n" for n, url in enumerate(lines))
    ).encode()


def test_a_target_list_waits_until_it_was_looked_at(server: Publisher, shelf: Shelf) -> None:
    dataset = replace(datasets()["citizenlab-kh"], mirrors=({"data": server.base + "/kh.csv"},), least=2)
    urls = [f"https://site{n}.example/" for n in range(4)]
    server.answers["/kh.csv"] = Answer(citizenlab(urls))
    assert run(dataset, shelf, review=True).state == "waiting"
    assert shelf.installed(dataset.name) is None
    waits = shelf.accept(dataset.name)
    assert waits == shelf.installed(dataset.name) and waits.date == "2026-10-04"
    assert run(dataset, shelf, review=True).state == "current"
    server.answers["/kh.csv"] = Answer(citizenlab([*urls, "https://new.example/"]))
    assert run(dataset, shelf, review=True).state == "waiting"
    used = shelf.installed(dataset.name)
    assert used == replace(waits, fetched=used.fetched if used else "")
    shelf.drop(dataset.name)
    with pytest.raises(LookupError):
        shelf.accept(dataset.name)
    assert sorted(p.name for p in shelf.folder.iterdir()) == [".partial", waits.file, "citizenlab-kh.json"]


def test_what_was_fetched_is_used_where_nothing_else_is_given(
    server: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert known.tables() is None
    first(server, Shelf())
    rows = "".join(f"36.{n}.0.0,36.{n}.255.255,TH\n" for n in range(20))
    server.answers["/c"] = Answer(packed(rows), modified=OLDER)
    mirrors = ({"data": server.base + "/c"},)
    assert run(replace(datasets()["ip-to-country"], mirrors=mirrors, least=10), Shelf()).state == "updated"
    joined = known.tables()
    assert joined is not None
    prefix = joined.lookup("36.1.2.3")
    # Where it is used, before where its network is registered.
    assert prefix is not None and (prefix.asn, prefix.country, prefix.name) == (38001, "TH", "Network 1")
    found = Shelf().installed("ip-to-country")
    assert found is not None
    Shelf().path(found).write_bytes(b"damage")
    joined = known.tables()
    assert joined is not None
    prefix = joined.lookup("36.1.2.3")
    assert prefix is not None and prefix.country == "KH"
    signs = b"name,scope,other_names,location_found,pattern_type,pattern,confidence_no_fp,expected_countries"
    row = b",source,exp_url,notes\nooni.kh_9,nat,,dns,full,36.37.242.94,5,KH,ooni,,\n"
    server.answers["/s"] = Answer(signs + row, modified=OLDER)
    mirrors = ({"data": server.base + "/s"},)
    assert run(replace(datasets()["ooni-signs-dns"], mirrors=mirrors, least=1), Shelf()).state == "updated"
    assert [path.name[:15] for path in known.signs()] == ["ooni-signs-dns."]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("citizenlab-global", "citizenlab/global.csv"),
        ("citizenlab-kh", "citizenlab/kh.csv"),
        ("ooni-signs-http", "fingerprints/ooni_http.csv"),
        ("censoredplanet-signs", "fingerprints/censoredplanet_signatures.jsonl"),
        ("censoredplanet-false_positives", "fingerprints/censoredplanet_false_positives.jsonl"),
    ],
)
def test_the_real_ones_pass_with_the_limits_of_the_catalogue(
    name: str, file: str, server: Publisher, shelf: Shelf
) -> None:
    path = SHARED / file
    if not path.exists():
        pytest.skip(f"the collection is not present: {path}")
    server.answers["/real"] = Answer(path.read_bytes())
    dataset = replace(datasets()[name], mirrors=({"data": server.base + "/real"},))
    assert run(dataset, shelf).state == "updated"


def test_sidecars_that_nobody_wrote(shelf: Shelf) -> None:
    shelf.folder.mkdir()
    for text in ("", "[]", "{}", '{"name": "x"}', '{"name": 1, "file": "../../x"}'):
        (shelf.folder / "x.json").write_text(text)
        assert shelf.installed("x") is None
        assert list(shelf.everything()) == []
