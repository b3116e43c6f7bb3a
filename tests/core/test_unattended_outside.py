"""What an unattended run has to do with others: uploads after it, and a monitor that it tells of itself."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pytest
from tests.worlds.duty import BEGAN, Time, ending, events, orders
from tests.worlds.monitor import monitor
from tests.worlds.netrc import everywhere
from tests.worlds.publisher import Answer, publisher

from gatewatch.store import lock
from gatewatch.unattended.duty import Delivered, Duty
from gatewatch.unattended.log import LOG
from gatewatch.unattended.ping import Ping, address, checked
from gatewatch.unattended.status import Status, faults

# -- uploading is none of measuring's business


def test_uploading_comes_after_measuring_and_cannot_spoil_it(tmp_path: Path) -> None:
    def deliver() -> Delivered:
        with lock(tmp_path):  # measuring's lock is free
            raise RuntimeError("/home/somebody: broken")

    ended = Duty(orders(tmp_path, Time(), deliver=deliver)).do(ending(tmp_path, "done"))
    assert ended.code == 0
    assert [event["event"] for event in events(tmp_path)][-2:] == ["upload failed", "end"]
    assert "somebody" not in (tmp_path / LOG).read_text()
    status = Status.read(tmp_path)
    assert status and status.state == "ended"


def test_what_waits_is_in_the_status_file(tmp_path: Path) -> None:
    done = Delivered(3, 7, 9000, "2026-02-01 00:00:00", ({"name": "ooni", "refused": 2},))
    Duty(orders(tmp_path, Time(), deliver=lambda: done)).do(ending(tmp_path, "done"))
    status = Status.read(tmp_path)
    assert status and (status.spool_measurements, status.spool_bytes) == (7, 9000)
    assert status.spool_oldest == "2026-02-01 00:00:00"
    assert faults(status, BEGAN, going_on=False) == ["ooni refused 2 measurements"]


# -- the monitor


def test_a_monitor_is_told_start_and_end(tmp_path: Path) -> None:
    with monitor() as there:
        Duty(orders(tmp_path, Time(), ping=there.url)).do(ending(tmp_path, "done"))
        Duty(orders(tmp_path, Time(), ping=there.url)).do(ending(tmp_path, "partial"))
    assert there.told == ["/key/start", "/key", "/key/start", "/key/fail"]


def test_a_monitor_learns_nobodys_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(tmp_path, monkeypatch)
    with monitor() as there:
        Duty(orders(tmp_path, Time(), ping=there.url)).do(ending(tmp_path, "done"))
    assert there.logins == [None, None]


def test_a_monitor_that_leads_elsewhere_is_not_listened_to() -> None:
    bomb = gzip.compress(bytes(60_000_000))
    there = {"Location": "/b", "Content-Encoding": "gzip"}
    said: list[str] = []
    with publisher() as server:
        server.answers["/a"] = Answer(bomb, 302, more=there)
        tracemalloc.start()
        try:
            Ping(f"{server.base}/a", said.append).say("success")
            assert tracemalloc.get_traced_memory()[1] < 20_000_000
        finally:
            tracemalloc.stop()
    assert said == ["status 302"]


@pytest.mark.parametrize("status", [500, 302, 0])
def test_a_monitor_that_is_broken_fails_no_run(tmp_path: Path, status: int) -> None:
    with monitor(status or 200) as there:
        pass_on = there.url
        if status:
            Duty(orders(tmp_path, Time(), ping=pass_on)).do(ending(tmp_path, "done"))
    if not status:
        # Nobody listens there any more.
        Duty(orders(tmp_path, Time(), ping=pass_on)).do(ending(tmp_path, "done"))
    failed = [event["trouble"] for event in events(tmp_path) if event["event"] == "ping failed"]
    assert failed == ([f"status {status}"] * 2 if status else ["ConnectionError"] * 2)
    assert "/elsewhere" not in there.told and "key" not in (tmp_path / LOG).read_text()
    assert (status_ := Status.read(tmp_path)) and status_.exit_code == 0


def test_addresses_of_a_monitor() -> None:
    assert address("https://m.example/key/?a=1", "fail") == "https://m.example/key/fail?a=1"
    assert checked("http://127.0.0.1:8000/x") and checked("https://m.example/x")
    for wrong in ("http://m.example/x", "ftp://m.example", "m.example", "https:///x"):
        with pytest.raises(ValueError, match="not an https address"):
            checked(wrong)
