"""`gatewatch results upload`, and uploading after an unattended run, as they are typed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.worlds import spool
from tests.worlds.collector import Collector, collector
from tests.worlds.commands import gatewatch, here

from gatewatch import cli
from gatewatch.consent import VERSION
from gatewatch.store import lock
from gatewatch.unattended.log import LOG
from gatewatch.unattended.status import Status, faults, moment
from gatewatch.upload.deliver import FOLDER

LAB = ("--lab", "small:clear", "--attach", "memory", "--targets", "kh", "--limit", "2", "--traces", "1")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("STATE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("APPDATA", str(tmp_path / "config"))
    monkeypatch.setenv("GATEWATCH_RESULTS", str(tmp_path / "runs"))
    (tmp_path / "runs").mkdir()
    return tmp_path


@pytest.fixture
def there() -> Iterator[Collector]:
    with collector() as running:
        yield running


def configure(home: Path, url: str, more: str = "lab = true") -> Path:
    file = home / "config" / "gatewatch" / "upload.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'[mine]\nkind = "collector"\nurl = "{url}"\n{more}\n')
    return file


def test_nothing_is_uploaded_unless_it_is_configured(home: Path, there: Collector) -> None:
    spool.run(home / "runs", 2)
    done = here("results", "upload")
    assert done.exit_code == cli.USAGE and "nothing is uploaded" in done.stderr
    # The job that a schedule calls has nothing to say to that.
    done = here("results", "upload", "--due", "--quiet")
    assert (done.exit_code, done.output) == (0, "")
    assert gatewatch("run", "--unattended", *LAB).returncode == 0
    assert there.asked == []


def test_upload_tells_what_became_of_it(home: Path, there: Collector) -> None:
    configure(home, there.url)
    path = spool.run(home / "runs", 3)
    listed = json.loads(here("results", "upload", "--list", "--json").stdout)["destinations"]
    assert [(row["name"], row["waiting"]) for row in listed] == [("mine", 3)] and there.asked == []
    done = here("results", "upload")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "mine: 3 stored, 0 waiting\n", "")
    assert list(there.kept) == spool.uids(path)
    row = json.loads(here("results", "upload", "--json").stdout)["destinations"][0]
    assert (row["stored"], row["waiting"], row["failures"]) == (0, 0, 0) and moment(row["last_stored"])
    # Addresses may be private, and this may be sent to a monitor.
    assert "127.0.0.1" not in json.dumps(row)


def test_a_collector_that_is_down(home: Path, there: Collector) -> None:
    configure(home, there.url)
    spool.run(home / "runs", 3)
    there.down()
    done = here("results", "upload", "--within", "1")
    assert done.exit_code == cli.PARTIAL
    assert done.stderr == "mine: not now: the connection is refused\n"
    assert done.stdout.startswith("mine: 0 stored, 3 waiting since 20") and "next try 20" in done.stdout
    # To cron that is no fault, and nothing to write a mail about.
    done = here("results", "upload", "--due", "--quiet", "--within", "1")
    assert (done.exit_code, done.output) == (0, "")
    there.up()
    assert here("results", "upload").exit_code == 0 and len(there.arrived) == 3


def test_refusals_are_told_to_cron_too_and_shown_safely(home: Path, there: Collector) -> None:
    configure(home, there.url)
    spool.run(home / "runs", 2)
    there.modes.extend(["refuse"])
    done = here("results", "upload")
    assert done.exit_code == cli.PARTIAL and "mine: refused: status 400: malformed" in done.stderr
    assert "\x1b" not in done.output
    done = here("results", "upload", "--due", "--quiet")
    assert done.exit_code == cli.PARTIAL and done.stderr == "mine: 0 stored, 0 waiting, 1 refused\n"
    assert here("results", "upload", "--again").stdout == "mine: 1 stored, 0 waiting\n"


def test_options_instead_of_a_file(home: Path, there: Collector) -> None:
    path = spool.run(home / "runs", 2)
    done = here("results", "upload", "--collector", there.url, "--json")
    assert (done.exit_code, set(there.kept)) == (0, set(spool.uids(path)))
    done = here("results", "upload", "--collector", "http://collector.example")
    assert done.exit_code == cli.USAGE and "not an https address" in done.stderr


def test_names_of_destinations(home: Path, there: Collector) -> None:
    file = configure(home, there.url)
    file.write_text(f'{file.read_text()}[other]\nkind = "collector"\nurl = "{there.url}/x"\n')
    spool.run(home / "runs", 1)
    assert here("results", "upload", "--to", "mine").exit_code == 0
    assert here("results", "upload", "--to", "nobody").exit_code == cli.USAGE
    assert here("results", "upload", "--within", "1").exit_code == cli.PARTIAL


def test_a_broken_configuration_is_named(home: Path) -> None:
    file = configure(home, "https://c.example", "verify = false")
    done = here("results", "upload")
    assert done.exit_code == cli.USAGE and f"{file}: mine.verify" in done.stderr.replace("\n", " ")
    # And an unattended run says so before it begins.
    done = here("run", "--unattended", *LAB)
    assert done.exit_code == cli.USAGE and "mine.verify" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_keys_that_others_may_read_are_warned_of(home: Path, there: Collector) -> None:
    file = configure(home, there.url, "lab = true\noptions = { key = 'x' }")
    file.chmod(0o644)
    assert "chmod 600" in here("results", "upload", "--list").stderr
    file.chmod(0o600)
    assert here("results", "upload", "--list").stderr == ""


def test_another_upload_is_left_alone(home: Path, there: Collector) -> None:
    configure(home, there.url)
    spool.run(home / "runs", 1)
    with lock(home / "runs" / FOLDER):
        assert here("results", "upload").exit_code == cli.LOCKED
    assert there.asked == []


def test_deleting_all_leaves_nothing_of_uploads_either(home: Path, there: Collector) -> None:
    configure(home, there.url)
    spool.run(home / "runs", 1)
    there.modes.extend(["500", "up"])
    here("results", "upload", "--within", "1")
    assert (home / "runs" / FOLDER).is_dir()
    done = here("results", "delete", "--all", "--yes")
    assert done.exit_code == 0 and ".upload/" in done.stdout and "upload-" in done.stdout
    assert [path.name for path in (home / "runs").rglob("*")] == [".lock"]


# -- after an unattended run


def test_an_unattended_run_uploads_what_it_measured(home: Path, there: Collector) -> None:
    configure(home, there.url)
    done = gatewatch("run", "--unattended", "--keep-bytes", "0", *LAB)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    status = Status.read(home / "runs")
    assert status and (status.measured, status.spool_measurements) == (3, 0)
    assert len(there.kept) == 3 and set(there.times.values()) == {1}
    (upload,) = status.uploads
    assert (upload["name"], upload["stored"], upload["waiting"]) == ("mine", 3, 0)
    assert there.url not in (home / "runs" / LOG).read_text() + json.dumps(status.to_json())


def test_a_collector_that_is_down_spoils_no_run_and_nothing_is_deleted(home: Path, there: Collector) -> None:
    configure(home, there.url)
    there.down()
    words = ("run", "--unattended", "--keep-days", "0", "--upload-time", "1", *LAB)
    for _ in range(2):
        done = gatewatch(*words)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    status = Status.read(home / "runs")
    assert status and (status.spool_measurements, status.held_back, status.deleted) == (6, 1, 0)
    assert status.uploads[0]["trouble"] == "the connection is refused"
    assert faults(status, moment(status.ended), going_on=False) == []  # type: ignore[arg-type]
    there.up()
    assert here("results", "upload").exit_code == 0
    assert len(there.kept) == 6 and set(there.times.values()) == {1}
    # Now the older ones may go.
    assert gatewatch(*words).returncode == 0
    status = Status.read(home / "runs")
    assert status and (status.deleted, status.held_back, status.spool_measurements) == (2, 0, 0)


def test_a_schedule_with_uploads_has_a_second_job(home: Path, there: Collector) -> None:
    words = ("schedule", "install", "--system", "cron", "--print", "--consent", VERSION)
    assert here(*words).stdout.count("-m gatewatch") == 1
    file = configure(home, there.url)
    text = here(*words).stdout
    assert f"run --unattended --every 6h --jitter 3600 --root {home / 'runs'} --consent {VERSION}" in text
    assert text.count(f"--upload-config {file}") == 2
    assert "results upload --due --quiet --root" in text
    file.unlink()
    other = configure(home, there.url).rename(home / "other.toml")
    text = here(*words, "--upload-config", str(other)).stdout
    assert text.count(f"--upload-config {other}") == 2 and there.asked == []
