"""Where lines come from: files, folders, patterns, archives, stores by URL, and ranges of a big file."""

from __future__ import annotations

import gc
import gzip
import io
import json
import tarfile
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import fsspec  # type: ignore[import-untyped]
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analysis.runs import write_lines, write_run

from gatewatch_analysis.loading import blocks as room
from gatewatch_analysis.loading.blocks import Piece, blocks, pieces
from gatewatch_analysis.loading.sources import Source, find
from gatewatch_analysis.loading.stores import NoDataset

LINES = [b'{"n": %d}\n' % n for n in range(5)]
Told = list[tuple[str, int, str]]


def found(*paths: str | Path) -> tuple[list[Source], Told]:
    told: Told = []
    return find(paths, lambda file, line, reason: told.append((file, line, reason))), told


def read(
    source: Source, start: int = 0, stop: int | None = None
) -> tuple[list[tuple[str, int, bytes]], Told]:
    told: Told = []
    given = [
        (block.file, number, line)
        for block in blocks(Piece(source, start, stop), lambda *what: told.append(what))
        for number, line in block.lines()
    ]
    return given, told


def numbers(source: Source) -> list[int]:
    return [json.loads(line)["n"] for _, _, line in read(source)[0]]


def tar(file: Path, members: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(file, mode) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file


@pytest.fixture
def memory() -> Iterator[str]:
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield "memory://"
    system.store.clear()


def test_each_way_to_pack_lines_gives_the_same(tmp_path: Path) -> None:
    data = b"".join(LINES)
    (tmp_path / "a.jsonl").write_bytes(data)
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(data[:20]) + gzip.compress(data[20:]) + b"\0" * 9)
    (tmp_path / "c.jsonl.zst").write_bytes(pa.compress(data, "zstd", asbytes=True))
    tar(tmp_path / "d.tar", {"x/y.jsonl": data[:18], "z.jsonl.gz": gzip.compress(data[18:])})
    tar(tmp_path / "e.tar.gz", {"y.jsonl": data}, "w:gz")
    sources, told = found(tmp_path)
    assert [source.run for source in sources] == ["a", "b", "c", "d", "e"]
    assert [numbers(source) for source in sources] == [[0, 1, 2, 3, 4]] * 5
    assert told == []
    assert {file for file, *_ in read(sources[3])[0]} == {
        f"{tmp_path}/d.tar:x/y.jsonl",
        f"{tmp_path}/d.tar:z.jsonl.gz",
    }


def test_a_folder_gives_runs_and_loose_files_in_the_order_of_names(tmp_path: Path) -> None:
    run = write_run(tmp_path / "b" / "run", [])
    write_lines(run / "more" / "inside.jsonl", [])
    write_lines(tmp_path / "a.jsonl", [])
    write_lines(tmp_path / "c" / "d.json", [])
    write_lines(tmp_path / "c" / "e.txt", [])
    sources, told = found(tmp_path)
    assert [source.run for source in sources] == ["a", "run", "d"]
    assert [source.isp for source in sources] == [None, "Metfone", None]
    assert told == []


def test_what_lies_beside_runs_is_no_data(tmp_path: Path) -> None:
    write_run(tmp_path / "run", [])
    write_run(tmp_path / ".deleting" / "gone", [])
    (tmp_path / "status.json").write_text('{"version": 1, "state": "ended"}')
    (tmp_path / "unattended.log").write_text('{"event": "end"}\n')
    # Somebody's file of that name elsewhere is one as any other.
    write_lines(tmp_path / "more" / "status.json", [])
    sources, told = found(tmp_path)
    assert [source.run for source in sources] == ["status", "run"] and told == []
    assert [source.run for source in found(tmp_path / ".deleting")[0]] == ["gone"]


def test_patterns(tmp_path: Path) -> None:
    for name in ("kh-1.jsonl", "kh-2.jsonl", "th-1.jsonl", "kh.txt"):
        write_lines(tmp_path / "x" / name, [])
    assert [source.run for source in found(f"{tmp_path}/**/kh*")[0]] == ["kh-1", "kh-2"]
    with pytest.raises(NoDataset, match="matches nothing"):
        found(f"{tmp_path}/my-*.jsonl")


def test_an_hour_that_lies_there_twice_is_read_once(tmp_path: Path) -> None:
    write_lines(tmp_path / "2024_KH.n0.0.jsonl.gz", LINES)
    tar(tmp_path / "2024_KH.n0.0.tar.gz", {}, "w:gz")
    sources, told = found(tmp_path)
    assert [source.run for source in sources] == ["2024_KH.n0.0"]
    assert [reason for _, _, reason in told] == ["is not read: the same stands beside it as lines"]


def test_what_probes_sent_is_taken_out_of_its_cover(tmp_path: Path) -> None:
    sent = [
        {"format": "json", "content": {"n": 1}},
        {"format": "json", "content": '{"n": 2}'},
        [],
    ]
    members = {f"{i}.post": json.dumps(post).encode() for i, post in enumerate(sent)}
    [source], _ = found(tar(tmp_path / "x.tar", {**members, "readme.txt": b""}))
    given, told = read(source)
    assert [line for *_, line in given] == [b'{"n": 1}', b'{"n": 2}', b"[]"]
    assert told == [(f"{tmp_path}/x.tar", 0, "1 members of other kinds are not read")]


def test_a_single_measurement_is_one_text_and_lines_are_lines_whatever_their_file_is_called(
    tmp_path: Path,
) -> None:
    (tmp_path / "one.json").write_text('{\n "n": 0\n}\n')
    (tmp_path / "many.json").write_bytes(b"\n" + b"".join(LINES))
    many, one = found(tmp_path)[0]
    assert numbers(one) == [0]
    assert numbers(many) == [0, 1, 2, 3, 4]


def test_stores_by_url(memory: str) -> None:
    system = fsspec.filesystem("memory")
    system.pipe_file("/b/r/measurements.jsonl", b"".join(LINES))
    system.pipe_file("/b/r/run.json", b'{"vantage": {"isp": "Smart"}, "lab": null}')
    system.pipe_file("/b/r/prefixes.csv", b"")
    system.pipe_file("/b/x.jsonl.gz", gzip.compress(LINES[4]))
    sources, told = found(f"{memory}b")
    assert [(s.name, s.run, s.isp, s.alone) for s in sources] == [
        ("memory:///b/r/measurements.jsonl", "r", "Smart", True),
        ("memory:///b/x.jsonl.gz", "x", None, True),
    ]
    assert [numbers(source) for source in sources] == [[0, 1, 2, 3, 4], [4]]
    assert [reason for *_, reason in told] == ["is not read from here: give a local copy as prefix table"]
    assert [s.run for s in found(f"{memory}b/*.gz")[0]] == ["x"]
    with pytest.raises(NoDataset, match="does not exist"):
        found(f"{memory}c")


def test_a_store_whose_package_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(NoDataset, match=r"pip install 'fsspec\[s3\]'"):
        found("s3://bucket/x.jsonl")
    with pytest.raises(NoDataset, match="nonsense"):
        found("nonsense://x")


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_ranges_of_a_file_give_each_line_once(tmp_path: Path, end: bytes) -> None:
    file = tmp_path / "x.jsonl"
    data = b"first\n\n" + b"x" * 30 + b"\nshort\n\n\nlast" + end
    file.write_bytes(data)
    source = Source(str(file), "x", size=len(data))
    whole = [line for *_, line in read(source)[0]]
    assert whole == [b"first", b"x" * 30, b"short", b"last"]
    for size in range(1, len(data) + 2):
        cut = pieces([source], size)
        assert [line for p in cut for *_, line in read(source, p.start, p.stop)[0]] == whole
        # So that lines can be numbered through: each piece counts those that begin in it.
        counts = [sum(block.count for block in blocks(p, lambda *_: None)) for p in cut]
        assert sum(counts) == data.count(b"\n") + (not end)


@given(
    lines=st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"")), max_size=12),
    block=st.integers(1, 60),
    longest=st.integers(5, 60),
)
def test_blocks_hold_all_lines_that_are_not_too_long(lines: list[bytes], block: int, longest: int) -> None:
    data = b"\n".join(lines)
    told: Told = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "BLOCK", block)
        patch.setattr(room, "MAX_LINE", longest)
        at = room._At()
        given_blocks = list(room._lines(io.BytesIO(data), "f", lambda *what: told.append(what), at))
    given_lines = [pair for b in given_blocks for pair in b.lines()]
    ended = [line + b"\n" for line in lines[:-1]] + lines[-1:]
    numbered = list(enumerate(ended, 1))
    assert given_lines == [
        (n, line.removesuffix(b"\n"))
        for n, line in numbered
        if line and not line.isspace() and len(line) <= longest
    ]
    assert told == [("f", n, f"more than {longest} bytes") for n, line in numbered if len(line) > longest]


def test_a_bomb_costs_a_block_at_a_time(tmp_path: Path) -> None:
    import tracemalloc

    file = tmp_path / "bomb.jsonl.gz"
    with gzip.open(file, "wb", compresslevel=9) as stream:
        for _ in range(200):
            stream.write(b"\0" * 2**20)
    assert file.stat().st_size < 2**18
    tracemalloc.start()
    _, told = read(Source(str(file), "bomb"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert told == [(str(file), 1, f"more than {room.MAX_LINE} bytes")]
    assert peak < 3 * room.MAX_LINE


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.jsonl.gz", gzip.compress(b"".join(LINES))[:-4]),
        ("x.jsonl.gz", b"no gzip at all"),
        ("x.jsonl.zst", b"no zstd at all"),
        ("x.tar", b"no tar at all" * 100),
        ("x.tar.gz", gzip.compress(b"\0" * 100)[:20]),
    ],
)
def test_damaged_files_are_told(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    [source], _ = found(tmp_path / name)
    given, told = read(source)
    assert len(told) == 1 and told[0][2].startswith("reading ends here: ")
    # All that was whole before the damage is there.
    assert len(given) == (5 if "cut" in told[0][2] and name.endswith("jsonl.gz") else 0)


def test_damaged_files_one_after_another_leave_nothing_in_memory(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl.zst"
    packed = bytearray(pa.compress(b"".join(LINES) * 40, codec="zstd", asbytes=True))
    packed[-20] ^= 0xFF
    file.write_bytes(packed)

    [source], _ = found(file)

    def again(times: int) -> None:
        for _ in range(times):
            assert "reading ends here" in read(source)[1][0][2]

    again(3)
    tracemalloc.start()
    try:
        again(40)
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # A block's room for each would be ten times that.
    assert held < 4 * room.BLOCK


def odd_tar(kind: bytes, size: int, rest: bytes) -> bytes:
    """A tar archive of one header that claims so many bytes, in the base-256 that GNU has for large ones."""
    header = bytearray(tarfile.TarInfo("a.jsonl").tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\x80" + size.to_bytes(11, "big")
    header[156:157] = kind
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + rest


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.CONTTYPE, b"Z"])
@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz"])
def test_a_member_that_claims_more_than_there_is_ends_the_archive(
    tmp_path: Path, kind: bytes, name: str
) -> None:
    """Found by fuzzing: an archive of 376 bytes that took seconds, and could have taken years."""
    data = odd_tar(kind, 2**80, bytes(512))
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    began, told = time.process_time(), list[str]()
    for source in find([tmp_path / name], lambda *_: None):
        list(blocks(Piece(source), lambda file, line, reason: told.append(reason)))
    assert time.process_time() - began < 1
    assert told and all(reason.startswith("reading ends here: ") for reason in told)


@pytest.mark.parametrize(
    "kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE]
)
def test_a_name_without_end_takes_up_no_memory(tmp_path: Path, kind: bytes) -> None:
    size = 256 * 2**20
    with gzip.open(tmp_path / "x.tar.gz", "wb") as out:
        out.write(odd_tar(kind, size, b""))
        for _ in range(256):
            out.write(bytes(2**20))
    told: list[str] = []
    tracemalloc.start()
    try:
        for source in find([tmp_path / "x.tar.gz"], lambda *_: None):
            list(blocks(Piece(source), lambda file, line, reason: told.append(reason)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16 * 2**20
    assert len(told) == 1 and told[0].startswith("reading ends here: ReadError")
