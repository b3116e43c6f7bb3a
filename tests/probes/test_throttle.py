"""throttle: a slowed name is found with its ratio, and a poor line is not called throttled."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import trio
from tests.worlds.clock import run
from tests.worlds.country import attached, measure
from tests.worlds.pace import LINE, SLOW, line
from tests.worlds.quic import ISP, box

from gatewatch.lab.country.host import Host
from gatewatch.lab.country.scenario import Box, Scenario
from gatewatch.records import Measurement, TestKeys, decode, dumps, encode
from gatewatch.verdict import Verdict, judge
from gatewatch.verdict.reading import features
from gatewatch_probes import throttle
from gatewatch_probes.throttle import Throttle
from gatewatch_targets import Target

# A shaper, whose rate is exact, and a policer, which TCP cannot use up.
SHAPER: dict[str, Any] = {"kbps": SLOW, "queue_ms": 5000.0}
POLICER: dict[str, Any] = {"kbps": SLOW, "burst": 16_000.0}


def look(scenario: Scenario, url: str = "https://bad.com/", **changes: Any) -> Measurement:
    keys = measure(Throttle(), url, ISP, scenario, **changes)
    return Measurement(
        input=url,
        measurement_start_time="2026-11-01 00:00:00",
        software_version="0.1.0",
        test_keys=keys,
        test_name=Throttle.test_name,
        test_start_time="2026-11-01 00:00:00",
    )


@cache
def slowed() -> Measurement:
    """The plainest case, which several tests look at."""
    return look(line(box("throttle", **SHAPER)))


def verdict(*boxes: Box, url: str = "https://bad.com/", **more: Any) -> Verdict:
    return judge(look(line(*boxes, **more), url))


def rows(m: Measurement, where: str | None = None) -> list[dict[str, Any]]:
    keys = m.test_keys or TestKeys()
    found: list[dict[str, Any]] = keys.extra["x_gatewatch_throttle"]["transfers"]
    return [row for row in found if where in (None, row["where"])]


def test_ten_to_one_is_found_and_stated() -> None:
    m = slowed()
    found = features(m)
    assert judge(m).label == "tampered(throttled)"
    assert (found.pace, found.pace_pairs) == ("site", 5)
    assert found.pace_ratio == pytest.approx(LINE / SLOW, rel=0.05)
    assert found.pace_low <= LINE / SLOW <= found.pace_high
    # The helper had nothing to add, and was left alone.
    assert rows(m, "helper") == []


@pytest.mark.parametrize("seed", range(2))
def test_ten_to_one_is_found_through_jitter(seed: int) -> None:
    found = features(look(line(box("throttle", **SHAPER), jitter_ms=20.0, seed=seed)))
    assert found.pace_low > 1.5
    assert found.pace_ratio == pytest.approx(LINE / SLOW, rel=0.2)


def test_a_policer_that_drops_is_found_too() -> None:
    m = look(line(box("throttle", **POLICER)))
    assert judge(m).label == "tampered(throttled)"
    # TCP gets less than the rate out of a bucket that drops, and never more.
    assert LINE / SLOW <= features(m).pace_ratio <= 1.4 * LINE / SLOW


def test_loss_that_begins_with_the_name_is_found() -> None:
    assert verdict(box("throttle", loss=0.1, delay_ms=150.0)).label == "tampered(throttled)"


def test_over_plain_http_the_host_header_makes_the_difference() -> None:
    m = look(line(box("throttle", **SHAPER)), "http://bad.com/")
    assert judge(m).label == "tampered(throttled)"
    assert {row["host"] for row in rows(m) if row["arm"] == "neutral"} == {"example.com"}


def test_another_page_under_the_neutral_name_is_not_compared_with() -> None:
    # Whoever asks this server for a name it does not have gets its first site's page.
    shared = line(box("throttle", **SHAPER))
    hosts = tuple(Host((name,), addresses=("104.16.9.9",), size=90_000) for name in ("good.com", "bad.com"))
    m = look(replace(shared, hosts=hosts), "http://bad.com/", helpers=())
    assert judge(m).label == "inconclusive(other_page)"
    # Over https the Host stays, and only the SNI is another.
    assert judge(look(replace(shared, hosts=hosts), helpers=())).label == "tampered(throttled)"


def test_another_name_on_such_a_line_is_even() -> None:
    assert verdict(box("throttle", **SHAPER), url="https://good.com/").label == "ok"


@pytest.mark.parametrize(("loss", "seed"), [(0.01, 1), (0.03, 2)])
def test_a_lossy_line_is_not_called_throttled(loss: float, seed: int) -> None:
    assert verdict(loss=loss, jitter_ms=20.0, seed=seed).status in ("ok", "inconclusive")


def test_a_noisy_line_is_asked_for_more_pairs() -> None:
    m = look(line(loss=0.01, jitter_ms=20.0, seed=1))
    assert len({row["pair"] for row in rows(m, "site")}) == throttle.PAIRS + throttle.MORE
    assert rows(m, "helper") == []


def test_a_throttle_of_the_address_cannot_be_seen_so() -> None:
    """Stated in the docs: both names are slow there, and a slow server looks the same."""
    assert verdict(box("throttle", method="address", **SHAPER)).label == "ok"


def test_a_small_site_is_measured_at_the_helper() -> None:
    m = look(line(box("throttle", **SHAPER), size=9000))
    assert judge(m).label == "tampered(throttled)"
    assert features(m).pace == "helper"
    assert features(m).pace_ratio == pytest.approx(LINE / SLOW, rel=0.05)
    names = {(row["arm"], row["sni"], row["host"]) for row in rows(m, "helper")}
    assert names == {
        ("trial", "example.com", "0.th.ooni.org"),
        ("neutral", "example.com", "0.th.ooni.org"),
        ("named", "bad.com", "0.th.ooni.org"),
    }


def test_without_a_large_page_or_a_helper_nothing_is_said() -> None:
    assert judge(look(line(size=9000), helpers=())).label == "inconclusive(too_small)"


def test_what_is_cut_off_is_not_called_throttled() -> None:
    m = look(line(box("sni-reset")))
    assert judge(m).label == "inconclusive(transfer_failed)"
    # Two failures in a row, and it stops.
    assert sum(row["arm"] == "named" for row in rows(m, "site")) == 2


def test_no_digest_of_a_page_that_echoes_our_address_is_kept() -> None:
    assert {row["page"] for row in rows(slowed())} == {1}
    assert {type(value) for row in rows(slowed()) for value in row.values()} <= {
        int,
        float,
        str,
        bool,
        type(None),
    }
    assert not any(
        len(value) > 30 for row in rows(slowed()) for value in row.values() if isinstance(value, str)
    )


def test_orders_are_balanced_and_drawn() -> None:
    m = slowed()
    first: dict[int, str] = {}
    for row in rows(m, "site"):
        if row["arm"] != "trial":
            first.setdefault(row["pair"], row["arm"])
    assert sorted(first.values()) in (
        ["named"] * 2 + ["neutral"] * 3,
        ["named"] * 3 + ["neutral"] * 2,
    )


def test_a_transfer_ends_after_its_bytes_or_its_time() -> None:
    m = look(line(box("throttle", kbps=100.0, queue_ms=60_000.0)))
    named = [row for row in rows(m, "site") if row["arm"] == "named"]
    assert all(row["cut"] and row["seconds"] == pytest.approx(throttle.SECONDS) for row in named)
    assert all(row["bytes"] < throttle.CAP + 65_536 for row in rows(m))
    assert judge(m).label == "tampered(throttled)"


def test_a_budget_that_runs_out_leaves_what_was_measured() -> None:
    async def main() -> TestKeys:
        async with attached(ISP, line(down_kbps=200.0)) as (wire, _):
            with trio.fail_after(180):
                return await Throttle().measure(Target("https://bad.com/"), wire)

    keys = run(main)
    assert 3 <= len(keys.extra["x_gatewatch_throttle"]["transfers"]) <= 20


def test_the_samples_are_on_record_in_oonis_words() -> None:
    m = slowed()
    keys = m.test_keys or TestKeys()
    samples = [e for e in keys.network_events or () if e.operation == "bytes_received_cumulative"]
    by_connection: dict[int | None, list[int]] = {}
    for event in samples:
        by_connection.setdefault(event.transaction_id, []).append(event.num_bytes or 0)
    assert all(sizes == sorted(sizes) and len(sizes) <= 42 for sizes in by_connection.values())
    assert max(len(sizes) for sizes in by_connection.values()) > 10
    # Five megabytes came, and none of them is kept.
    assert len(dumps(m)) < 250_000
    back, problems = decode(Measurement, encode(m))
    assert not problems
    assert judge(back).label == "tampered(throttled)"


def test_a_dead_name_is_not_measured() -> None:
    assert judge(look(line(), "https://dead.com/", helpers=())).label == "inconclusive(no_neutral)"
