"""Configuration, back-off, ledger: what an upload is made of, each by itself."""

from __future__ import annotations

import os
import random
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.worlds import spool

from gatewatch.store.files import StoreFull
from gatewatch.store.uid import uid
from gatewatch.upload import config
from gatewatch.upload.backoff import Backoff, retry_after
from gatewatch.upload.ledger import Ledger, measurements_file
from gatewatch_targets import DataError

# -- configuration


def configured(tmp_path: Path, text: str) -> list[config.Destination]:
    file = tmp_path / "upload.toml"
    file.write_text(text)
    return config.destinations(file)


def test_without_a_file_there_is_nowhere_to_upload_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("APPDATA", str(tmp_path))
    assert config.destinations() == []
    with pytest.raises(FileNotFoundError):
        config.destinations(tmp_path / "nowhere.toml")


def test_destinations(tmp_path: Path) -> None:
    ooni, mine = configured(
        tmp_path,
        """
        [ooni]
        kind = "collector"
        url = "https://collector.example/"
        tests = ["web_connectivity"]
        [mine]
        kind = "store"
        url = "s3://bucket/folder"
        options = { key = "a", client_kwargs = { endpoint_url = "https://s3.example" } }
        """,
    )
    assert (ooni.url, ooni.protocol, ooni.lab) == ("https://collector.example", "submit", False)
    assert ooni.wants("web_connectivity") and not ooni.wants("trace") and mine.wants("trace")
    assert mine.options["client_kwargs"] == {"endpoint_url": "https://s3.example"}
    # A name is a name; the address is what counts.
    assert ooni.key != mine.key and config.collector("https://collector.example").key == ooni.key


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('kind = "collector"\nurl = "http://collector.example"', "x.url: is not an https address"),
        ('kind = "collector"\nurl = "https://me:secret@c.example"', "holds a password"),
        ('kind = "collector"\nurl = "https://[::1"', "x.url"),
        ('kind = "post"\nurl = "https://c.example"', "not one of collector, store"),
        ('kind = "collector"\nurl = "https://c.example"\nverify = false', "x.verify: is not read here"),
        ('kind = "collector"\nurl = "https://c.example"\nlab = true', "to this machine only"),
        (
            'kind = "collector"\nurl = "https://c.example"\ntests = ["web_connectivity/../x"]',
            "no name of a test",
        ),
        ('kind = "store"\nurl = "ftp://host/folder"', "not encrypted"),
        ('kind = "store"\nurl = "webdav+http://host/folder"', "not encrypted"),
        ('kind = "store"\nurl = "folder"', "is no address"),
        (
            'kind = "store"\nurl = "s3://b"\noptions = { client_kwargs = { verify = false } }',
            "x.options.client_kwargs.verify: turns",
        ),
        ('kind = "store"\nurl = "s3://b"\noptions = { use_ssl = false }', "turns the check"),
        ('kind = "store"\nurl = "sftp://h/x"\noptions = { known_hosts = "" }', "host keys are those"),
        ('kind = "store"\nurl = "s3://b"\noptions = { endpoint_url = "http://s3.example" }', "not an https"),
    ],
)
def test_what_would_be_unsafe_is_refused_with_its_place(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(DataError) as error:
        configured(tmp_path, f"[x]\n{text}\n")
    assert why in " ".join(str(error.value).split()), str(error.value)


def test_this_machine_may_be_reached_without_tls(tmp_path: Path) -> None:
    for url in ("http://127.0.0.1:8000", "http://localhost", "http://[::1]:1"):
        assert configured(tmp_path, f'[x]\nkind = "collector"\nurl = "{url}"\nlab = true\n')[0].lab
    for url in ("webdav+http://localhost:8/x", "file:///tmp/x", "memory://x"):
        assert configured(tmp_path, f'[x]\nkind = "store"\nurl = "{url}"\nlab = true\n')[0].lab


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_file_with_keys_that_others_may_read_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "upload.toml"
    file.touch(mode=0o600)
    assert not config.readable_by_others(file)
    file.chmod(0o640)
    assert config.readable_by_others(file)


# -- back-off


def test_waits_grow_to_six_hours_and_are_never_the_same(tmp_path: Path) -> None:
    chance = random.Random(1)
    health, now, waits = Backoff(), 1e9, []
    for _ in range(40):
        health = health.failed(now, "down", None, chance)
        waits.append(health.wait(now))
        now += health.wait(now)
        assert health.wait(now) == 0
    assert 15 <= waits[0] <= 30 and 30 <= waits[1] <= 60 and 60 <= waits[2] <= 120
    assert all(3 * 3600 <= wait <= 6 * 3600 for wait in waits[12:]) and len(set(waits)) == 40
    assert health.failures == 40 and health.stored(now).wait(now) == 0 and health.stored(now).failures == 0
    # A month of that is some two hundred requests.
    assert 100 < 30 * 86400 / (sum(waits[12:]) / len(waits[12:])) < 240


def test_a_server_that_asks_is_never_asked_earlier() -> None:
    chance = random.Random(2)
    waits = [Backoff().failed(0, "busy", 3600, chance).wait(0) for _ in range(50)]
    assert all(3600 <= wait <= 3960 for wait in waits) and len(set(waits)) == 50
    # Nor is it believed that a year is meant.
    assert Backoff().failed(0, "busy", 1e9, chance).wait(0) <= 1.1 * 86400


def test_a_clock_that_was_set_back_does_not_silence_for_years() -> None:
    health = Backoff().failed(2e9, "down", None, random.Random(3))
    assert health.wait(2e9) > 0 and health.wait(1e9) == 0


def test_health_survives_and_damage_is_health(tmp_path: Path) -> None:
    file = tmp_path / "a" / "x.json"
    assert Backoff.read(file) == Backoff()
    ill = Backoff().failed(1e9, "no ស", 7.0, random.Random(4))
    ill.write(file)
    assert Backoff.read(file) == ill
    for damage in ("", "{", "[]", '{"failures": 3}'):
        file.write_text(damage)
        assert Backoff.read(file) == Backoff()


def test_retry_after() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    stamp = now.timestamp()
    assert retry_after("120", stamp) == 120
    assert retry_after(format_datetime(now + timedelta(hours=1), usegmt=True), stamp) == 3600
    assert retry_after(format_datetime(now - timedelta(hours=1), usegmt=True), stamp) == 0
    assert [retry_after(text, stamp) for text in (None, "", "soon", "-5", "1.5", "٣")] == [None] * 6
    assert retry_after("9" * 6000, stamp) == 86400


@settings(deadline=None, database=None)
@given(st.text(max_size=40))
def test_retry_after_never_raises(text: str) -> None:
    found = retry_after(text, 1e9)
    assert found is None or found >= 0


# -- the name of a measurement


def test_a_uid_is_the_lines_own(tmp_path: Path) -> None:
    path = spool.run(tmp_path, 40)
    first = spool.uids(path)
    assert len(set(first)) == 40 and all(len(name) == 32 for name in first)
    # Plain or packed, with its line break or cut off before it.
    assert uid(spool.line("web-3", run=path.name)) == uid(spool.line("web-3", run=path.name)[:-1]) == first[3]


# -- the ledger


def test_a_ledger_remembers(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path, "k")
    ledger.note(sent="a", flush=False)
    ledger.note(stored="a", id="1")
    ledger.note(sent="b", flush=False)
    ledger.note(refused="c", why="bad")
    ledger.note(report="common", id="r1")
    ledger.note(batch="o1", uids=["d", "e"])
    for seen in (ledger, Ledger.open(tmp_path, "k")):
        assert (seen.stored, seen.doubtful, seen.refused) == ({"a"}, {"b"}, {"c": "bad"})
        assert seen.reports == {"common": "r1"} and seen.batches == {"o1": ("d", "e")}
        assert [seen.settled(name) for name in "abcd"] == [True, False, True, False]
    ledger.note(placed="o1")
    ledger.note(again=True)
    ledger.note(whole=["x", 1, 2])
    seen = Ledger.open(tmp_path, "k")
    assert seen.stored == {"a", "d", "e"} and seen.refused == {} and seen.whole == ["x", 1, 2]
    assert Ledger.open(tmp_path, "other").stored == set()


def test_a_ledger_that_was_cut_anywhere_believes_no_more_than_was_written(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path, "k")
    for name in "abcdef":
        ledger.note(stored=name, id=name)
    raw = ledger.path.read_bytes()
    ends = [i + 1 for i, byte in enumerate(raw) if byte == 10]
    for cut in range(len(raw) + 1):
        ledger.path.write_bytes(raw[:cut])
        whole = sum(end <= cut for end in ends)
        assert Ledger.open(tmp_path, "k").stored == set("abcdef"[:whole])
        # And it goes on: the half line does not swallow the next one.
        Ledger.open(tmp_path, "k").note(stored="z", id="")
        assert Ledger.open(tmp_path, "k").stored == {*"abcdef"[:whole], "z"}


def test_damage_in_the_middle_costs_the_damaged_line(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path, "k")
    for name in "abc":
        ledger.note(stored=name, id="")
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    for damage in (
        b"\0" * 4096 + b"\n",
        b'{"stored":5}\n',
        b"[]\n",
        b'{"batch":"x"}\n',
        b"\xff\n",
        b"{" * 99999 + b"\n",
    ):
        ledger.path.write_bytes(lines[0] + damage + lines[2])
        assert Ledger.open(tmp_path, "k").stored == {"a", "c"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limits on files")
def test_a_full_disk_leaves_a_ledger_whole(tmp_path: Path) -> None:
    import resource

    ledger = Ledger.open(tmp_path, "k")
    ledger.note(stored="a", id="")
    before = ledger.path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, hard))
    try:
        with pytest.raises(StoreFull):
            ledger.note(stored="b", id="")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert ledger.path.read_bytes() == before and ledger.stored == {"a"}


def test_a_run_that_goes_on_is_another_file(tmp_path: Path) -> None:
    path = spool.run(tmp_path, 2)
    packed = measurements_file(path)
    assert packed and packed[0] == "measurements.jsonl.gz" and measurements_file(tmp_path) is None
    later = (path / "measurements.jsonl.gz").stat().st_mtime_ns + 1
    os.utime(path / "measurements.jsonl.gz", ns=(later, later))
    assert measurements_file(path) != packed
