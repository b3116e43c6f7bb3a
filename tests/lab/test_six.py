"""Whole runs where IPv6 works, is broken or is absent: nothing is called blocked because of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gatewatch.lab.rehearse import in_memory
from gatewatch.lab.scenario import load
from gatewatch.lab.truth import truth
from gatewatch.runner.plan import make
from gatewatch.runner.probes import load as probe
from gatewatch.runner.session import Session, conduct
from gatewatch.store import read
from gatewatch_targets import Target

SIX = load("six")
URLS = [f"https://site-{n}.com/" for n in range(25)] + ["http://only-six.com/", "https://only-six.com/"]


class Quiet:
    """Hears how the run goes, and says nothing."""

    def __getattr__(self, _: str) -> Any:
        return lambda *args, **kwargs: None


def measured(root: Path, isp: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    surroundings, vantage = in_memory("six", isp, seed=1)
    plan = make([Target(url) for url in URLS], ("web",), seed=1, settings={}, traces=0)
    session = Session(
        root=root,
        plan=plan,
        probes={"web": probe("web")},
        vantage=vantage,
        rate=200.0,
        helpers=("https://0.th.ooni.org/",),
        surroundings=surroundings,
    )
    outcome = conduct(session, Quiet())
    assert outcome.folder is not None
    assert outcome.state == "done"
    lines = [json.loads(line) for line in read(outcome.folder)]
    assert len(lines) == len(URLS)
    return json.loads((outcome.folder / "run.json").read_text()), lines


@pytest.mark.parametrize("isp", ["works", "broken", "absent"])
def test_every_verdict_is_the_truth(tmp_path: Path, isp: str) -> None:
    _, lines = measured(tmp_path, isp)
    told = {line["input"]: line["x_gatewatch_verdict"]["label"] for line in lines}
    assert told == {url: truth(SIX, isp, url).label for url in URLS}
    blocked = [url for url, label in told.items() if label.startswith("blocked")]
    assert bool(blocked) is (isp == "works")
    only = "ok" if isp == "works" else "inconclusive(no_ipv6)"
    assert told["https://only-six.com/"] == told["http://only-six.com/"] == only


@pytest.mark.parametrize(("isp", "used"), [("works", True), ("broken", False), ("absent", False)])
def test_ipv6_is_measured_where_the_line_was_seen_to_have_it(tmp_path: Path, isp: str, used: bool) -> None:
    _, lines = measured(tmp_path, isp)
    connects = [row for line in lines for row in line["test_keys"].get("tcp_connect") or ()]
    assert any(":" in row["ip"] for row in connects) is used
    assert {line["test_keys"]["x_gatewatch_line"]["ipv6"] for line in lines} == {used}


def test_the_clients_addresses_of_both_families_are_scrubbed(tmp_path: Path) -> None:
    _, lines = measured(tmp_path, "works")
    text = json.dumps(lines)
    isp = SIX.isp("works")
    assert isp.client not in text
    assert isp.client6 not in text
