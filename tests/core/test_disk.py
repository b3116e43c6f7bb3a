"""Disks that are really full or read-only, homes that are not there: what is said, and what is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.faults import stages
from benchmarks.faults.deleting import Delete
from benchmarks.faults.making import Export
from benchmarks.faults.preparing import Agree, Timers
from benchmarks.faults.room import Filled
from benchmarks.faults.stage import Stage
from benchmarks.ooni_mix import lines
from tests.worlds import disk, spool
from tests.worlds.commands import gatewatch
from tests.worlds.mortal import Mortals

from gatewatch import cli
from gatewatch.consent import VERSION
from gatewatch.store import read

if sys.platform == "win32":
    pytest.skip("needs POSIX", allow_module_level=True)

# Without a network: nothing here may send anything.
_INSIDE = ("unshare", "--user", "--map-root-user", "--mount", "--net")
RUN = ("run", "--lab", "small:clear", "--attach", "memory", "--traces", "0", "--quiet", "--json")


def forbidden(*words: str) -> str:
    """Say why there can be no such namespace; empty where there can."""
    try:
        tried = subprocess.run([*words, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return f"there is no {words[0]} here"
    return f"this system forbids it: {tried.stderr.strip()}" if tried.returncode else ""


def on_a_disk(place: Path, size: str, *script: str) -> list[subprocess.CompletedProcess[str]]:
    """Run shell commands, one after another, where ``place`` is a disk of its own; $G is gatewatch."""
    if why := forbidden(*_INSIDE):
        pytest.skip(why)
    place.mkdir(exist_ok=True)
    told = place.with_name("told")
    lines = [f"mount -t tmpfs -o size={size} tmpfs {place}"]
    for number, text in enumerate(script):
        lines.append(f"({text}) >{told}.{number}.out 2>{told}.{number}.err; echo $? >{told}.{number}.code")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "G": f"{sys.executable} -m gatewatch",
        "HOME": str(place / "home"),
    }
    for name in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "GATEWATCH_RESULTS"):
        environment.pop(name, None)
    subprocess.run(
        [*_INSIDE, "sh", "-c", "\n".join(lines)], env=environment, check=True, stdin=subprocess.DEVNULL
    )
    return [
        subprocess.CompletedProcess(
            text,
            int(Path(f"{told}.{number}.code").read_text()),
            Path(f"{told}.{number}.out").read_text(),
            Path(f"{told}.{number}.err").read_text(),
        )
        for number, text in enumerate(script)
    ]


@pytest.fixture(scope="module")
def mortals() -> Iterator[Mortals]:
    with Mortals() as host:
        yield host


# -- full


@pytest.mark.skipif(bool(disk.missing()), reason=disk.missing() or "-")
@pytest.mark.parametrize(
    "stage", [Agree(), Delete(True, 1), Delete(False, 1), Export(), Timers()], ids=lambda stage: stage.name
)
def test_no_room_from_any_step_on(mortals: Mortals, stage: Stage) -> None:
    """The command says so and ends with 1, or does without; then it goes on."""
    filled = Filled(stage, mortals, 1)
    filled.go(12)
    assert not filled.found.said
    assert filled.deaths >= 2


@pytest.mark.skipif(bool(disk.missing()), reason=disk.missing() or "-")
@pytest.mark.parametrize("name", ["run", "unattended", "upload (store)"])
def test_no_room_from_some_steps_on(mortals: Mortals, name: str) -> None:
    filled = Filled(next(stage for stage in stages() if stage.name == name), mortals, 1)
    filled.go(3)
    assert not filled.found.said and filled.deaths == 3


def test_a_run_that_fills_a_disk_goes_on_when_there_is_room(tmp_path: Path) -> None:
    targets = tmp_path / "targets.txt"
    targets.write_text("\n".join(f"site-{number}.disk-test.net" for number in range(40)))
    place = tmp_path / "disk"
    begin, resume, _ = on_a_disk(
        place,
        "2000k",
        f"head -c 1750000 /dev/zero > {place}/ballast; $G {' '.join(RUN)} --root {place} --targets {targets}",
        f"rm {place}/ballast; $G {' '.join(RUN)} --root {place} --resume {place}/2*",
        f"cp -r {place}/2* {tmp_path}/kept",
    )
    assert (begin.returncode, json.loads(begin.stdout)["state"]) == (cli.PARTIAL, "full"), begin.stderr
    assert ("No space left on device" in begin.stderr) or ("no room" in begin.stderr)
    assert "Traceback" not in begin.stderr
    assert 0 < json.loads(begin.stdout)["measured"] < 40
    assert (resume.returncode, json.loads(resume.stdout)["measured"]) == (cli.DONE, 40), resume.stderr
    records = [json.loads(line) for line in read(tmp_path / "kept")]
    assert len({record["x_gatewatch_item"] for record in records}) == len(records) == 40
    assert {record["x_gatewatch_verdict"]["label"] for record in records} == {"ok"}


def test_a_dataset_that_fills_a_disk(tmp_path: Path) -> None:
    """Parquet files are written by C++, whose errors are told like Python's."""
    (tmp_path / "in.jsonl").write_bytes(b"".join(lines(60, 7, days=2)))
    place = tmp_path / "disk"
    build = f"$G dataset build {place}/made {tmp_path}/in.jsonl --processes 1 --json"
    full, again = on_a_disk(
        place, "700k", f"head -c 600000 /dev/zero > {place}/ballast; {build}", f"rm {place}/ballast; {build}"
    )
    assert full.returncode == cli.PARTIAL and "Traceback" not in full.stderr
    assert "No room" in full.stderr and "No space left on device" in full.stderr
    assert (again.returncode, json.loads(again.stdout)["measurements"]) == (cli.DONE, 60), again.stderr


def test_a_dataset_whose_files_may_not_grow(tmp_path: Path) -> None:
    """For users and systems without namespaces: RLIMIT_FSIZE."""
    (tmp_path / "in.jsonl").write_bytes(b"".join(lines(60, 7, days=2)))
    words = ("dataset", "build", str(tmp_path / "made"), str(tmp_path / "in.jsonl"), "--processes", "1")
    limited = gatewatch(*words, before=("sh", "-c", 'ulimit -f 8; exec "$0" "$@"'))
    assert limited.returncode == cli.PARTIAL and "No room" in limited.stderr
    assert "Traceback" not in limited.stderr
    assert gatewatch(*words).returncode == cli.DONE


# -- read-only, and not there


def test_a_home_that_cannot_be_written_to(tmp_path: Path) -> None:
    place = tmp_path / "disk"
    run = spool.run(tmp_path / "runs", 2)
    (tmp_path / "targets.txt").write_text("site-1.disk-test.net")
    run_ = " ".join(RUN)
    lab, consent, doctor, export, unattended, left = on_a_disk(
        place,
        "100k",
        f"mkdir {place}/home; mount -o remount,bind,ro {place}; $G {run_} --targets {tmp_path}/targets.txt",
        f"$G consent --yes --consent-version {VERSION}",
        "$G doctor --json",
        f"$G results export --ooni -o {place}/out.jsonl {run}",
        f"$G {run_} --unattended --targets {tmp_path}/targets.txt",
        f"find {place} | wc -l",
    )
    said = "Read-only file system"
    # Nothing is measured that cannot be kept: it ends before anything begins.
    assert (lab.returncode, lab.stdout) == (cli.USAGE, "") and said in lab.stderr
    assert consent.returncode == cli.PARTIAL and said in consent.stderr
    rows = {row["what"]: row for row in json.loads(doctor.stdout)["checks"]}
    # Without a network there is worse.
    assert doctor.returncode == cli.NO_NETWORK
    for what in ("folder of results", "folder of consent"):
        assert not rows[what]["ok"] and said in rows[what]["finding"] and "~/.local" in rows[what]["advice"]
    assert export.returncode == cli.PARTIAL and said in export.stderr
    assert unattended.returncode == cli.PARTIAL and said in unattended.stderr
    for done in (lab, consent, doctor, export, unattended):
        assert "Traceback" not in done.stderr, done.args
    assert left.stdout.strip() == "2"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_belongs_to_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir(mode=0o500)
    done = gatewatch(*RUN, "--root", str(tmp_path / "theirs" / "runs"), "--limit", "1", "--targets", "kh")
    assert done.returncode == cli.USAGE and "Permission denied" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_user_without_a_home(tmp_path: Path) -> None:
    nobody = ("unshare", "--user", "--map-user=54321", "--net")
    if why := forbidden(*nobody):
        pytest.skip(why)
    done = gatewatch("consent", "--yes", "--consent-version", VERSION, before=(*nobody, "env", "-u", "HOME"))
    assert done.returncode == cli.PARTIAL
    assert done.stderr == "Error: This user has no home folder. Set HOME to one that can be written to.\n"
    where = [f"XDG_{name}_HOME={tmp_path}/{name}" for name in ("STATE", "CONFIG", "DATA")]
    here = ("--root", str(tmp_path / "runs"), "--targets", "kh", "--limit", "1")
    run = gatewatch(*RUN, *here, before=(*nobody, "env", "-u", "HOME", *where))
    assert run.returncode == cli.DONE, run.stderr
