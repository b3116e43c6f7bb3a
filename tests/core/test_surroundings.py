"""Whoever can write where gatewatch works has no part in it: modules that lie there are not imported."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from benchmarks.gateway import worlds
from benchmarks.machine import group

from gatewatch.cli.schedule import _with
from gatewatch.lab import kernel
from gatewatch.schedule.job import Job
from gatewatch.store import NotARun, create, lock, open_for_resume
from gatewatch.unattended.log import LOG, Log

LINKS = pytest.mark.skipif(sys.platform == "win32", reason="making a link is a privilege there")

# What every command of ours imports, from Python itself and from others.
TRAPS = ("json", "pickle", "argparse", "click", "struct", "gatewatch")


@pytest.fixture
def trapped(tmp_path: Path) -> Path:
    for name in TRAPS:
        (tmp_path / f"{name}.py").write_text("open('sprung', 'w').close()\nraise SystemExit(99)\n")
    return tmp_path


def code(command: Sequence[str], folder: Path) -> int:
    return subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=False).returncode


def test_the_trap_works(trapped: Path) -> None:
    assert code([sys.executable, "-m", "gatewatch", "--version"], trapped) == 99


def test_a_scheduled_run_imports_nothing_from_its_folder(trapped: Path) -> None:
    job = Job("gatewatch", "gatewatch", (), trapped, (trapped,), "6h", 3, 17)
    assert code(_with(job, "--version").argv, trapped) == 0
    assert not (trapped / "sprung").exists()


def test_a_lab_imports_nothing_from_where_it_is_started(trapped: Path) -> None:
    # 2: there is no such scenario; it was looked for.
    assert code(kernel.argv("nowhere", "nobody", ["true"]), trapped) == 2
    assert not (trapped / "sprung").exists()


def linked(folder: Path, name: str) -> Path:
    """Put a link where a file of ours is expected, to one of the same user's."""
    precious = folder.parent / "precious"
    precious.write_bytes(b"mine\n")
    (folder / name).symlink_to(precious)
    return precious


@LINKS
def test_a_link_in_a_results_folder_leads_to_no_other_file(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    root.mkdir()
    precious = linked(root, LOG)
    (root / ".lock").symlink_to(tmp_path / "made")
    Log(root).say("began")
    with pytest.raises(OSError, match="symbolic links"), lock(root):
        pass
    assert precious.read_bytes() == b"mine\n" and not (tmp_path / "made").exists()


@LINKS
@pytest.mark.parametrize("name", ["measurements.jsonl", "measurements.jsonl.gz", "damaged.txt"])
def test_resuming_a_strangers_run_makes_no_other_file_whole(tmp_path: Path, name: str) -> None:
    run = create(tmp_path / "runs", {"items": [{"id": "a"}]}, {}).path
    (run / "measurements.jsonl").write_bytes(b"half a line")
    (run / name).unlink(missing_ok=True)
    precious = linked(run, name)
    with pytest.raises(NotARun, match="is a link"):
        open_for_resume(run)
    assert (run.parent / "precious").read_bytes() == b"mine\n" == precious.read_bytes()


@pytest.mark.parametrize(("given", "made"), [("cpu pids", False), ("cpu memory pids", True)])
def test_a_group_is_made_only_where_groups_have_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, made: bool
) -> None:
    """What the owner of the tree (systemd) has chosen for it stays as it is."""
    control = tmp_path / "cgroup.subtree_control"
    control.write_text(given)
    monkeypatch.setattr(group, "_MOUNTED", tmp_path)
    monkeypatch.setattr(group, "_V1", tmp_path / "memory")
    assert (group.why_not() == "") is made
    assert control.read_text() == given and [path.name for path in tmp_path.iterdir()] == [control.name]


@LINKS
def test_pickles_of_a_benchmark_are_this_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    worlds._folder.cache_clear()
    folder = worlds._folder()
    folder.chmod(0o777)
    worlds._folder.cache_clear()
    with pytest.raises(PermissionError):
        worlds._folder()
    folder.rmdir()
    folder.symlink_to("/")
    with pytest.raises(PermissionError):
        worlds._folder()
    worlds._folder.cache_clear()
