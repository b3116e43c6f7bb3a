"""Delivering to a collector that is down, slow, broken, cut off, busy, and back: each measurement once."""

from __future__ import annotations

import json
import os
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.worlds import authority, spool
from tests.worlds.collector import Collector, Mode, collector

from gatewatch.net.bounded import Unfinished, bounded
from gatewatch.store import Locked, create, lock, open_for_resume, read
from gatewatch.upload import config
from gatewatch.upload.collector import Collector as Sender
from gatewatch.upload.config import Destination, Protocol
from gatewatch.upload.deliver import FOLDER, Carrier, Clock, Result, Singly, deliver
from gatewatch.upload.ledger import Ledger
from gatewatch.upload.spool import may_go, waiting

PROTOCOLS: tuple[Protocol, ...] = ("submit", "report")
# What a collector does wrong after it has kept a measurement, and before; the first may arrive twice.
AFTER: tuple[Mode, ...] = ("slow", "stored then 500", "cut", "reset", "endless")
BEFORE: tuple[Mode, ...] = (
    "deaf",
    "500",
    "cut early",
    "429",
    "portal",
    "redirect",
    "forbidden",
    "503 without end",
)


@dataclass
class Time:
    """A clock that stands still until somebody sleeps."""

    now: float = 1e9
    slept: list[float] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def clock(self) -> Clock:
        return Clock(lambda: self.now, lambda: self.now, self.sleep, self.chance)


@pytest.fixture
def there() -> Iterator[Collector]:
    with collector() as running:
        yield running


@contextmanager
def hasty(destination: Destination) -> Iterator[Carrier]:
    """The way to a collector, for those who wait no minute for an answer."""
    with Sender(destination, patience=(0.3, 0.15)) as sender:
        yield Singly(destination, sender)


def to(there: Collector, protocol: Protocol = "submit", **more: Any) -> Destination:
    return replace(config.collector(there.url, protocol), lab=True, **more)


def send(
    root: Path, destination: Destination, time: Time | None = None, within: float = 1.0, **more: Any
) -> Result:
    clock = (time or Time()).clock()
    return deliver(root, [destination], within=within, clock=clock, opened=hasty, **more)[0]


# -- all is well


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_measurement_arrives_as_it_was_stored(
    tmp_path: Path, there: Collector, protocol: Protocol
) -> None:
    runs = [spool.run(tmp_path, 3), spool.run(tmp_path, 2, tests=("trace", "web_connectivity"))]
    result = send(tmp_path, to(there, protocol))
    assert (result.stored, result.refused, result.waiting.measurements) == (5, 0, 0)
    assert [uid for uid, _ in there.arrived] == spool.uids(*sorted(runs))
    for path in runs:
        for text, name in zip(read(path), spool.uids(path), strict=True):
            stored = json.loads(text.decode("utf-8", "surrogatepass"))
            got = there.kept[name]
            assert got.pop("annotations") == {"engine_name": "gatewatch", "gatewatch_uid": name}
            assert (got.pop("report_id") != "") == (protocol == "report")
            del stored["annotations"], stored["report_id"]
            assert got == stored
    assert there.closed == set(there.reports) and len(there.reports) == (3 if protocol == "report" else 0)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_there_is_not_sent_again_and_not_even_read(
    tmp_path: Path, there: Collector, protocol: Protocol
) -> None:
    path = spool.run(tmp_path, 3)
    send(tmp_path, to(there, protocol))
    before = list(there.asked)
    # The ledger knows that all of this very file is there: unreadable, it is as good.
    stat = (path / "measurements.jsonl.gz").stat()
    (path / "measurements.jsonl.gz").write_bytes(b"x" * stat.st_size)
    os.utime(path / "measurements.jsonl.gz", ns=(stat.st_mtime_ns, stat.st_mtime_ns))
    assert send(tmp_path, to(there, protocol)).stored == 0 and there.asked == before


def test_over_tls_that_is_verified(tmp_path: Path) -> None:
    spool.run(tmp_path, 2)
    trusted = tmp_path / "ca.pem"
    authority.ca().cert_pem.write_to_path(trusted)
    for issuer, arrives in ((authority.stranger(), 0), (authority.ca(), 2)):
        with collector(authority.server("127.0.0.1", authority=issuer)) as there:
            result = send(tmp_path, to(there, ca=str(trusted)))
            assert (result.stored, len(there.arrived)) == (arrives, arrives)
            assert ("certificate is not trusted" in result.health.trouble) == (not arrives)
    with collector(authority.server("another.example")) as there:
        assert send(tmp_path, to(there, ca=str(trusted))).stored == 0 == len(there.arrived)


def test_what_goes_to_this_machine_goes_to_no_proxy(
    tmp_path: Path, there: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Plain HTTP is for the loopback alone, and what a lab measured must not leave it either.
    spool.run(tmp_path, 2)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with collector() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert send(tmp_path, to(there)).stored == 2
    assert len(there.arrived) == 2 and not proxy.asked


def test_only_the_tests_that_are_wanted(tmp_path: Path, there: Collector) -> None:
    path = spool.run(tmp_path, 4, tests=("trace", "web_connectivity"))
    result = send(tmp_path, to(there, tests=("web_connectivity",)))
    assert (result.stored, result.waiting.measurements) == (2, 0)
    assert {record["test_name"] for record in there.kept.values()} == {"web_connectivity"}
    # Who wants more later gets the rest, and nothing twice.
    assert send(tmp_path, to(there)).stored == 2 and there.times == Counter(spool.uids(path))


def test_runs_of_the_lab_stay_unless_they_are_wanted(tmp_path: Path, there: Collector) -> None:
    lab = spool.run(tmp_path, 2, lab={"scenario": "small"})
    real = spool.run(tmp_path, 1)
    ordinary = replace(to(there), lab=False)
    assert send(tmp_path, ordinary).stored == 1 and list(there.kept) == spool.uids(real)
    assert may_go(lab, [ordinary]) and not may_go(lab, [to(there)])
    assert send(tmp_path, to(there)).stored == 2 and set(there.kept) == set(spool.uids(lab, real))


# -- it breaks, and comes back


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("mode", [*BEFORE, *AFTER])
def test_a_collector_that_breaks_once_gets_each_measurement_once(
    tmp_path: Path, there: Collector, protocol: Protocol, mode: Mode
) -> None:
    path = spool.run(tmp_path, 4)
    send(tmp_path, to(there, protocol), within=0)
    assert len(there.arrived) == 1
    there.modes.extend([mode])
    time = Time(1e9 + 1e6)
    result = send(tmp_path, to(there, protocol), time)
    assert result.waiting.measurements == 3 and result.health.failures == 1 and result.health.trouble
    assert result.waiting.doubtful == 1
    left = [uid for uid in spool.uids(path) if uid not in there.kept]
    assert left == spool.uids(path)[2 if mode in AFTER else 1 :]
    # Later, it goes on where it was.
    time.now += 1.1 * 86400 + 1
    result = send(tmp_path, to(there, protocol), time)
    assert (result.stored, result.waiting.measurements, result.health.failures) == (3, 0, 0)
    assert set(there.kept) == set(spool.uids(path))
    # Whoever does not know of uids has the one in doubt twice, the same to the byte, and no other.
    assert there.times == Counter(spool.uids(path)) + Counter(spool.uids(path)[1:2] if mode in AFTER else ())
    assert there.closed == set(there.reports)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_collector_that_is_down_for_a_month_loses_nothing(
    tmp_path: Path, there: Collector, protocol: Protocol
) -> None:
    there.down()
    time = Time()
    runs = []
    for _day in range(0, 30, 3):
        runs.append(spool.run(tmp_path, 6))
        for _ in range(3 * 2):
            result = send(tmp_path, to(there, protocol), time, only_due=True)
            time.now += 12 * 3600
    assert result.waiting.measurements == 60 and result.waiting.runs == 10
    assert result.health.failures == 60
    assert not any(may_go(path, [to(there, protocol)]) for path in runs)
    there.up()
    time.now += 6 * 3600
    result = send(tmp_path, to(there, protocol), time, only_due=True)
    assert (result.stored, result.waiting.measurements) == (60, 0)
    assert there.times == Counter(spool.uids(*runs))
    assert all(may_go(path, [to(there, protocol)]) for path in runs)


def test_within_its_time_a_delivery_tries_again_by_itself(tmp_path: Path, there: Collector) -> None:
    path = spool.run(tmp_path, 3)
    there.modes.extend(["500", "up", "cut", "500", "portal"])
    time = Time()
    result = send(tmp_path, to(there), time, within=600)
    assert (result.stored, result.waiting.measurements) == (3, 0)
    assert set(there.kept) == set(spool.uids(path))
    assert len(time.slept) == 4 and 15 <= time.slept[0] <= 30 and max(time.slept) <= 120
    there.always = "500"
    spool.run(tmp_path, 1)
    time = Time()
    assert send(tmp_path, to(there), time, within=600).waiting.measurements == 1
    assert sum(time.slept) < 600


def test_what_the_server_asks_for_is_kept(tmp_path: Path, there: Collector) -> None:
    spool.run(tmp_path, 1)
    there.modes.extend(["429"])
    time = Time()
    result = send(tmp_path, to(there), time, within=600)
    assert time.slept == [] and result.health.asked and 3600 <= result.health.not_before - time.now <= 3960
    # Not even somebody who calls the command gets round it.
    assert send(tmp_path, to(there), time).stored == 0 and len(there.asked) == 1
    time.now += 3961
    assert send(tmp_path, to(there), time).stored == 1


def test_a_date_far_away_is_not_believed(tmp_path: Path, there: Collector) -> None:
    spool.run(tmp_path, 1)
    there.modes.extend(["429 by date"])
    time = Time()
    send(tmp_path, to(there), time)
    time.now += 1.1 * 86400 + 1
    assert send(tmp_path, to(there), time, only_due=True).stored == 1


def test_our_own_patience_is_only_for_cron(tmp_path: Path, there: Collector) -> None:
    spool.run(tmp_path, 1)
    there.modes.extend(["500"])
    time = Time()
    send(tmp_path, to(there), time)
    assert send(tmp_path, to(there), time, only_due=True).stored == 0 and len(there.asked) == 1
    assert send(tmp_path, to(there), time).stored == 1


def test_one_destination_does_not_wait_for_another(tmp_path: Path, there: Collector) -> None:
    path = spool.run(tmp_path, 2)
    with collector() as broken:
        broken.always = "500"
        first, second = deliver(
            tmp_path, [to(broken), to(there)], within=1, clock=Time().clock(), opened=hasty
        )
        assert (first.stored, second.stored) == (0, 2)
        assert not may_go(path, [to(broken), to(there)]) and may_go(path, [to(there)])


# -- what is never taken


def test_what_is_refused_holds_nobody_up_and_is_kept(tmp_path: Path, there: Collector) -> None:
    path = spool.run(tmp_path, 3)
    there.modes.extend(["up", "refuse"])
    result = send(tmp_path, to(there))
    assert (result.stored, result.refused, result.waiting.refused) == (2, 1, 1)
    # Whoever keeps no more than some bytes or days of runs does so of this one, too.
    assert result.waiting.measurements == 0 and may_go(path, [to(there)])
    assert list(Ledger.open(path, to(there).key).refused.values()) == ["status 400: malformed \x1b[31m"]
    assert send(tmp_path, to(there)).stored == 0
    result = send(tmp_path, to(there), again=True)
    assert (result.stored, result.waiting.refused) == (1, 0)
    assert may_go(path, [to(there)]) and there.times == Counter(spool.uids(path))


def test_a_report_that_the_collector_has_forgotten_is_opened_anew(tmp_path: Path, there: Collector) -> None:
    path = spool.run(tmp_path, 3)
    send(tmp_path, to(there, "report"), within=0)
    there.modes.extend(["forgetful"])
    result = send(tmp_path, to(there, "report"), within=600)
    assert result.stored == 2 and set(there.times) == set(spool.uids(path)) and len(there.reports) == 2


# -- runs that change in the meantime


def test_a_run_that_goes_on_afterwards_is_sent_from_there(tmp_path: Path, there: Collector) -> None:
    path = spool.run(tmp_path, 2, state="interrupted")
    assert send(tmp_path, to(there)).stored == 2
    with open_for_resume(path) as folder:
        folder.append("late", spool.line("late"))
    assert send(tmp_path, to(there)).stored == 1
    assert there.times == Counter(spool.uids(path)) and len(there.times) == 3


def test_a_killed_run_is_sent_and_one_under_way_is_not(tmp_path: Path, there: Collector) -> None:
    killed = spool.run(tmp_path, 2, state="")
    with (killed / "measurements.jsonl").open("ab") as file:
        file.write(b'{"half": ')
    with lock(tmp_path), create(tmp_path, {"items": []}, {"lab": None}) as live:
        live.append("a", spool.line("a"))
        assert send(tmp_path, to(there)).stored == 2
        assert set(there.kept) == set(spool.uids(killed))
    assert send(tmp_path, to(there)).stored == 1


def test_a_run_that_died_before_its_first_measurement_is_no_trouble(tmp_path: Path, there: Collector) -> None:
    dead = spool.run(tmp_path, 0, state="")
    (dead / "measurements.jsonl").unlink()
    empty = spool.run(tmp_path, 0, state="")
    whole = spool.run(tmp_path, 1)
    assert send(tmp_path, to(there)).stored == 1 and list(there.kept) == spool.uids(whole)
    assert may_go(dead, [to(there)]) and may_go(empty, [to(there)])


def test_a_run_that_is_deleted_in_the_meantime_is_no_trouble(tmp_path: Path, there: Collector) -> None:
    import shutil

    paths = [spool.run(tmp_path, 2) for _ in range(2)]

    def told(_destination: Destination, _answer: Any, _count: int) -> None:
        if len(there.arrived) == 1:
            shutil.rmtree(sorted(paths)[0])

    result = send(tmp_path, to(there), told=told)
    assert result.waiting.measurements == 0 and len(there.arrived) >= 3


def test_two_deliveries_do_not_meet(tmp_path: Path, there: Collector) -> None:
    spool.run(tmp_path, 1)
    with lock(tmp_path / FOLDER), pytest.raises(Locked):
        send(tmp_path, to(there))
    # A run under way is no hindrance, and a delivery none for a run.
    with lock(tmp_path):
        send(tmp_path, to(there))


def test_a_delivery_that_hangs_is_left_behind() -> None:
    forever = threading.Event()
    with pytest.raises(Unfinished):
        bounded(partial(forever.wait, 30), 0.0, grace=0.01)
    forever.set()
    with pytest.raises(ZeroDivisionError):
        bounded(lambda: 1 // 0, 1.0)


def test_everything_known_may_be_lost_and_the_names_stay(tmp_path: Path, there: Collector) -> None:
    path = spool.run(tmp_path, 3)
    send(tmp_path, to(there))
    Ledger.open(path, to(there).key).path.unlink()
    send(tmp_path, to(there))
    assert set(there.times.values()) == {2} and set(there.kept) == set(spool.uids(path))


def test_what_waits(tmp_path: Path, there: Collector) -> None:
    assert waiting(tmp_path, to(there)).measurements == 0
    spool.run(tmp_path, 3)
    spool.run(tmp_path, 2)
    found = waiting(tmp_path, to(there))
    assert (found.measurements, found.runs) == (5, 2) and found.bytes > 500 and found.oldest
    send(tmp_path, to(there), within=0)
    assert waiting(tmp_path, to(there)).measurements == 4
