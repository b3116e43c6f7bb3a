import json
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio
from tests.worlds.campaign import Fake, FakeLine, campaign, failed, lasting, sites

from gatewatch.records import TestKeys
from gatewatch.runner.budget import Budget
from gatewatch.store import StoreFull, Unscrubbable, open_for_resume, read
from gatewatch.store.folder import RunFolder
from gatewatch_targets import Target


def stored(folder: RunFolder) -> list[dict[str, Any]]:
    return [json.loads(line) for line in read(folder.path)]


def items(folder: RunFolder) -> list[str]:
    return [record["x_gatewatch_item"] for record in stored(folder)]


def test_starts_keep_the_rate_exactly_however_long_each_takes(tmp_path: Path) -> None:
    probe = Fake(lasting(7))
    ran = campaign(tmp_path, sites(5), probe, rate=4)
    assert [t for _, t in probe.starts] == [0, 0.25, 0.5, 0.75, 1.0]
    assert (ran.whole, ran.seconds) == (True, 8.0)
    assert ran.log.told == [("started", 5, 0)] and len(ran.log.verdicts) == 5


def test_a_blackholed_third_costs_one_time_out_and_not_their_sum(tmp_path: Path) -> None:
    async def act(target: Target) -> TestKeys:
        if int(target.host.removeprefix("site").removesuffix(".org")) % 3:
            return await lasting(0.1)(target)
        await trio.sleep(10)
        return failed(10)

    ran = campaign(tmp_path, sites(30), Fake(act), rate=10)
    # The last silent one is the 28th, started after 2.7 s.
    assert ran.whole and ran.seconds == pytest.approx(2.7 + 10)


def test_a_host_is_measured_by_one_item_at_a_time_and_otherwise_the_plan_is_followed(tmp_path: Path) -> None:
    running: Counter[str] = Counter()
    most: Counter[str] = Counter()

    async def act(target: Target) -> TestKeys:
        running[target.host] += 1
        most[target.host] = max(most[target.host], running[target.host])
        await trio.sleep(1)
        running[target.host] -= 1
        return TestKeys()

    urls = ["https://a.org/1", "http://a.org/2", "https://a.org:8443/3", "https://b.org/1", "https://c.org/1"]
    probe = Fake(act)
    assert campaign(tmp_path, urls, probe, rate=10).whole
    assert set(most.values()) == {1}
    assert probe.starts == [(urls[0], 0), (urls[3], 0.1), (urls[4], 0.2), (urls[1], 1), (urls[2], 2)]


def test_samples_of_a_running_total_are_not_counted_as_bytes(tmp_path: Path) -> None:
    async def act(target: Target) -> TestKeys:
        keys = await lasting(1, num_bytes=100)(target)
        (read_event,) = keys.network_events or ()
        samples = (replace(read_event, operation="bytes_received_cumulative", num_bytes=n) for n in (50, 100))
        return TestKeys(network_events=(read_event, *samples))

    ran = campaign(tmp_path, sites(3), Fake(act), rate=1, budget=Budget(total_bytes=301))
    assert ran.whole


def test_an_item_over_its_budget_is_skipped_with_the_reason(tmp_path: Path) -> None:
    async def act(target: Target) -> TestKeys:
        return await lasting(1e6 if target.host == "site1.org" else 1)(target)

    ran = campaign(tmp_path, sites(3), Fake(act), budget=Budget(item=5))
    assert (ran.whole, ran.seconds, items(ran.folder)) == (False, 5.1, ["fake-0", "fake-2"])
    assert ran.about["skipped"] == [{"item": "fake-1", "why": "took longer than 5 s"}]
    assert ("skipped", "fake-1", "took longer than 5 s") in ran.log.told


def test_a_probe_that_waits_by_design_is_held_to_its_own_limit_and_the_reason_names_that(
    tmp_path: Path,
) -> None:
    class Patient(Fake):
        seconds = 60.0

    ran = campaign(tmp_path, sites(1), Patient(lasting(1e6)), budget=Budget(item=5))
    assert ran.about["skipped"] == [{"item": "fake-0", "why": "took longer than 60 s"}]
    assert ran.seconds == 60.0


@pytest.mark.parametrize(
    ("budget", "why", "measured", "seconds"),
    [
        # Time ends what is under way; for bytes, what is under way (or next in line) may end.
        (Budget(run=3.5), "the run's time budget is used up", 3, 3.5),
        (Budget(total_bytes=250), "the run's byte budget is used up", 4, 3.9),
    ],
)
def test_a_budget_ends_the_run_and_the_rest_is_measured_later(
    tmp_path: Path, budget: Budget, why: str, measured: int, seconds: float
) -> None:
    ran = campaign(tmp_path, sites(6), Fake(lasting(0.9, num_bytes=100)), rate=1, budget=budget)
    first = items(ran.folder)
    assert (ran.whole, ran.skipped) == (False, [{"item": "", "why": why}])
    assert len(first) == measured and ran.seconds == pytest.approx(seconds)
    ran.folder.close("partial")

    probe = Fake(lasting(0.9))
    again = campaign(tmp_path, sites(6), probe, rate=1, folder=open_for_resume(ran.folder.path))
    assert again.whole and again.log.told == [("started", 6, len(first))]
    assert sorted(items(again.folder)) == [f"fake-{n}" for n in range(6)]
    assert [url for url, _ in probe.starts] == sites(6)[len(first) :]


def test_a_budget_that_the_last_item_uses_up_leaves_nothing_over(tmp_path: Path) -> None:
    ran = campaign(tmp_path, sites(3), Fake(lasting(1, num_bytes=100)), budget=Budget(total_bytes=300))
    assert ran.whole and not ran.skipped


def test_bytes_of_what_was_thrown_away_were_spent_too(tmp_path: Path) -> None:
    async def act(target: Target) -> TestKeys:
        done = await lasting(1, num_bytes=100)(target)
        return TestKeys(queries=failed(1).queries, network_events=done.network_events)

    ran = campaign(tmp_path, sites(3), Fake(act), line=FakeLine((0.5, 9)), budget=Budget(total_bytes=100))
    assert ran.skipped == [{"item": "", "why": "the run's byte budget is used up"}]
    assert (items(ran.folder), ran.seconds) == ([], 1.2)


async def nursery_trouble(_: Target) -> TestKeys:
    async def worse() -> None:
        raise RuntimeError("from within")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(worse)
    raise AssertionError


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (RuntimeError("no such ability"), "could not run: no such ability"),
        (ValueError("not for this target"), "could not run: not for this target"),
        (KeyError("addrs"), "could not run: KeyError: 'addrs'"),
        (None, "could not run: from within"),
    ],
)
def test_a_probe_that_cannot_run_is_skipped_and_the_rest_goes_on(
    tmp_path: Path, error: Exception | None, why: str
) -> None:
    async def act(target: Target) -> TestKeys:
        if target.host != "site1.org":
            return TestKeys()
        if error is None:
            return await nursery_trouble(target)
        raise error

    ran = campaign(tmp_path, sites(3), Fake(act))
    assert items(ran.folder) == ["fake-0", "fake-2"]
    assert (ran.whole, ran.skipped) == (False, [{"item": "fake-1", "why": why}])


def test_what_cannot_be_scrubbed_is_skipped_and_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise Unscrubbable("an own address is left")

    monkeypatch.setattr("gatewatch.runner.campaign.Scrubber.measurement", refuse)
    ran = campaign(tmp_path, sites(1), Fake(lasting(1)))
    assert ran.skipped == [{"item": "fake-0", "why": "could not be stored: an own address is left"}]
    assert not ran.folder.measured


def test_a_full_disk_is_not_taken_for_the_items_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise StoreFull("No space left")

    monkeypatch.setattr(RunFolder, "append", refuse)
    with pytest.raises(ExceptionGroup) as raised:
        campaign(tmp_path, sites(1), Fake(lasting(1)))
    assert raised.group_contains(StoreFull)


def test_what_failed_on_a_dead_line_is_measured_again_and_never_recorded(tmp_path: Path) -> None:
    line = FakeLine((10, 30))

    async def act(_: Target) -> TestKeys:
        await trio.sleep(2.25)
        return TestKeys() if line.is_up else failed(2.25)

    probe = Fake(act)
    ran = campaign(tmp_path, sites(15), probe, rate=1, line=line)
    assert ran.whole and sorted(items(ran.folder)) == sorted(f"fake-{n}" for n in range(15))
    assert [r["test_keys"].get("queries") for r in stored(ran.folder)] == [None] * 15
    # The first failure, of what began at 8, leads to a look; the next start waits, and looks every 5 s.
    assert ran.log.told == [("started", 15, 0), ("paused", 11.0), ("resumed", 31.0)]
    assert [(look["t"], look["up"]) for look in ran.about["line"]] == [(0, True), (10.2, False), (31.0, True)]
    # Four were under way, or waiting for their slot, while the line was down.
    assert Counter(url for url, _ in probe.starts) == Counter(sites(15) + sites(12)[8:])
    assert ran.folder.path.joinpath("measurements.jsonl").read_text().count("\n") == 15


def test_a_good_look_before_a_failure_says_nothing_about_it(tmp_path: Path) -> None:
    line = FakeLine((10, 30))
    long = iter([20.0, 1.0])

    async def act(target: Target) -> TestKeys:
        if target.host == "site1.org":
            await trio.sleep(5)
            return failed(5)  # of itself: the line is up, and was just looked at
        await trio.sleep(next(long))
        return TestKeys() if line.is_up else failed(20)

    ran = campaign(tmp_path, sites(2), Fake(act), line=line)
    assert {r["x_gatewatch_item"]: "queries" in r["test_keys"] for r in stored(ran.folder)} == {
        "fake-0": False,
        "fake-1": True,
    }


@pytest.mark.parametrize("t", [1.0, None])
def test_a_failure_of_its_own_is_recorded_and_the_line_is_asked_once(tmp_path: Path, t: float | None) -> None:
    async def act(_: Target) -> TestKeys:
        await trio.sleep(1)
        return failed(t)

    ran = campaign(tmp_path, sites(2), Fake(act))
    assert ran.whole and ran.log.told == [("started", 2, 0)] and len(stored(ran.folder)) == 2


def test_every_measurement_says_who_where_and_when(tmp_path: Path) -> None:
    ran = campaign(tmp_path, sites(1), Fake(lasting(1.5)))
    (record,) = stored(ran.folder)
    assert {k: record[k] for k in ("test_name", "test_version", "test_runtime", "input", "probe_ip")} == {
        "test_name": "fake",
        "test_version": "1.0.0",
        "test_runtime": 1.5,
        "input": "https://site0.org/",
        "probe_ip": "127.0.0.1",
    }
    assert (record["probe_cc"], record["probe_asn"], record["probe_network_name"]) == (
        "KH",
        "AS38623",
        "An ISP",
    )
    assert record["id"] == f"{ran.folder.id}/fake-0" and record["x_gatewatch_item"] == "fake-0"
    assert record["x_gatewatch_target"]["risk"] == "medium"
    verdict = ran.log.verdicts["fake-0"]
    assert verdict is not None and record["x_gatewatch_verdict"] == verdict.to_json()


@pytest.mark.parametrize(
    ("about", "named"),
    [
        ({"helper": "https://a.org/"}, {"backend": {"address": "https://a.org/", "type": "https"}}),
        ({"helper": None}, None),
        (None, None),
    ],
)
def test_a_record_names_the_helper_that_answered_as_oonis_do(
    tmp_path: Path, about: object, named: object
) -> None:
    async def act(_: Target) -> TestKeys:
        return TestKeys(extra={"x_gatewatch_control": about})

    (record,) = stored(campaign(tmp_path, sites(1), Fake(act)).folder)
    assert record.get("test_helpers") == named


@pytest.mark.parametrize(
    ("habits", "said"),
    [
        ({"asn": 15169, "name": "Google", "egress": "172.253.0.0/24"}, ("AS15169", "Google", "127.0.0.2")),
        ({"asn": 0, "name": ""}, ("AS0", "", "127.0.0.2")),
        (None, ("AS0", "", "127.0.0.2")),
    ],
)
def test_the_resolver_s_network_is_told_where_it_is_known(tmp_path: Path, habits: Any, said: Any) -> None:
    async def act(_: Target) -> TestKeys:
        return TestKeys(extra={"x_gatewatch_resolver": habits})

    folder = campaign(tmp_path, sites(1), Fake(act), rate=10).folder
    (record,) = stored(folder)
    assert (record["resolver_asn"], record["resolver_network_name"], record["resolver_ip"]) == said


def test_what_times_out_on_a_line_that_the_run_fills_is_measured_again_more_slowly(tmp_path: Path) -> None:
    under_way, crowded = [0], [-math.inf]

    async def act(_: Target) -> TestKeys:
        under_way[0] += 1
        if under_way[0] > 3:
            crowded[0] = trio.current_time() + 1
        await trio.sleep(1)
        under_way[0] -= 1
        return failed(1.0) if trio.current_time() <= crowded[0] else TestKeys()

    line = FakeLine(full=lambda: trio.current_time() <= crowded[0])
    probe = Fake(act)
    ran = campaign(tmp_path, sites(12), probe, line=line, rate=10)
    assert ran.whole
    assert not any(b"generic_timeout_error" in line for line in read(ran.folder.path))
    assert len(probe.starts) > 12
    assert any(what == "paused" for what, *_ in ran.log.told)
    begun = [when for _, when in probe.starts]
    assert begun[1] - begun[0] == pytest.approx(0.1)
    assert begun[-1] - begun[-2] >= 0.2


def test_what_is_silent_on_a_full_line_again_and_again_is_recorded(tmp_path: Path) -> None:
    async def act(_: Target) -> TestKeys:
        await trio.sleep(1)
        return failed(1.0)

    probe = Fake(act)
    ran = campaign(tmp_path, sites(1), probe, line=FakeLine(full=lambda: True))
    assert ran.whole
    assert len(probe.starts) == 4


def test_a_reset_on_a_full_line_is_recorded_at_once(tmp_path: Path) -> None:
    async def act(_: Target) -> TestKeys:
        await trio.sleep(1)
        query = replace(failed(1.0).queries[0], failure="connection_reset")  # type: ignore[index] # one is there
        return TestKeys(queries=(query,))

    probe = Fake(act)
    campaign(tmp_path, sites(1), probe, line=FakeLine(full=lambda: True))
    assert len(probe.starts) == 1
