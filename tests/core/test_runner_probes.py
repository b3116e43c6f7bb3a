from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from gatewatch.runner import probes
from gatewatch.runner.probes import NoSuchProbe, Probe, available, load

MINE = '''"""mine: does it load?"""


class Mine:
    name = "mine"
    test_name = "mine"
    version = "1.0.0"
    risk = "low"
    typical_bytes = 1

    async def measure(self, target, wire):
        raise NotImplementedError


class Helper:
    pass
'''


def file(folder: Path, text: str) -> str:
    path = folder / "mine.py"
    path.write_text(text)
    return str(path)


def test_the_installed_probes_are_found_by_entry_point_in_order() -> None:
    names = list(available())
    assert names == sorted(names) and {"resolve", "connect", "handshake", "fetch", "web", "trace"} <= set(
        names
    )


@pytest.mark.parametrize("name", ["resolve", "connect", "handshake", "fetch", "web", "trace"])
def test_each_is_what_its_name_says(name: str) -> None:
    probe = load(name)
    assert isinstance(probe, Probe) and probe.name == name
    assert load(name) is not probe  # one run, one probe: a probe may remember things


def test_an_unknown_name_says_which_there_are() -> None:
    with pytest.raises(NoSuchProbe, match=r"no probe 'wob'; there are .*resolve, .*trace, .*web"):
        load("wob")


def test_a_probe_is_loaded_from_a_file(tmp_path: Path) -> None:
    probe = load(file(tmp_path, MINE))
    assert probe.name == "mine" and type(probe).__module__ == "gatewatch_probe_mine"


def test_imported_classes_are_not_taken_for_the_files_own(tmp_path: Path) -> None:
    assert load(file(tmp_path, "from gatewatch_probes.web import Web\n" + MINE)).name == "mine"


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "defines 0 probes, expected one"), (MINE + "class Second(Mine):\n    pass\n", "defines 2 probes")],
)
def test_a_file_holds_exactly_one_probe(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(NoSuchProbe, match=message):
        load(file(tmp_path, text))


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(NoSuchProbe, match=r"none\.py: no such Python file"):
        load(str(tmp_path / "none.py"))


def test_an_entry_point_that_is_no_probe_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = EntryPoint("odd", "collections:OrderedDict", probes.GROUP)
    monkeypatch.setattr(probes, "entry_points", lambda group: [odd])
    with pytest.raises(NoSuchProbe, match="collections:OrderedDict is no probe"):
        load("odd")
