import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.analysis.runs import web, write_lines

from gatewatch.cli import main
from gatewatch.records import dumps
from gatewatch.store import StoreFull, lock
from gatewatch_analysis.dataset import place


def call(*words: str | Path) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, ["dataset", *map(str, words)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def made(tmp_path: Path) -> Path:
    lines = [dumps(web(f"http://{n}.com/", "ok")) for n in range(3)]
    file = write_lines(tmp_path / "x.jsonl", [*lines, lines[0], b"broken\n"])
    code, out, err = call("build", tmp_path / "out", file, "--processes", "1")
    assert (code, err) == (0, "")
    assert out.startswith(
        "3 measurements from 1 new sources; 0 sources were there already. Left out: 1 copies, 1 "
    )
    return tmp_path


def test_building_again_says_that_it_is_known(made: Path) -> None:
    code, out, _ = call("build", made / "out", made / "x.jsonl", "--json")
    found = json.loads(out)
    assert code == 0 and (found["sources"], found["known"], found["measurements"]) == (0, 1, 0)


def test_info_for_people_and_for_machines(made: Path) -> None:
    code, out, err = call("info", made / "out")
    assert (code, err) == (0, "") and "3 measurements from 1 sources; left out: 1 copies, 1 lines" in out
    assert "measurements     3" in out and "KH" in out and "2024-05-01" in out
    found = json.loads(call("info", made / "out", "--json")[1])
    assert found["rows"] == {"measurements": 3, "problems": 1} and found["missing"] == []
    assert found["countries"]["KH"] == {
        "measurements": 3,
        "observations": 0,
        "first": "2024-05-01",
        "last": "2024-05-01",
        "days": 1,
    }


def test_info_tells_of_missing_files(made: Path) -> None:
    for file in (made / "out" / "measurements").rglob("*.parquet"):
        file.unlink()
    code, _, err = call("info", made / "out")
    assert code == 1 and "Files that are missing: 1, such as measurements/probe_cc=KH/" in err


def test_merging(made: Path) -> None:
    code, out, _ = call("merge", made / "both", made / "out", made / "out", "--json")
    assert code == 0 and json.loads(out)["known"] == 1
    assert json.loads(call("info", made / "both", "--json")[1])["measurements"] == 3


def test_what_goes_wrong_has_its_exit_code(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, err = call("info", made)
    assert code == 2 and "is no dataset" in err
    code, _, err = call("build", made / "out", made / "nowhere")
    assert code == 2 and "does not exist" in err
    (made / "dangling.jsonl").symlink_to(made / "nowhere")
    code, _, err = call("build", made / "new", made)
    assert code == 1 and "Not read: " in err
    with lock(made / "out"):
        assert call("build", made / "out", made / "x.jsonl")[0] == 75

    def full(*about: object) -> None:
        raise StoreFull("the disk: no space left")

    monkeypatch.setattr(place.Place, "take", full)
    code, _, err = call("build", made / "newer", made / "x.jsonl", "--processes", "1")
    assert code == 1 and "No room: the disk" in err
    (made / "out" / "dataset.manifest").write_text("{")
    code, _, err = call("info", made / "out")
    assert code == 2 and "dataset.manifest" in err
