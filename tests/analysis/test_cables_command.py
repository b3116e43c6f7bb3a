"""gatewatch analyse cables, as a user calls it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.analysis.runs import measurement, trace, write_run

from gatewatch.cli.analyse.cables import cables
from gatewatch.records import HopReply, Measurement, TraceKeys, encode

PREFIXES = """\
prefix,asn,country,name
36.37.128.0/17,38623,KH,Viettel (Cambodia)
63.218.0.0/16,3491,HK,PCCW Global
104.16.0.0/13,13335,US,Cloudflare
"""
PATH = [
    ("36.37.128.1", 2.0),
    ("36.37.130.1", 3.0),
    ("63.218.1.1", 29.0),
    ("63.218.2.1", 29.3),
    ("104.16.1.1", 70.0),
]
#: One cable with one Chinese owner, as the public map writes it.
LIST = [
    {
        "id": "kh-hk-one",
        "name": "KH-HK One",
        "length": "1,900 km",
        "rfs": "2010",
        "owners": "China Unicom",
        "suppliers": "NEC",
        "landing_points": [
            {"id": "a", "name": "Sihanoukville, Cambodia", "country": "Cambodia", "lat": 10.6, "lon": 103.5},
            {"id": "b", "name": "Hong Kong, China", "country": "China", "lat": 22.3, "lon": 114.17},
        ],
    }
]


def named(names: dict[int, str]) -> Measurement:
    replies = tuple(
        HopReply(ttl=ttl, address=address, rtt=rtt, icmp_type=11, icmp_code=0, name=names.get(ttl))
        for ttl, (address, rtt) in enumerate(PATH, 1)
    )
    keys = TraceKeys(
        protocol="udp",
        destination=PATH[-1][0],
        source_port=1,
        destination_port=2,
        reached=True,
        replies=replies,
    )
    return measurement("trace", PATH[-1][0], encode(keys))


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cables, [str(a) for a in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_run(tmp_path / "r", [named({3: "hu-0.clbr02.hkg04.pccwbtn.net"})], prefixes=PREFIXES)


def test_text_tells_the_bounds_the_candidates_and_the_definition(folder: Path) -> None:
    result = run(folder)
    assert result.exit_code == 0, result.output
    text = result.stdout
    assert "Chinese, by country: chance" in text and "Chinese, by ISP: chance" in text
    assert "Metfone (AS38623)" in text and "2024-05" in text
    assert "Hong Kong, HK (name listing, 98 %)" in text
    assert "aae-1" in text and "unlisted" in text
    assert "mainland China" in text and "Prior odds, ours: border" in text


def test_json_has_every_table_and_what_the_words_mean(folder: Path) -> None:
    result = run(folder, "--json")
    told: dict[str, Any] = json.loads(result.stdout)
    assert set(told) == {
        "definition", "reading", "prior", "by_country", "by_isp", "chinese", "crossings", "candidates",
    }  # fmt: skip
    owned = next(row for row in told["by_country"] if row["attribute"] == "owned")
    assert 0.7 < owned["p_min"] <= owned["p_max"] <= 1
    assert told["crossings"][0]["far_place"] == "Hong Kong"
    assert sum(row["weight"] for row in told["candidates"]) == pytest.approx(1)


def test_a_list_of_ones_own_takes_the_place_of_the_table(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "list.json"
    file.write_text(json.dumps(LIST), encoding="utf-8")
    told = json.loads(run(folder, "--json", "--file", file, "--of", "2024-01-01").stdout)
    weights = {row["candidate"]: row["weight"] for row in told["candidates"]}
    assert weights["kh-hk-one"] > 0.7 and "aae-1" not in weights
    # A list of long ago leaves more room for what it cannot hold.
    old = time.mktime((2012, 1, 1, 12, 0, 0, 0, 0, 0))
    os.utime(file, (old, old))
    before = json.loads(run(folder, "--json", "--file", file).stdout)
    unlisted = [
        next(row["weight"] for row in answer["candidates"] if row["candidate"] == "unlisted")
        for answer in (told, before)
    ]
    assert unlisted[1] > 5 * unlisted[0]


def test_wrong_usage_is_told(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "nothing"))
    file = tmp_path / "list.json"
    file.write_text("{", encoding="utf-8")
    for arguments, words in (
        (["--file", file, "--fetched"], "two different lists"),
        (["--of", "2024-01-01"], "--of says"),
        (["--file", file], "list.json"),
        (["--fetched"], "no list was fetched"),
    ):
        result = run(folder, *arguments)
        assert result.exit_code == 2 and words in result.output, arguments


def test_without_traces_or_borders_nothing_is_claimed(tmp_path: Path) -> None:
    empty = write_run(tmp_path / "e", [measurement("web_connectivity", "http://a.com/")], prefixes=PREFIXES)
    assert run(empty).exit_code == 1
    inside = write_run(
        tmp_path / "i",
        [trace("36.37.130.1", [("36.37.128.1", 1.0), ("36.37.130.1", 2.0)])],
        prefixes=PREFIXES,
    )
    result = run(inside)
    assert (result.exit_code, result.stdout) == (0, "No path shows where it leaves the country.\n")


def test_entries_put_aside_are_told(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "list.json"
    file.write_text(json.dumps([*LIST, {**LIST[0], "id": "bad", "length": "long"}]), encoding="utf-8")
    result = run(folder, "--file", file, "--json")
    assert result.exit_code == 0 and "bad.length" in result.stderr
