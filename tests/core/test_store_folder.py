from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from gatewatch.store import (
    AlreadyMeasured,
    NotARun,
    RunFolder,
    create,
    label,
    list_runs,
    open_for_resume,
    read,
)

PLAN = {"version": 1, "probes": ["web"], "items": [{"id": f"web-{n:04}", "probe": "web"} for n in range(6)]}


def line(n: int, verdict: str = "ok", **more: Any) -> bytes:
    record = {"input": f"https://site{n}.example/", "x_gatewatch_item": f"web-{n:04}"}
    record |= more | {"x_gatewatch_verdict": {"label": verdict}}
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def started(root: Path, count: int = 3) -> RunFolder:
    folder = create(root, PLAN, {"vantage": {"country": "KH"}})
    for n in range(count):
        folder.append(f"web-{n:04}", line(n))
    return folder


def left(folder: RunFolder) -> list[str]:
    """The items of its plan that have no measurement yet."""
    return [item["id"] for item in folder.plan["items"] if not folder.has(item["id"])]


def killed(folder: RunFolder) -> Path:
    """Leave the folder as a killed process does: nothing closed, nothing updated."""
    import os

    os.close(folder._fd)
    folder._fd = -1
    return folder.path


def test_a_whole_run(tmp_path: Path) -> None:
    folder = started(tmp_path / "runs")
    assert json.loads((folder.path / "plan.json").read_text()) == PLAN
    assert json.loads((folder.path / "run.json").read_text())["state"] == "running"
    assert (folder.path.stat().st_mode & 0o777, (folder.path / "plan.json").stat().st_mode & 0o777) == (
        0o700,
        0o600,
    )
    assert left(folder) == ["web-0003", "web-0004", "web-0005"]
    folder.append("web-0003", line(3, "blocked(dns.bogon)"))
    folder.update(clock_offset_s=0.25)
    folder.close("done")
    folder.close("done")
    assert sorted(p.name for p in folder.path.iterdir()) == ["measurements.jsonl.gz", "plan.json", "run.json"]
    assert list(read(folder.path)) == [line(0), line(1), line(2), line(3, "blocked(dns.bogon)")]
    about = json.loads((folder.path / "run.json").read_text())
    assert (about["state"], about["measured"], about["clock_offset_s"]) == ("done", 4, 0.25)
    assert about["verdicts"] == {"ok": 3, "blocked(dns.bogon)": 1}
    assert about["ended"] >= about["started"]


def test_what_append_refuses(tmp_path: Path) -> None:
    folder = started(tmp_path, 1)
    with pytest.raises(AlreadyMeasured, match="web-0000"):
        folder.append("web-0000", line(0))
    for bad in (b"", b"\n", line(1)[:-1], line(1) + line(1), line(2)):
        with pytest.raises(ValueError, match=r"not one line|does not name"):
            folder.append("web-0001", bad)
    folder.append("web-0001", line(1))
    assert list(read(folder.path)) == [line(0), line(1)]
    folder.close("done")


def test_flushes_by_lines_and_by_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    plan: dict[str, Any] = {"items": []}
    folder = create(tmp_path, plan, {}, clock=lambda: now[0])
    flushed: list[int] = []
    monkeypatch.setattr("gatewatch.store.folder.os.fsync", lambda fd: flushed.append(folder.measured))
    for n in range(120):
        folder.append(f"web-{n:04}", line(n))
    assert flushed == [50, 100]
    now[0] = 1.5
    folder.append("web-0120", line(120))
    assert flushed == [50, 100, 121]
    monkeypatch.undo()
    folder.close("done")


@pytest.mark.parametrize(
    "damage", [line(3)[:-1], line(3)[:20], b"{", b"\0" * 5000, b'["no object"]\n', b"\xff\xfe\n"]
)
def test_resume_cuts_a_damaged_end(tmp_path: Path, damage: bytes) -> None:
    path = killed(started(tmp_path))
    with (path / "measurements.jsonl").open("ab") as file:
        file.write(damage)
    folder = open_for_resume(path)
    assert folder.measured == 3 and left(folder) == ["web-0003", "web-0004", "web-0005"]
    assert (path / "damaged.txt").read_bytes() == damage.rstrip(b"\n") + b"\n"
    folder.append("web-0003", line(3))
    folder.close("done")
    assert list(read(path)) == [line(0), line(1), line(2), line(3)]
    assert len(folder.about["resumed"]) == 1


def test_resume_takes_damage_out_of_the_middle(tmp_path: Path) -> None:
    path = killed(started(tmp_path, 1))
    with (path / "measurements.jsonl").open("ab") as file:
        file.write(b"\0" * 100 + b"\n" + line(1) + b'{"cut' + b"\n" + line(2) + b"tail")
    with open_for_resume(path) as folder:
        assert folder.measured == 3 and left(folder) == ["web-0003", "web-0004", "web-0005"]
        assert (path / "measurements.jsonl").read_bytes() == line(0) + line(1) + line(2)
        assert (path / "damaged.txt").read_bytes() == b"\0" * 100 + b'\n{"cut\ntail\n'
    assert json.loads((path / "run.json").read_text())["state"] == "interrupted"


def test_resume_of_a_closed_run_unpacks_it(tmp_path: Path) -> None:
    folder = started(tmp_path)
    folder.close("interrupted")
    with open_for_resume(folder.path) as again:
        assert not (folder.path / "measurements.jsonl.gz").exists()
        assert left(again) == ["web-0003", "web-0004", "web-0005"]
        again.append("web-0003", line(3))
    assert again.about["verdicts"] == {"ok": 4}
    assert len(list(read(folder.path))) == 4


def test_a_half_made_archive_is_discarded(tmp_path: Path) -> None:
    path = killed(started(tmp_path))
    (path / "measurements.jsonl.gz").write_bytes(gzip.compress(line(0))[:10])
    (path / ".measurements.jsonl.gz.0123.part").write_bytes(b"half")
    with open_for_resume(path) as folder:
        assert folder.measured == 3
        assert sorted(p.name for p in path.iterdir()) == ["measurements.jsonl", "plan.json", "run.json"]


def test_resume_without_run_json_and_without_measurements(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(json.dumps(PLAN | {"created": "2024-01-02 03:04:05"}))
    with open_for_resume(tmp_path) as folder:
        assert (folder.about["started"], len(left(folder))) == ("2024-01-02 03:04:05", 6)


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(NotARun):
        open_for_resume(tmp_path)
    (tmp_path / "plan.json").write_text("[]")
    with pytest.raises(NotARun):
        open_for_resume(tmp_path)


def test_read_of_files(tmp_path: Path) -> None:
    data = line(0) + line(1)
    plain, packed = tmp_path / "a.jsonl", tmp_path / "a.jsonl.gz"
    said: list[str] = []
    plain.write_bytes(data + line(2)[:-1])
    assert list(read(plain, said.append)) == [line(0), line(1), line(2)]
    plain.write_bytes(data + line(2)[:-5])
    packed.write_bytes(gzip.compress(data + line(2))[:-12])
    assert list(read(plain, said.append)) == [line(0), line(1)]
    assert said == ["line 3 is cut off and was left out"]
    assert list(read(packed))[:2] == [line(0), line(1)]
    with pytest.raises(FileNotFoundError):
        list(read(tmp_path))


def test_read_bounds_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewatch.store.lines.LONGEST", 200_000)
    said: list[str] = []
    long = line(1, body="x" * 300_000)
    (tmp_path / "a.jsonl").write_bytes(line(0) + long + line(2) + long[:-1])
    assert list(read(tmp_path / "a.jsonl", said.append)) == [line(0), line(2)]
    assert said == [
        "line 2 is longer than 200000 bytes and was left out",
        "line 4 is cut off and was left out",
    ]


def test_label_is_read_from_the_verdict_alone() -> None:
    fake = '"x_gatewatch_verdict":{"label":"ok"}'
    assert label(line(0, "down", body=fake)) == "down"
    assert label(json.dumps({"body": fake}, separators=(",", ":")).encode()) == "no verdict"
    assert label(b'{"x_gatewatch_verdict":{"lab') == "no verdict"


def test_list_runs(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "none") == []
    first = started(tmp_path)
    first.close("done")
    # A folder's name begins with its time; this one sorts last, so it is the newest.
    path = killed(started(tmp_path, 2)).rename(tmp_path / "99990101T000000Z-000000")
    (tmp_path / "no-run").mkdir()
    newest, oldest = list_runs(tmp_path)
    assert (newest.path, newest.state, newest.measured, newest.planned) == (path, "killed", 2, 6)
    assert (oldest.id, oldest.state, oldest.verdicts, oldest.vantage) == (
        first.id,
        "done",
        {"ok": 3},
        {"country": "KH"},
    )
    assert oldest.probes == ("web",)
