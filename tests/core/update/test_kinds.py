from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.worlds.publisher import Answer, Publisher
from tests.worlds.updates import NEWER, OLDER, first, in_use, packed, run, table

from gatewatch.cli import known
from gatewatch.update import Shelf, datasets
from gatewatch.whereabouts import PrefixTable
from gatewatch_targets.cables.foreign import read_foreign

# Collections of others, never part of this tree.
SHARED = Path(__file__).parents[4] / "shared" / "data"


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
