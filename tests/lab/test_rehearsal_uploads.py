"""Where a rehearsal's machines upload to: a collector that breaks, and the row that says what arrived."""

from __future__ import annotations

import gzip
import json
import os
import random
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.worlds import spool

from gatewatch.cli.rehearsal.uploads import uploads
from gatewatch.upload import config
from gatewatch.upload.deliver import Clock, deliver

if TYPE_CHECKING:
    from gatewatch.cli.rehearsal.machine import Place

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="a rehearsal is made of forks, which this system has not"
)


def machine(place: Place, name: str, kind: str, url: str, count: int) -> list[str]:
    """A machine that measured so many; gives their uids."""
    root = place.root(name)
    path = spool.run(root, count, lab={"scenario": "nig-small"})
    place.config(name).write_text(f'[mine]\nkind = "{kind}"\nurl = "{url}"\nlab = true\n')
    return spool.uids(path)


def send(place: Place, name: str, days: int = 20) -> None:
    """Deliver as its unattended runs would, once a day."""
    now = [1e9]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    clock = Clock(lambda: now[0], lambda: now[0], sleep, random.Random(1))
    for day in range(days):
        now[0] = 1e9 + day * 86_400
        there = config.destinations(place.config(name))
        deliver(place.root(name), there, within=900, only_due=True, clock=clock)


def place_in(folder: Path) -> Place:
    from gatewatch.cli.rehearsal.machine import Place

    place = Place(folder)
    place.store.mkdir(parents=True)
    place.collected.mkdir()
    return place


def test_a_collector_that_breaks_gets_everything_and_some_of_it_twice(tmp_path: Path) -> None:
    from gatewatch.cli.rehearsal.collector import Collector

    place = place_in(tmp_path)
    with Collector(place.collected, 1, busy=0.1, lost=0.2) as url:
        assert url.startswith("http://127.0.0.1:")
        sent = [uid for name in ("one", "two") for uid in machine(place, name, "collector", url, 40)]
        for name in ("one", "two"):
            send(place, name)
        files = list(place.collected.iterdir())
    assert {file.suffix for file in files} == {".part"}
    # A file for each run, as in a folder that is uploaded to.
    assert [len(file.name) for file in place.collected.iterdir()] == [64 + len(".jsonl.gz")] * 2
    came = Counter(
        json.loads(line)["annotations"]["gatewatch_uid"]
        for file in place.collected.iterdir()
        for line in gzip.decompress(file.read_bytes()).splitlines()
    )
    # Both measured the same at the same time, so the same is drawn for both.
    assert [came[uid] for uid in sent[:40]] == [came[uid] for uid in sent[40:]]
    # Of eighty, a fifth is to get no answer.
    assert set(came) == set(sent) and 84 <= came.total() <= 125
    found = uploads(place)
    assert (found.arrived, found.again, found.waiting) == (80, came.total() - 80, 0)
    assert (found.held, found.lost) == (80, 0)


def test_a_collector_ends_with_its_block(tmp_path: Path) -> None:
    from gatewatch.cli.rehearsal.collector import Collector

    place = place_in(tmp_path)
    with Collector(place.collected, 1) as url:
        pass
    machine(place, "one", "collector", url, 3)
    send(place, "one", days=1)
    assert uploads(place).waiting == 3 and not list(place.collected.iterdir())


def test_what_was_lost_or_is_there_twice_is_said(tmp_path: Path) -> None:
    place = place_in(tmp_path)
    machine(place, "one", "store", place.store.as_uri(), 5)
    machine(place, "two", "store", place.store.as_uri(), 7)
    send(place, "one", days=1)
    found = uploads(place)
    assert (found.arrived, found.again, found.waiting, found.held, found.lost) == (5, 0, 7, 5, 0)
    built = {"measurements": 5, "copies": 0, "aside": 0}
    assert found.row(built).good
    for wrong in ({"measurements": 4}, {"measurements": 6}, {"copies": 1}, {"aside": 1}):
        assert not found.row({**built, **wrong}).good
    send(place, "two", days=1)
    file = max(place.store.rglob("*.jsonl.gz"), key=lambda file: file.stat().st_size)
    file.unlink()
    found = uploads(place)
    assert (found.waiting, found.held, found.lost) == (0, 12, 7)
    row = found.row(built)
    assert not row.good and "7 of 12 that machines still have lost" in row.found
