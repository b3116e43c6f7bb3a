"""Deleting everything, with a proof of what was there and a look at what is left."""

import hashlib
import json
from pathlib import Path

import pytest
from tests.worlds.commands import here

from gatewatch import cli
from gatewatch.store import create, erase, lock

SECRET = b'{"x_gatewatch_item":"web-1","input":"https://a.example/"}\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two runs, one of the lab, one half made, evidence, what an unattended machine writes, a link out."""
    for where in (tmp_path, tmp_path, tmp_path / "lab" / "20261124T000000Z-1" / "smart"):
        folder = create(where, {"probes": ["web"], "items": [{"id": "web-1"}]}, {})
        folder.append("web-1", SECRET)
        folder.close("done")
        (folder.path / "evidence").mkdir()
        (folder.path / "evidence" / "001-tls.pcap").write_bytes(b"pcap")
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "measurements.jsonl").write_bytes(SECRET)
    (tmp_path / "unattended.log").write_text("{}\n")
    (tmp_path / "unattended.log.1").write_text("{}\n")
    (tmp_path / "status.json").write_text("{}")
    (tmp_path / ".upload").mkdir()
    (tmp_path / ".upload" / "a1.json").write_text("{}")
    (tmp_path / ".deleting" / "20260101T000000Z-1").mkdir(parents=True)
    (tmp_path / ".deleting" / "20260101T000000Z-1" / "plan.json").write_text("{}")
    outside = tmp_path.with_name(f"{tmp_path.name}-outside")
    outside.mkdir()
    (outside / "mine.txt").write_text("not yours")
    (tmp_path / "half" / "link").symlink_to(outside)
    return tmp_path


def files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def test_all_is_gone_and_the_list_says_what_it_was(root: Path) -> None:
    before = files(root)
    done = here("results", "delete", "--all", "--yes", "--json", "--root", str(root))
    about = json.loads(done.stdout)
    assert (done.exit_code, about["runs"], about["left"]) == (cli.DONE, 5, [])
    told = {
        row["path"]: (row["bytes"], row["sha256"]) for row in about["files"] if row["path"] != "half/link"
    }
    assert told == {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in before.items()}
    assert [path.name for path in root.iterdir()] == [".lock"]
    # A link is a file of its own; where it leads to is not ours.
    assert (root.with_name(f"{root.name}-outside") / "mine.txt").read_text() == "not yours"


def test_in_words_with_counts_and_sums(root: Path) -> None:
    done = here("results", "delete", "--all", "--root", str(root), stdin="1\n")
    assert done.exit_code == cli.DONE
    *lines, sum_, nothing = done.stdout.splitlines()
    assert all(len(line.split()[0]) == 64 for line in lines)
    assert sum_.startswith(f"5 runs deleted: {len(lines)} files, ")
    assert nothing == "Looked again: nothing of it is left."
    again = here("results", "delete", "--all", "--root", str(root))
    assert again.exit_code == cli.DONE and "There are no results." in again.stderr


@pytest.mark.parametrize("answer", ["2\n", ""])
def test_who_does_not_say_yes_keeps_everything(root: Path, answer: str) -> None:
    before = files(root)
    assert here("results", "delete", "--all", "--root", str(root), stdin=answer).exit_code == cli.PARTIAL
    assert files(root) == before


def test_files_that_are_none_of_ours_stay_and_are_named(root: Path) -> None:
    (root / "diary.txt").write_text("mine")
    (root / "photos").mkdir()
    (root / "photos" / "a.jpg").write_bytes(b"x")
    done = here("results", "delete", "--all", "--yes", "--root", str(root))
    assert done.exit_code == cli.PARTIAL
    assert done.stdout.splitlines()[-3:] == ["Still there:", "  diary.txt", "  photos/a.jpg"]
    assert set(files(root)) == {"diary.txt", "photos/a.jpg"}


def test_not_while_a_measurement_goes_on(root: Path) -> None:
    with lock(root):
        assert here("results", "delete", "--all", "--yes", "--root", str(root)).exit_code == cli.LOCKED
    assert len(erase.runs(root)) >= 3


def test_either_some_or_all(root: Path) -> None:
    for words in ((), ("latest", "--all")):
        assert here("results", "delete", *words, "--yes", "--root", str(root)).exit_code == cli.USAGE
