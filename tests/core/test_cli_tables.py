"""Which table of prefixes a run asks."""

from __future__ import annotations

import json
from dataclasses import asdict
from ipaddress import ip_network
from pathlib import Path

import click
import pytest

from gatewatch.cli.tables import whereabouts
from gatewatch.update import Installed, data_folder
from gatewatch.whereabouts import Prefix, PrefixTable


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path


def fetch(name: str, data: bytes) -> None:
    """Lay a data set where `gatewatch update` does."""
    folder = data_folder()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.table").write_bytes(data)
    about = Installed(
        **dict.fromkeys(
            ("title", "version", "licence", "attribution", "date", "dated_by", "source", "sha256"), ""
        ),
        name=name,
        kind="table",
        fetched="2026-11-24T08:00:00Z",
        file=f"{name}.table",
        bytes=len(data),
        entries=1,
    )
    (folder / f"{name}.json").write_text(json.dumps(asdict(about)))


def table(country: str, ixp: str = "") -> bytes:
    return PrefixTable([Prefix(ip_network("36.37.128.0/17"), 38623, country, "Metfone", ixp)]).dump()


def test_without_any_table_there_is_none() -> None:
    assert whereabouts(None, None) is None


def test_ones_own_is_believed_first_and_those_fetched_add_what_it_lacks(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch("ip-to-as", table("XX"))
    fetch("ixp-prefixes", table("XX", "CNX"))
    fetch("spoilt", b"no table")
    (home / "gatewatch" / "prefixes.csv").write_text(
        "prefix,asn,country,name\n36.37.128.0/17,38623,KH,Ours\nbad,1,KH,?\n"
    )
    joined = whereabouts(None, None)
    assert joined is not None
    found = joined.lookup("36.37.130.7")
    assert found is not None and (found.country, found.name, found.ixp) == ("KH", "Ours", "CNX")
    said = capsys.readouterr().err
    assert "prefixes.csv:3: prefix" in said and "spoilt is not used" in said


def test_the_one_named_or_the_labs_stands_alone(home: Path) -> None:
    fetch("ip-to-as", table("XX"))
    path = home / "mine.csv"
    path.write_text("prefix,asn,country,name\n20.0.0.0/8,1,KH,Ours\n")
    for only in (whereabouts(path, None), whereabouts(None, path.read_bytes())):
        assert only is not None and only.lookup("20.1.1.1") is not None
        assert only.lookup("36.37.130.7") is None
    with pytest.raises(click.UsageError, match=r"none\.csv"):
        whereabouts(home / "none.csv", None)
