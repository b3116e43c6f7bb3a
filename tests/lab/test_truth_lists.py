"""Truth and servers agree on real lists: every URL that is called up is really served, byte for byte."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from gatewatch.lab.country.scenario import load
from gatewatch.lab.country.sites import split
from gatewatch.lab.country.truth import truth
from gatewatch.lab.servers.helper import fetch
from gatewatch.lab.world import World
from gatewatch.records.control import Question

LISTS = Path(__file__).resolve().parents[2] / "../shared/data/citizenlab"


def urls() -> list[str]:
    found = []
    for name in ("kh", "global"):
        path = LISTS / f"{name}.csv"
        if not path.is_file():
            pytest.skip(f"Citizen Lab list not present: {path}")
        with path.open(encoding="utf-8", newline="") as lines:
            found += [row["url"] for row in csv.DictReader(lines)]
    return found


def visit(world: World, url: str) -> str:
    """What an unfiltered visitor finds: the helper's own eyes, without its protocol."""
    return "ok" if fetch(world, Question(url))["failure"] is None else "down"


def test_the_clear_isps_truth_is_what_an_unfiltered_visitor_finds() -> None:
    scenario = load("methods")
    world = World(scenario)
    wrong = [url for url in urls() if visit(world, url) != truth(scenario, "clear", url).label]
    assert wrong == []


def test_every_way_of_blocking_gets_a_third_of_the_urls_it_can_reach() -> None:
    scenario = load("methods")
    listed = urls()[::3]
    assert len(listed) > 600
    plain = sum(split(url).scheme == "http" for url in listed) / len(listed)
    for isp in scenario.isps:
        counts = Counter(truth(scenario, isp.id, url).status for url in listed)
        assert counts["down"] > 25
        acting = [box for box in isp.boxes if box.chooses]
        if len(acting) > 1:  # several boxes on one path share the names among them
            assert counts["blocked"] > 100
        elif not acting or acting[0].truth.startswith("inconclusive"):
            # The lists hold an address or two of resolvers whose DNS over HTTPS an ISP drops.
            assert counts["blocked"] <= (2 if isp.boxes and not acting else 0)
        elif acting[0].paths:
            assert 0 < counts["blocked"] < 0.2 * len(listed) * plain
        elif acting[0].layer == "http":
            assert 0.2 < counts["blocked"] / (len(listed) * plain) < 0.4
        else:
            assert 0.2 < counts["blocked"] / len(listed) < 0.4


def test_kh_2024_blocks_what_was_documented_and_nothing_else() -> None:
    scenario = load("kh-2024")
    blocked = {url for url in urls() if truth(scenario, "wicam", url).status == "blocked"}
    hosts = {split(url).host.removeprefix("www.") for url in blocked}
    assert hosts == {
        *(
            "rfa.org",
            "cambodiadaily.com",
            "english.cambodiadaily.com",
            "kamnotra.io",
            "camnews.org",
            "dtn7.com",
        ),
        *("vodenglish.news", "vodkhmer.news", "ccimcambodia.org", "monoroom.info", "change.org", "8kun.top"),
        "xvideos.com",
    }
