"""Whole runs in memory: a session over some URLs from one ISP, and its records."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gatewatch.lab.country.scenario import Scenario
from gatewatch.lab.rehearse import in_memory
from gatewatch.runner.plan import make
from gatewatch.runner.probes import load as probe
from gatewatch.runner.session import Session, conduct
from gatewatch.store import read
from gatewatch_targets import Target


class Quiet:
    """Hears how the run goes, and says nothing."""

    def __getattr__(self, _: str) -> Any:
        return lambda *args, **kwargs: None


def measured(
    root: Path, scenario: str | Scenario, isp: str, urls: Sequence[str], *, rate: float = 200.0
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Measure with the `web` probe; gives run.json and the measurements."""
    surroundings, vantage = in_memory(scenario, isp, seed=1)
    session = Session(
        root=root,
        plan=make([Target(url) for url in urls], ("web",), seed=1, settings={}, traces=0),
        probes={"web": probe("web")},
        vantage=vantage,
        rate=rate,
        helpers=("https://0.th.ooni.org/",),
        surroundings=surroundings,
    )
    outcome = conduct(session, Quiet())
    assert outcome.folder is not None
    assert outcome.state == "done"
    lines = [json.loads(line) for line in read(outcome.folder)]
    assert len(lines) == len(urls)
    return json.loads((outcome.folder / "run.json").read_text()), lines


def labels(lines: Sequence[dict[str, Any]]) -> dict[str, str]:
    """The verdict on each URL."""
    return {line["input"]: line["x_gatewatch_verdict"]["label"] for line in lines}
