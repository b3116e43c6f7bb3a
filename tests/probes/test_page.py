import re
import sys
from pathlib import Path

import pytest
from tests.worlds.clock import run
from tests.worlds.hosts import hosts
from tests.worlds.streams import RESET

from gatewatch.records import TestKeys
from gatewatch.runner.probes import Probe, available, load
from gatewatch_probes.page import HEADINGS, describe, markdown
from gatewatch_targets import Target

PAGE = Path(__file__).resolve().parents[2] / "docs/probes.md"
OURS = [name for name, entry in available().items() if entry.module.startswith("gatewatch_probes.")]


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(), (
        "write it anew: python -m gatewatch_probes.page > docs/probes.md"
    )


@pytest.mark.parametrize("name", OURS)
def test_a_probe_says_what_it_asks_does_sends_and_risks(name: str) -> None:
    probe = load(name)
    question, said = describe(probe)
    assert question.endswith("?") and tuple(said) == HEADINGS and all(said.values())
    assert f"## {name}\n" in markdown()
    assert probe.risk in ("low", "medium", "high") and 0 < probe.typical_bytes < 10_000_000
    assert re.fullmatch(r"\d+\.\d+\.\d+", probe.version)


def test_the_probes_are_those_that_the_design_names() -> None:
    assert {"app", "connect", "fetch", "handshake", "resolve", "trace", "web"} <= set(OURS)


def test_a_probe_that_says_too_little_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    probe = load("resolve")
    monkeypatch.setattr(
        sys.modules["gatewatch_probes.resolve"], "__doc__", "resolve: does it?\n\nMethod: yes."
    )
    with pytest.raises(ValueError, match="resolve: its docstring must be a question"):
        describe(probe)


def example(folder: Path) -> Probe:
    """The probe that the page shows, loaded as a user would."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    path = folder / "mine.py"
    path.write_text(code)
    return load(str(path))


@pytest.mark.parametrize(
    ("server", "banner", "failure"), [(b"220 mail", "220 mail", None), (RESET, "", "connection_reset")]
)
def test_the_example_works_as_it_stands(
    tmp_path: Path, server: bytes | OSError, banner: str, failure: str | None
) -> None:
    probe = example(tmp_path)

    async def main() -> TestKeys:
        with hosts({"a.org": ("127.0.0.1", "104.16.1.1")}, {("104.16.1.1", 25): [server]}) as (wire, world):
            keys = await probe.measure(Target("https://a.org/"), wire)
        assert world.all_closed
        return keys

    keys = run(main)
    assert keys.extra == {"banner": banner}
    assert [e.failure for e in keys.network_events or ()] == [None, failure]
    assert [c.ip for c in keys.tcp_connect or ()] == ["104.16.1.1"]
