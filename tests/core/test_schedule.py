"""What each system is told: read back as it would read it, and checked by the system where it is here."""

from __future__ import annotations

import json
import plistlib
import random
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice, pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.worlds.crontab import Table

from gatewatch.schedule import cron, launchd, systemd, windows
from gatewatch.schedule.job import EVERY, Job, one_line, read_time, some_time
from gatewatch.schedule.system import Failed

#: Words that mean something to one reader or another, none of which may.
ODD = (
    "/bin/x",
    "plain",
    "two words",
    "50%",
    "a\\b",
    'say "no"',
    "it's",
    "$HOME",
    "`id`",
    "#x",
    ";",
    "",
    "ស្រុក",
    "&<>",
)
JOB = Job(
    name="gatewatch",
    title="gatewatch: measure",
    argv=ODD,
    folder=Path("/home/a b/50%"),
    writable=(Path('/home/a b/r"uns'),),
    every="6h",
    hour=2,
    minute=17,
)
NEEDS_ANALYZE = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed (Debian: systemd)"
)


# -- when


@pytest.mark.parametrize("every", EVERY)
def test_starts_are_evenly_spaced_and_lie_where_they_should(every: str) -> None:
    for hour, minute, weekday in ((0, 0, 0), *(some_time(every, random.Random(n)) for n in range(50))):
        job = replace(JOB, every=every, hour=hour, minute=minute, weekday=weekday)
        begun = datetime(2026, 3, 4, 11, 59, tzinfo=UTC)
        starts = list(islice(job.starts(begun), 30))
        gaps = {later - earlier for earlier, later in pairwise(starts)}
        assert {gap.total_seconds() / 3600 for gap in gaps} == {EVERY[every]}
        assert 0 < (starts[0] - begun).total_seconds() <= EVERY[every] * 3600
        assert {start.minute for start in starts} == {minute} and job.spread <= EVERY[every] * 3600 / 4


def test_machines_that_are_set_up_alike_do_not_start_together() -> None:
    at = Counter(some_time("6h", random.Random(n)) for n in range(1000))
    assert len(at) > 800 and max(at.values()) < 6


@NEEDS_ANALYZE
@pytest.mark.parametrize(
    ("every", "hour", "weekday"), [("1h", 0, 0), ("6h", 5, 0), ("24h", 23, 0), ("7d", 4, 3)]
)
def test_systemd_counts_the_same_starts(every: str, hour: int, weekday: int) -> None:
    job = replace(JOB, every=every, hour=hour, weekday=weekday)
    begun = datetime(2026, 2, 27, 13, 30, tzinfo=UTC)
    at = f"{systemd.calendar(job)} UTC"
    said = subprocess.run(
        ["systemd-analyze", "calendar", "--iterations=9", f"--base-time={begun:%F %T} UTC", at],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    wanted = [f"{start:%a %F %T} UTC" for start in islice(job.starts(begun), 9)]
    assert [
        line.split(": ", 1)[1] for line in said.splitlines() if "lapse" in line or "Iter" in line
    ] == wanted


def test_a_time_of_day() -> None:
    assert read_time("3:07") == (3, 7)
    for wrong in ("24:00", "3", "03:60", "noon"):
        with pytest.raises(ValueError, match="not a time"):
            read_time(wrong)


def test_a_word_with_a_line_break_is_refused() -> None:
    with pytest.raises(ValueError, match="control character"):
        one_line(["a", "b\nc"])
    for render in (systemd.service, cron.line, launchd.agent, windows.task):
        with pytest.raises(ValueError, match="control character"):
            render(replace(JOB, argv=("/bin/x", "a\nExecStart=/bin/evil")))


# -- systemd


@NEEDS_ANALYZE
@pytest.mark.parametrize("namespaces", [True, False])
def test_systemd_itself_accepts_the_units(namespaces: bool, tmp_path: Path) -> None:
    job = replace(JOB, argv=(sys.executable, *ODD[1:]), folder=tmp_path)
    (tmp_path / "gatewatch.service").write_text(systemd.service(job, namespaces=namespaces))
    (tmp_path / "gatewatch.timer").write_text(systemd.timer(job))
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", "--man=no", *map(str, tmp_path.glob("gatewatch.*"))],
        env={"XDG_RUNTIME_DIR": str(runtime), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    # What it does not know, it only warns of.
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@NEEDS_ANALYZE
def test_systemd_calls_the_service_hardened(tmp_path: Path) -> None:
    def exposure(text: str) -> float:
        path = tmp_path / "gatewatch.service"
        path.write_text(text)
        said = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--json=short", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        if said.returncode and not said.stdout:
            pytest.skip(f"this systemd-analyze cannot: {said.stderr.strip()}")
        return sum(float(row["exposure"] or 0) for row in json.loads(said.stdout))

    bare = "[Service]\nExecStart=/bin/true\n"
    hardened = exposure(systemd.service(replace(JOB, argv=("/bin/true",))))
    print(f"exposure {hardened:.1f}, of a bare service {exposure(bare):.1f}")
    assert hardened < exposure(bare) / 3


def test_a_private_tmp_does_not_hide_what_lies_in_the_common_one() -> None:
    assert "PrivateTmp=yes" in systemd.service(JOB)
    assert "PrivateTmp" not in systemd.service(replace(JOB, writable=(Path("/tmp/runs"),)))


# -- cron


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Table:
    if sys.platform == "win32":
        pytest.skip("there is no cron on Windows")
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return Table(tmp_path / "bin")


@pytest.mark.parametrize(
    "others", ["", "# mine\nMAILTO=me\n1 2 * * * x 50\\%\n", "* * * * * last line without end"]
)
def test_lines_of_others_stay_as_they_are(table: Table, others: str) -> None:
    table.path.write_text(others)
    one = cron.Cron()
    one.install([JOB])
    one.install([replace(JOB, every="1h")])
    text = table.text
    assert text.startswith(others) and text.count(cron.BEGIN) == text.count(cron.END) == 1
    assert text.endswith(f"{cron.line(replace(JOB, every='1h'))}\n{cron.END}\n")
    assert one.found() == one.remove() == [cron.line(replace(JOB, every="1h"))]
    assert table.text.rstrip("\n") == others.rstrip("\n") and one.found() == one.remove() == []


def test_lines_behind_ours_stay_too(table: Table) -> None:
    table.path.write_text(f"a\n{cron.BEGIN}\nold\n{cron.END}\nb\n")
    cron.Cron().install([JOB])
    assert [line for line in table.text.splitlines() if line in ("a", "b", "old")] == ["a", "b"]


def test_a_table_that_cannot_be_read_is_not_taken_for_an_empty_one(table: Table) -> None:
    table.path.write_text("precious\n")
    Path(f"{table.path}.broken").touch()
    assert not cron.Cron().available()
    with pytest.raises(Failed, match="permission denied"):
        cron.Cron().install([JOB])
    assert table.text == "precious\n"


def test_marks_that_are_no_pair_are_left_to_people(table: Table) -> None:
    table.path.write_text(f"{cron.BEGIN}\nx\n")
    with pytest.raises(Failed, match="no pair"):
        cron.Cron().install([JOB])
    assert table.text == f"{cron.BEGIN}\nx\n"


def test_the_shell_reads_the_words_that_were_meant(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("there is no sh on Windows")
    show = tmp_path / "show"
    show.write_text('#!/bin/sh\nprintf "%s\\n" "$PWD" "$(umask)" "$@"\n')
    show.chmod(0o700)
    folder = tmp_path / "a b 50%"
    folder.mkdir()
    line = cron.line(replace(JOB, argv=(str(show), *ODD[1:]), folder=folder))
    times, command = line.split(" ", 5)[:5], line.split(" ", 5)[5]
    assert times == ["17", "2,8,14,20", "*", "*", "*"]
    # cron turns an escaped percent sign into a bare one (crontab(5)), and gives the rest to sh.
    assert "%" not in command.replace("\\%", "")
    said = subprocess.run(
        ["sh", "-c", command.replace("\\%", "%")], capture_output=True, text=True, check=True
    ).stdout
    assert said == "\n".join([str(folder), "0077", *ODD[1:]]) + "\n"


def test_a_line_that_cron_would_cut_off_is_refused() -> None:
    with pytest.raises(ValueError, match="990 letters"):
        cron.line(replace(JOB, argv=("/bin/x", "y" * 1000)))


REAL = """
import subprocess, sys
from pathlib import Path
from gatewatch.schedule import cron
from tests.core.test_schedule import JOB
one = cron.Cron()
assert one.available()
subprocess.run(["crontab", "-"], input="# mine\\n5 4 * * * other\\n", text=True, check=True)
one.install([JOB])
one.install([JOB])
text = subprocess.run(["crontab", "-l"], capture_output=True, text=True, check=True).stdout
assert text == "# mine\\n5 4 * * * other\\n" + one.written([JOB])["crontab"], text
one.remove()
text = subprocess.run(["crontab", "-l"], capture_output=True, text=True, check=True).stdout
assert text == "# mine\\n5 4 * * * other\\n", text
print("all")
"""


def test_debians_crontab_takes_it() -> None:
    """In a mount namespace, where the tables of this machine are not."""
    if not shutil.which("crontab") or not Path("/var/spool/cron").is_dir():
        pytest.skip("crontab is not installed (Debian: cron)")
    mount = "mount -t tmpfs tmpfs /var/spool/cron && mkdir /var/spool/cron/crontabs"
    if subprocess.run(["unshare", "-m", "sh", "-c", mount], capture_output=True, check=False).returncode:
        pytest.skip("this system forbids mount namespaces")
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f'{mount} && exec "$@"', "sh", sys.executable, "-c", REAL],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(path for path in sys.path if path)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("all\n", "")


# -- launchd and the Task Scheduler: written, and read back


def test_a_property_list_for_launchd(tmp_path: Path) -> None:
    one = launchd.Launchd(tmp_path)
    left = one.install([JOB])
    (place,) = one.found()
    about = plistlib.loads(Path(place).read_bytes())
    assert about["ProgramArguments"] == list(ODD) and about["WorkingDirectory"] == str(JOB.folder)
    assert [(t["Hour"], t["Minute"]) for t in about["StartCalendarInterval"]] == [
        (h, 17) for h in (2, 8, 14, 20)
    ]
    assert (about["Label"], about["Umask"]) == ("org.gatewatch.gatewatch", 0o077)
    assert f"launchctl bootstrap gui/$(id -u) {place}" in left[0]
    weekly = plistlib.loads(launchd.agent(replace(JOB, every="7d", weekday=3)).encode())
    assert weekly["StartCalendarInterval"] == [{"Hour": 2, "Minute": 17, "Weekday": 3}]
    assert one.remove() == [place] and one.found() == []


# Children in the order that the schema's sequences ask for ([MS-TSCH] 2.5: triggerBaseType and
# calendarTriggerType); the others may come in any order.
TRIGGER = ("Repetition", "StartBoundary", "EndBoundary", "ExecutionTimeLimit", "Enabled", "RandomDelay")
PARTS = ("RegistrationInfo", "Triggers", "Principals", "Settings", "Data", "Actions")


@pytest.mark.parametrize("every", EVERY)
def test_a_task_for_windows(every: str, tmp_path: Path) -> None:
    one = windows.TaskScheduler(tmp_path)
    left = one.install([replace(JOB, every=every)])
    (place,) = one.found()
    raw = Path(place).read_bytes()
    assert raw[:2] in (b"\xff\xfe", b"\xfe\xff")
    root = ET.fromstring(raw)
    space = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}

    def text(path: str) -> str | None:
        return root.findtext("/".join(f"t:{part}" for part in path.split("/")), namespaces=space)

    def order(element: ET.Element) -> list[str]:
        return [child.tag.partition("}")[2] for child in element]

    assert (text("Actions/Exec/Command"), text("Settings/StartWhenAvailable")) == ("/bin/x", "true")
    assert text("Actions/Exec/Arguments") == subprocess.list2cmdline(ODD[1:])
    assert [part for part in PARTS if part in order(root)] == order(root)
    trigger = root.find("t:Triggers/t:CalendarTrigger", space)
    assert trigger is not None
    kinds = order(trigger)
    assert kinds[-1] == ("ScheduleByWeek" if every == "7d" else "ScheduleByDay")
    assert [part for part in TRIGGER if part in kinds] == kinds[:-1]
    assert ("Repetition" in kinds) == (EVERY[every] < 24)
    assert f'schtasks /Create /TN gatewatch /XML "{place}"' in left[0]
    assert one.remove() == [place]
