"""A site that shares its address with one that was just cut, where the filter goes on for a while."""

from __future__ import annotations

import pytest
import trio
from tests.probes.test_second import NAMES, NEUTRAL, PAGE, SITE, Filtered, Lingering, naming, tls
from tests.worlds.authority import server
from tests.worlds.clock import run
from tests.worlds.hosts import hosts, http
from tests.worlds.streams import RESET, Server, TlsServer

from gatewatch.records import Measurement, TestKeys
from gatewatch.verdict import Verdict, judge
from gatewatch_probes.web import Web
from gatewatch_targets import Target

SHARED = {**NAMES, "b.org": (SITE,)}


def after_another(
    seconds: float, *, both: bool = False, scheme: str = "https"
) -> tuple[TestKeys, Verdict, list[tuple[float, object]]]:
    """Measure b.org after a.org was cut at the same address, where the filter goes on for a while."""
    lingering = Lingering("a.org", seconds)
    port = 443 if scheme == "https" else 80
    page = http("200 OK", body=PAGE)
    behind = TlsServer(server("b.org"), page) if port == 443 else page
    also = naming("b.org", (RESET,))
    site = Filtered(behind, lambda data: lingering(data) or (also(data) if both else None))
    servers: dict[tuple[str, int], Server] = {(SITE, port): site, (NEUTRAL, 443): tls("example.com")}

    async def main() -> TestKeys:
        with hosts(SHARED, servers) as (wire, _):
            probe = Web()
            await probe.measure(Target(f"{scheme}://a.org/"), wire)
            lingering.until = trio.current_time() + seconds - 0.5
            with trio.move_on_after(180):
                return await probe.measure(Target(f"{scheme}://b.org/"), wire)
        raise AssertionError("no time")

    keys = run(main)
    measurement = Measurement(
        input=f"{scheme}://b.org/",
        measurement_start_time="2026-11-01 00:00:00",
        software_version="0",
        test_keys=keys,
        test_name="web_connectivity",
        test_start_time="2026-11-01 00:00:00",
    )
    return keys, judge(measurement), site.seen


@pytest.mark.parametrize(("seconds", "waits"), [(0.5, []), (20.0, [30.0]), (80.0, [30.0, 60.0])])
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_what_a_neighbour_left_behind_is_waited_for_before_the_name_is_sent(
    seconds: float, waits: list[float], scheme: str
) -> None:
    keys, verdict, _ = after_another(seconds, scheme=scheme)
    rows = [row for row in keys.extra["x_gatewatch_residual"] if row["before"]]
    assert [(row["waits"], row["passed"]) for row in rows] == [(waits, True)]
    visits = [c for c in keys.tcp_connect or () if not {"second", "again"} & set(c.tags or ())]
    assert all((c.t0 or 0) >= sum(waits) for c in visits)
    assert verdict.status != "blocked" and (scheme == "http" or verdict.label == "ok")


def test_what_does_not_end_in_time_is_not_held_against_the_neighbour() -> None:
    _, verdict, _ = after_another(1_000.0)
    assert verdict.label == "inconclusive(residual)"


def test_a_neighbour_that_is_blocked_itself_is_found() -> None:
    _, verdict, _ = after_another(20.0, both=True)
    assert verdict.label in ("blocked(tls.reset)", "inconclusive(name_at_address)")
