"""What an unattended run leaves beside the runs: status file, log, and what retention deletes."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.worlds.commands import here

from gatewatch.store import lock
from gatewatch.unattended import log as logs
from gatewatch.unattended.log import LOG, Log
from gatewatch.unattended.retention import expire, size
from gatewatch.unattended.status import STATUS, Status, faults

YEAR = 365.25 * 86_400
BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


# -- is all well?


def test_faults() -> None:
    status = Status(state="ended", exit_code=0, every_hours=6, next_due="2026-03-01T18:00:00Z", started="x")
    due = datetime(2026, 3, 1, 18, tzinfo=UTC)
    assert faults(status, due + timedelta(hours=3), going_on=False) == []
    late = due + timedelta(hours=3, seconds=1)
    assert faults(status, late, going_on=False) == ["the next run was due 2026-03-01T18:00:00Z"]
    assert faults(status, late, going_on=True) == []
    # Starts are put off by up to an hour, so an hourly run is not overdue after half of one.
    hourly = replace(status, every_hours=1)
    assert faults(hourly, due + timedelta(hours=2), going_on=False) == []
    assert faults(replace(status, exit_code=4, reason="No."), due, going_on=False) == [
        "the last run ended with exit code 4: No."
    ]
    killed = replace(status, state="measuring", exit_code=None)
    assert faults(killed, due, going_on=False) == ["the run of x was killed"]
    assert faults(killed, due, going_on=True) == []
    back = due - timedelta(days=365)
    (said,) = faults(status, back, going_on=False)
    assert said == "the clock of this machine was set back: the last run began at x"
    (said,) = faults(replace(status, clock_offset_s=-2 * YEAR), due, going_on=False)
    assert said == "the clock of this machine is 17,532 hours behind: no run is deleted for its age"
    assert faults(None, due, going_on=False) == ["no run was made yet"]


def test_a_status_file_of_another_version_or_damaged_is_none(tmp_path: Path) -> None:
    for content in ("", "[]", '{"version": 99}', "{"):
        (tmp_path / STATUS).write_text(content)
        assert Status.read(tmp_path) is None
    (tmp_path / STATUS).write_text('{"version": 1, "measured": 5, "of the future": 1}')
    assert Status.read(tmp_path) == Status(measured=5)


# -- the log


def test_the_log_is_turned_over_before_it_grows_large(tmp_path: Path) -> None:
    log = Log(tmp_path, lambda: BEGAN, most=1000)
    for number in range(100):
        log.say("event", number=number, text="line\nbreak \x1b[31m ស")
    files = [tmp_path / LOG, *(tmp_path / f"{LOG}.{n}" for n in (1, 2, 3))]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    numbers: list[int] = []
    for path in reversed(files):
        raw = path.read_bytes()
        assert len(raw) <= 1000 and raw.isascii() and b"\x1b" not in raw
        numbers += [json.loads(line)["number"] for line in raw.splitlines()]
    # The newest are there, without a gap.
    assert numbers == list(range(100 - len(numbers), 100)) and len(numbers) > 20


def test_a_log_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("in the way")
    Log(tmp_path / "runs").say("start")
    assert logs.LOG not in [path.name for path in tmp_path.iterdir()]


# -- retention


def runs(root: Path, *ages: float, bytes_each: int = 1000) -> list[str]:
    names = []
    for age in ages:
        name = f"{BEGAN - timedelta(days=age):%Y%m%dT%H%M%SZ}-abcdef"
        (root / name / "evidence").mkdir(parents=True)
        (root / name / "plan.json").write_text("{}")
        (root / name / "evidence" / "x.pcap").write_bytes(b"x" * (bytes_each - 2))
        names.append(name)
    return names


def left(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir() if path.is_dir())


def test_runs_go_by_age(tmp_path: Path) -> None:
    old, older, young, new = runs(tmp_path, 31, 40, 29, 0)
    kept = expire(tmp_path, BEGAN, days=30, most_bytes=None, clock_offset=-3.0)
    assert kept.deleted == (older, old) and left(tmp_path) == sorted([young, new])
    assert expire(tmp_path, BEGAN, days=None, most_bytes=None).deleted == ()


def test_the_oldest_go_by_size(tmp_path: Path) -> None:
    names = runs(tmp_path, 5, 4, 3, 2, 1)
    each = size(tmp_path / names[0])
    kept = expire(tmp_path, BEGAN, days=None, most_bytes=each * 3)
    assert kept.deleted == tuple(names[:2]) and left(tmp_path) == sorted(names[2:])
    # Even a size of nothing leaves the newest.
    assert expire(tmp_path, BEGAN, days=None, most_bytes=0).deleted == tuple(names[2:4])
    assert left(tmp_path) == [names[4]]


def test_a_clock_that_is_wrong_by_years_does_not_empty_the_folder(tmp_path: Path) -> None:
    names = runs(tmp_path, 2, 1)
    # A clock of 2099 that nobody has compared, one that is known to be wrong, and one that somebody on the
    # way says is wrong: none of them makes a run old.
    for now, offset in (
        (datetime(2099, 1, 1, tzinfo=UTC), None),
        (datetime(2099, 1, 1, tzinfo=UTC), 73 * YEAR),
        (BEGAN, -YEAR),
    ):
        kept = expire(tmp_path, now, days=30, most_bytes=None, clock_offset=offset)
        assert kept.deleted == () and left(tmp_path) == sorted(names)


def clocked(root: Path, days: float, offset: float) -> str:
    """A run that began so many days before BEGAN, on a clock that was ahead by so many seconds."""
    (name,) = runs(root, days - offset / 86_400)
    (root / name / "run.json").write_text(json.dumps({"clock_offset_s": offset}))
    return name


def test_a_run_of_a_wrong_clock_is_as_old_as_it_truly_is(tmp_path: Path) -> None:
    behind = clocked(tmp_path, 1, -YEAR)  # named after last year
    ahead = clocked(tmp_path, 2, YEAR)  # named after the next one
    old, new = clocked(tmp_path, 40, 1.0), clocked(tmp_path, 0, 0.5)
    kept = expire(tmp_path, BEGAN, days=30, most_bytes=None, clock_offset=0.5)
    assert kept.deleted == (old,)
    # By size the oldest go first, whatever they are called.
    each = size(tmp_path / new)
    assert expire(tmp_path, BEGAN, days=None, most_bytes=each * 2 + 10).deleted == (ahead,)
    assert expire(tmp_path, BEGAN, days=None, most_bytes=0, newest=behind).deleted == ()
    assert left(tmp_path) == sorted([behind, new])


def test_of_runs_of_one_moment_the_one_so_named_is_the_newest(tmp_path: Path) -> None:
    first, now = clocked(tmp_path, 0.5, 0.0), clocked(tmp_path, 0.5, 1.0)
    # Its clock was put right by a date without fractions, to a moment before the first one's.
    kept = expire(tmp_path, BEGAN, days=0, most_bytes=None, clock_offset=0.0, newest=now)
    assert (kept.deleted, kept.held_back) == ((first,), ())


def test_a_forged_date_makes_no_run_older(tmp_path: Path) -> None:
    (young, _) = clocked(tmp_path, 5 + 365, 365 * 86_400.0), clocked(tmp_path, 0, 0.0)
    assert young.startswith("20260224")  # it began five days ago, whatever a page's date said
    assert expire(tmp_path, BEGAN, days=30, most_bytes=None, clock_offset=0.0).deleted == ()


def test_what_has_to_be_uploaded_is_held_back(tmp_path: Path) -> None:
    a, b, _ = runs(tmp_path, 50, 40, 0)
    kept = expire(tmp_path, BEGAN, days=30, most_bytes=0, may_go=lambda run: run.name == b)
    assert (kept.deleted, kept.held_back) == ((b,), (a,))
    assert a in left(tmp_path)


def test_nothing_is_deleted_while_a_run_goes_on(tmp_path: Path) -> None:
    names = runs(tmp_path, 50, 40, 0)
    with lock(tmp_path):
        assert expire(tmp_path, BEGAN, days=30, most_bytes=0).deleted == ()
    assert left(tmp_path) == sorted(names)


def test_a_deletion_that_was_cut_short_is_ended_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = runs(tmp_path, 50, 0)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)
        expire(tmp_path, BEGAN, days=30, most_bytes=None, clock_offset=0.0)
    assert left(tmp_path) == [".deleting", new]
    assert here("results", "list", "--json", "--root", str(tmp_path)).stdout.count(old) == 0
    expire(tmp_path, BEGAN, days=30, most_bytes=None, clock_offset=0.0)
    assert left(tmp_path) == [new]


@contextmanager
def somebody() -> Iterator[None]:
    """Be an ordinary user, to whom a folder may be closed."""
    if os.geteuid():
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(sys.platform == "win32", reason="folders are closed in another way there")
def test_a_folder_that_is_closed_to_us_keeps_no_run_from_going(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The folders above are root's own.
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o777)
    here, closed = Path(), tmp_path / "lost+found"
    closed.mkdir()
    closed.chmod(0)
    try:
        with somebody():
            old, new = runs(here, 50, 0)
            with pytest.raises(PermissionError):
                (here / "lost+found" / "plan.json").stat()
            kept = expire(here, BEGAN, days=30, most_bytes=None, clock_offset=0.0)
    finally:
        closed.chmod(0o700)
    assert kept.deleted == (old,) and left(tmp_path) == [new, "lost+found"]


def test_what_is_no_run_stays(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("x")
    runs(tmp_path, 50, 0)
    expire(tmp_path, BEGAN, days=30, most_bytes=0)
    assert "mine" in left(tmp_path)
