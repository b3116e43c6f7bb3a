"""Delivering to folders: in memory, on a disk, to real WebDAV and SFTP servers; each line is there once."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.worlds import authority, spool
from tests.worlds.commands import here
from tests.worlds.shares import PASSWORD, USER, sftp, webdav

from gatewatch import cli
from gatewatch.store import open_for_resume, read
from gatewatch.store.uid import uid
from gatewatch.upload import config, store
from gatewatch.upload.config import Destination
from gatewatch.upload.deliver import Clock, Result, deliver
from gatewatch.upload.filesystem import missing
from gatewatch.upload.ledger import Ledger
from gatewatch.upload.spool import may_go

pytest.importorskip("fsspec", reason="fsspec is not installed (the extra upload)")

LOGIN = {"username": USER, "password": PASSWORD}


def send(root: Path, destination: Destination, **more: Any) -> Result:
    clock = Clock(lambda: 1e9, lambda: 0.0, lambda seconds: None, random.Random(1))
    return deliver(root, [destination], within=1, clock=clock, **more)[0]


def to(url: str, **more: Any) -> Destination:
    return replace(config.store(url), **more)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def arrived(folder: Path) -> Counter[str]:
    """The uids of all lines in a folder; every file must be named by what is in it."""
    found: Counter[str] = Counter()
    for path in files(folder):
        content = gzip.decompress(path.read_bytes())
        assert path.name == f"{hashlib.sha256(content).hexdigest()}.jsonl.gz"
        assert path.parent.relative_to(folder).parts == ("probe_cc=KH", "date=2026-03-01")
        found.update(map(uid, content.splitlines(keepends=True)))
    return found


def test_the_very_lines_are_there(tmp_path: Path) -> None:
    runs = [spool.run(tmp_path / "runs", 3), spool.run(tmp_path / "runs", 2)]
    there = to(f"file://{tmp_path}/there and 50%25", lab=True)
    result = send(tmp_path / "runs", there)
    assert (result.stored, result.waiting.measurements) == (5, 0)
    folder = tmp_path / "there and 50%"
    assert arrived(folder) == Counter(spool.uids(*runs)) and len(files(folder)) == 2
    lines = sorted(line for path in runs for line in read(path))
    assert sorted(
        b"".join(gzip.decompress(p.read_bytes()) for p in files(folder)).splitlines(True)
    ) == sorted(lines)
    assert all(may_go(path, [there]) for path in runs)
    assert files(folder)[0].stat().st_mode & 0o777 == 0o600
    # The analysis reads such a folder as it is.
    pytest.importorskip("pandas", reason="pandas is not installed (the extra analysis)")
    import gatewatch_analysis as gw

    assert len(gw.load([folder]).measurements) == 5


def test_in_memory_as_an_object_store_would(tmp_path: Path) -> None:
    import fsspec  # type: ignore[import-untyped]

    path = spool.run(tmp_path, 3)
    memory = fsspec.filesystem("memory")
    try:
        assert send(tmp_path, to("memory://bucket/folder", lab=True)).stored == 3
        (name,) = memory.find("/bucket/folder")
        assert [uid(line) for line in gzip.decompress(memory.cat_file(name)).splitlines(True)] == spool.uids(
            path
        )
    finally:
        memory.rm("/bucket", recursive=True)


def test_large_runs_go_in_pieces_that_are_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_MOST_LINES", 4)
    path = spool.run(tmp_path / "runs", 10)
    there, folder = to(f"file://{tmp_path}/there", lab=True), tmp_path / "there"
    placed: list[int] = []

    def told(_destination: Destination, _answer: Any, count: int) -> None:
        placed.append(count)
        if len(placed) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        send(tmp_path / "runs", there, told=told)
    assert arrived(folder) == Counter(spool.uids(path)[:8])
    assert send(tmp_path / "runs", there).stored == 2
    assert arrived(folder) == Counter(spool.uids(path)) and placed == [4, 4]
    monkeypatch.setattr(store, "_MOST_LINES", 1000)
    monkeypatch.setattr(store, "_MOST_BYTES", 700)
    spool.run(tmp_path / "runs", 5)
    assert send(tmp_path / "runs", there).stored == 5 and len(files(folder)) == 3 + 5


class Dying(store.Folder):
    """A folder from which no answer comes, after the file was put there or before."""

    def __init__(self, destination: Destination, after: bool, deaths: int = 1) -> None:
        super().__init__(destination)
        self.after, self.deaths = after, deaths

    def place(self, name: str, content: bytes) -> None:
        if self.after or not self.deaths:
            super().place(name, content)
        if self.deaths:
            self.deaths -= 1
            raise ConnectionResetError("reset")


@pytest.mark.parametrize("after", [True, False])
def test_what_was_begun_is_the_same_file_even_when_the_run_went_on(tmp_path: Path, after: bool) -> None:
    from contextlib import contextmanager

    path = spool.run(tmp_path / "runs", 3, state="interrupted")
    there, folder = to(f"file://{tmp_path}/there", lab=True), tmp_path / "there"

    @contextmanager
    def dying(destination: Destination) -> Iterator[store.Batched]:
        yield store.Batched(destination, Dying(destination, after))

    assert send(tmp_path / "runs", there, opened=dying).health.failures == 2 - 1
    with open_for_resume(path) as run:
        run.append("late", spool.line("late"))
    assert send(tmp_path / "runs", there).waiting.measurements == 0
    # The late line has a file of its own: the first three are not there twice.
    assert arrived(folder) == Counter(spool.uids(path)) and len(files(folder)) == 2


def test_a_file_that_was_begun_of_lines_that_are_lost_is_given_up(tmp_path: Path) -> None:
    path = spool.run(tmp_path / "runs", 3)
    there = to(f"file://{tmp_path}/there", lab=True)
    Ledger.open(path, there.key).note(batch="0" * 64, uids=[spool.uids(path)[0], "lost"])
    assert send(tmp_path / "runs", there).stored == 3
    assert arrived(tmp_path / "there") == Counter(spool.uids(path))


def test_a_damaged_file_is_put_right(tmp_path: Path) -> None:
    path = spool.run(tmp_path / "runs", 3)
    there, folder = to(f"file://{tmp_path}/there", lab=True), tmp_path / "there"
    send(tmp_path / "runs", there)
    whole = files(folder)[0].read_bytes()
    for damage in (whole[:50], b"", b"x" * len(whole), gzip.compress(b"\0" * 10**7)):
        files(folder)[0].write_bytes(damage)
        Ledger.open(path, there.key).path.unlink()
        assert send(tmp_path / "runs", there).stored == 3
        assert arrived(folder) == Counter(spool.uids(path))


# -- real servers


@pytest.fixture(params=["webdav", "webdav with tls", "sftp"])
def share(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A share and the destination that leads to it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "share"
    if request.param == "sftp":
        pytest.importorskip("sshfs", reason="sshfs is not installed (the extra upload)")
        with sftp(folder, tmp_path / ".ssh" / "known_hosts") as there:
            yield there, to(f"sftp://{USER}@127.0.0.1:{there.port}/here", options={"password": PASSWORD})
        return
    for name in ("webdav4", "wsgidav", "cheroot"):
        pytest.importorskip(name, reason=f"{name} is not installed (the extras upload and dev)")
    tls = request.param == "webdav with tls"
    trusted = tmp_path / "ca.pem"
    authority.ca().cert_pem.write_to_path(trusted)
    own = tmp_path / "own.pem"
    authority.ca().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(own)
    with webdav(folder, own if tls else None) as there:
        url = f"webdav+http{'s' if tls else ''}://127.0.0.1:{there.port}/a b/here".replace(" ", "%20")
        yield there, to(url, options=LOGIN, ca=str(trusted) if tls else None)


def where(share: Any) -> Path:
    folder: Path = share[0].folder
    return folder / "a b" / "here" if share[1].url.startswith("webdav") else folder / "here"


def test_a_real_server_gets_each_line_once(share: Any, tmp_path: Path) -> None:
    there, destination = share
    runs = [spool.run(tmp_path / "runs", 3), spool.run(tmp_path / "runs", 2)]
    result = send(tmp_path / "runs", destination)
    assert (result.stored, result.waiting.measurements, result.health.trouble) == (5, 0, "")
    assert arrived(where(share)) == Counter(spool.uids(*runs))
    # Everything that is known of it is lost: it takes its own place.
    for path in runs:
        Ledger.open(path, destination.key).path.unlink()
    assert send(tmp_path / "runs", destination).stored == 5
    assert arrived(where(share)) == Counter(spool.uids(*runs)) and len(files(there.folder)) == 2


def test_a_transfer_that_breaks_leaves_nothing_that_counts(share: Any, tmp_path: Path) -> None:
    there, destination = share
    path = spool.run(tmp_path / "runs", 3)
    there.broken = 1
    result = send(tmp_path / "runs", destination)
    assert (result.stored, result.health.failures) == (0, 1)
    assert PASSWORD not in result.health.trouble and result.health.trouble
    assert [p.name for p in files(there.folder) if p.name.endswith(".jsonl.gz")] == []
    assert not may_go(path, [destination])
    assert send(tmp_path / "runs", destination).stored == 3
    assert arrived(where(share)) == Counter(spool.uids(path))


def test_who_has_no_right_to_write_is_told_so(share: Any, tmp_path: Path) -> None:
    there, destination = share
    spool.run(tmp_path / "runs", 1)
    result = send(
        tmp_path / "runs", replace(destination, options={**destination.options, "password": "wrong word"})
    )
    assert result.stored == 0 and result.health.failures == 1 and files(there.folder) == []
    for word in ("wrong word", "127.0.0.1", str(tmp_path), "here"):
        assert word not in result.health.trouble.replace("There", "")


def test_a_host_key_or_a_certificate_that_is_not_known_is_not_believed(
    share: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, destination = share
    if destination.url.startswith("webdav+http:"):
        pytest.skip("without TLS, to this machine, nothing vouches for the server")
    spool.run(tmp_path / "runs", 1)
    monkeypatch.setenv("HOME", str(tmp_path / "elsewhere"))
    known = tmp_path / "elsewhere" / ".ssh" / "known_hosts"
    unknowing = replace(destination, ca=None)
    result = send(tmp_path / "runs", unknowing)
    assert result.stored == 0 and result.health.failures == 1
    known.parent.mkdir(parents=True)
    known.write_text("")
    assert send(tmp_path / "runs", unknowing).stored == 0 and files(there.folder) == []
    monkeypatch.setenv("HOME", str(tmp_path))
    assert send(tmp_path / "runs", destination).stored == 1


# -- what has to be there


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "s3fs" else name)
    assert missing(to("s3://b/x")) == "store: s3: needs s3fs: pip install s3fs"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert missing(to("sftp://h/x")) == "store: sftp: needs fsspec: pip install 'gatewatch[upload]'"
    # A folder of this machine needs nothing.
    assert missing(to("file:///x")) == "" == missing(config.collector("https://c.example"))
    spool.run(tmp_path, 1)
    done = here("results", "upload", "--root", str(tmp_path), "--store", "webdav+https://h.example/x")
    assert done.exit_code == cli.USAGE and "needs fsspec" in done.stderr


def test_an_address_that_nobody_knows() -> None:
    assert "no kind of address" in missing(to("gopherfs://h/x"))


def test_the_command_with_a_folder(tmp_path: Path) -> None:
    path = spool.run(tmp_path / "runs", 2)
    done = here(
        "results", "upload", "--root", str(tmp_path / "runs"), "--store", f"file://{tmp_path}/there", "--json"
    )
    row = json.loads(done.stdout)["destinations"][0]
    assert (done.exit_code, row["stored"]) == (0, 2)
    assert arrived(tmp_path / "there") == Counter(spool.uids(path))
