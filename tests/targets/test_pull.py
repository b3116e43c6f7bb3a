"""Citizen Lab's lists: fetched, looked at, accepted or dropped; and whether their sites are alive."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.worlds.commands import here
from tests.worlds.publisher import Answer, Publisher, publisher

from gatewatch import cli
from gatewatch.update import Shelf
from gatewatch_targets import Target, read
from gatewatch_targets.difference import difference

HEAD = "url,category_code,category_description,date_added,source,notes\n"


def rows(*lines: str) -> bytes:
    return (HEAD + "".join(line + "\n" for line in lines)).encode()


FIRST = (
    "https://a.example/,NEWS,News Media,2026-01-01,x,one",
    "https://b.example/,GMB,Gambling,2026-01-02,x,",
    "https://c.example/,HUMR,Human Rights Issues,2026-01-03,x,",
)
SECOND = (
    "https://a.example/,POLR,Political Criticism,2026-01-01,x,one",
    "https://c.example/,HUMR,Human Rights Issues,2026-01-03,x,",
    "https://d.example/,PORN,Pornography,2026-02-01,x,=risky()",
    "https://e.example/,NEWS,News Media,2026-02-02,x,",
)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Publisher]:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr("gatewatch.runner.line.has_route", lambda *_: False)
    with publisher() as told:
        config = tmp_path / "config" / "gatewatch" / "update.toml"
        config.parent.mkdir(parents=True)
        config.write_text(f'[citizenlab-kh]\nurls = ["{told.base}/kh.csv"]\nleast = 2\n')
        yield told


def test_difference_by_address() -> None:
    old = [Target("https://a.example/", why="x"), Target("https://b.example/")]
    new = [Target("https://a.example/", why="y", control=True), Target("https://c.example/")]
    found = difference(old, new)
    assert [t.url for t in found.added] == ["https://c.example/"]
    assert [t.url for t in found.removed] == ["https://b.example/"]
    assert found.changed[0].fields == (("control", "no", "yes"), ("why", "x", "y"))
    assert not difference(old, old)


def test_nothing_is_used_before_it_was_looked_at(server: Publisher) -> None:
    server.answers["/kh.csv"] = Answer(rows(*FIRST))
    done = here("targets", "pull", "kh")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("citizenlab-kh, of 2026-01-03 (none is in use): 3 added")
    assert "gatewatch targets pull citizenlab-kh --accept uses it" in done.stderr
    assert here("targets", "show", "citizenlab-kh").exit_code == 2
    assert here("targets", "pull", "KH", "--accept").exit_code == 0
    # What waited was not fetched a second time.
    assert len(server.asked) == 1
    shown = json.loads(here("targets", "show", "citizenlab-kh", "--json").stdout)["targets"]
    assert (shown[0]["url"], shown[0]["countries"]) == ("https://a.example/", ["KH"])
    planned = here("run", "--plan", "--json", "--targets", "citizenlab-kh", "--risk", "medium")
    assert "https://c.example/" in planned.stdout


def test_what_changed_is_shown_the_riskiest_first(server: Publisher) -> None:
    server.answers["/kh.csv"] = Answer(rows(*FIRST))
    here("targets", "pull", "kh", "--accept")
    server.answers["/kh.csv"] = Answer(rows(*SECOND))
    done = here("targets", "pull", "kh")
    head, *lines = done.stdout.splitlines()
    assert head.startswith("citizenlab-kh, of 2026-02-02 (in use: of 2026-01-03): 2 added (1 high, 1 medium)")
    assert head.endswith(", 1 removed, 1 changed")
    assert lines == [
        "  + https://d.example/ PORN high risky()",
        "  + https://e.example/ NEWS medium",
        "  - https://b.example/ GMB",
        "  ~ https://a.example/ category: NEWS -> POLR",
    ]
    used = Shelf().installed("citizenlab-kh")
    assert used is not None and len(read(Shelf().path(used)).targets) == 3
    (row,) = json.loads(here("targets", "pull", "kh", "--json", "--drop").stdout)["lists"]
    assert (row["state"], [t["url"] for t in row["removed"]]) == ("dropped", ["https://b.example/"])
    assert Shelf().installed("citizenlab-kh", waiting=True) is None
    assert Shelf().installed("citizenlab-kh") == used


def test_no_network_and_a_login_page(server: Publisher) -> None:
    server.answers["/kh.csv"] = Answer(b"<html>")
    assert here("targets", "pull", "kh").exit_code == cli.PARTIAL
    done = here("targets", "pull", "kh", "--accept", "--drop")
    assert done.exit_code == cli.USAGE
    assert "no data set 'citizenlab-xx'" in here("targets", "pull", "xx").stderr
    base = server.base.rpartition(":")[0]
    path = Path(str(Shelf().folder)).parent.parent.parent / "config" / "gatewatch" / "update.toml"
    path.write_text(f'[citizenlab-kh]\nurls = ["{base}:1/kh.csv"]\nleast = 2\n')
    done = here("targets", "pull", "kh")
    assert done.exit_code == cli.NO_NETWORK
    assert "There is no network" in done.stderr


def test_whether_sites_are_alive_in_the_lab(server: Publisher, tmp_path: Path) -> None:
    sites = tmp_path / "sites.txt"
    sites.write_text(
        "https://vodenglish.news/\nhttps://example.org/\nhttps://no-such-name-anywhere.example/\n"
    )
    done = here("targets", "check", "--live", "--lab", "kh-2024:metfone", "--json", str(sites))
    assert done.exit_code == 0, (done.stdout, done.stderr)
    report = json.loads(done.stdout)
    states = {row["url"]: row["state"] for row in report["targets"]}
    # Blocked on this line, and alive where nobody censors it.
    assert states["https://vodenglish.news/"] == "alive"
    assert states["https://example.org/"] == "alive"
    assert states["https://no-such-name-anywhere.example/"] == "no name"
    text = here("targets", "check", "--live", "--lab", "kh-2024:metfone", str(sites))
    assert text.stdout.splitlines() == [
        "no name: https://no-such-name-anywhere.example/ (nxdomain)",
        "    look again on another day; then mark it dead",
        "2 alive; 1 no name",
    ]
    assert here("targets", "check", "--live", "--lab", "kh-2024", str(sites)).exit_code == cli.USAGE


def test_helpers_are_not_asked_before_consent(
    server: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object, **__: object) -> None:
        raise AssertionError("something was sent")

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr("gatewatch.runner.line.has_route", lambda *_: True)
    monkeypatch.setattr("trio.run", asked)
    sites = tmp_path / "sites.txt"
    sites.write_text("https://example.org/\n")
    assert here("targets", "check", "--live", str(sites)).exit_code == cli.NO_CONSENT


def test_alive_without_a_network(server: Publisher, tmp_path: Path) -> None:
    sites = tmp_path / "sites.txt"
    sites.write_text("https://example.org/\n")
    done = here("targets", "check", "--live", str(sites))
    assert done.exit_code == cli.NO_NETWORK
    plain = here("targets", "check", "--live", "--helper", "http://x.example/", str(sites))
    assert plain.exit_code == cli.USAGE
