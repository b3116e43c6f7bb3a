"""The sni probe: which hellos pass and which are cut, by filters that read in different ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import pytest
import trio
from tests.worlds.authority import server
from tests.worlds.clock import run
from tests.worlds.country import attached
from tests.worlds.hosts import hosts
from tests.worlds.streams import RESET, Peer, Server, Streams, TlsServer, Turn, script

from gatewatch.lab.boxes.sni import server_name
from gatewatch.records import Measurement, TestKeys
from gatewatch.verdict import Verdict, judge
from gatewatch_probes.sni import Sni
from gatewatch_targets import Target

SITE, LIE, NEUTRAL = "104.16.1.1", "104.16.1.9", "104.16.2.1"
NAMES = {"www.a.org": (SITE,), "example.com": (NEUTRAL,)}
NAME = b"www.a.org"

#: Sees what was sent last on a connection and everything so far.
Reader = Callable[[bytes, bytes], bool]


class Watched(TlsServer):
    """A TLS server behind a filter; ``lasts``: seconds that it goes on after it was triggered."""

    def __init__(self, reads: Reader, turn: Turn = (RESET,), *, lasts: float = 0.0) -> None:
        self._reads, self._turn, self._lasts = reads, turn, lasts
        self.until = float("-inf")
        self.starts: list[float] = []

    def accept(self) -> Peer:
        peer = TlsServer(server("www.a.org"), script()).accept()
        self.starts.append(trio.current_time())
        so_far = b""

        def answer(data: bytes) -> Turn:
            nonlocal so_far
            so_far += data
            if self._reads(data, so_far):
                self.until = max(self.until, trio.current_time() + self._lasts)
                return self._turn
            return self._turn if trio.current_time() < self.until else peer(data)

        return answer


def anywhere(_: bytes, so_far: bytes) -> bool:
    """Puts segments and records together, as the lab's boxes do."""
    return server_name(so_far) == "www.a.org"


def in_one_segment(data: bytes, _: bytes) -> bool:
    return NAME in data


def in_one_record(_: bytes, so_far: bytes) -> bool:
    return NAME in so_far


def with_ech(_: bytes, so_far: bytes) -> bool:
    return b"\xfe\x0d\x00" in so_far


def nothing(_: bytes, __: bytes) -> bool:
    return False


def measured(
    site: Reader,
    elsewhere: Reader | None = None,
    *,
    turn: Turn = (RESET,),
    lasts: float = 0.0,
    seconds: float = 900.0,
) -> tuple[TestKeys, Verdict, Streams]:
    async def main() -> tuple[TestKeys, Streams]:
        servers: dict[tuple[str, int], Server] = {(SITE, 443): Watched(site, turn, lasts=lasts)}
        if elsewhere is not None:
            servers[NEUTRAL, 443] = Watched(elsewhere, turn, lasts=lasts)
        with hosts(NAMES, servers) as (wire, world):
            with trio.move_on_after(seconds):
                keys = await Sni(seed=1).measure(Target("https://www.a.org/"), wire)
            return keys, world

    keys, world = run(main)
    assert world.all_closed
    return keys, verdict_on(keys), world


def verdict_on(keys: TestKeys) -> Verdict:
    return judge(
        Measurement(
            input="https://www.a.org/",
            measurement_start_time="2026-11-01 00:00:00",
            software_version="0",
            test_keys=keys,
            test_name="sni_filter",
            test_start_time="2026-11-01 00:00:00",
        )
    )


def words(keys: TestKeys) -> dict[str, list[str]]:
    """The outcomes of each variant, controls aside."""
    found: dict[str, list[str]] = {}
    for row in keys.extra["x_gatewatch_sni"]:
        if row["variant"] not in ("control", "elsewhere_control"):
            found.setdefault(row["variant"], []).append(row["outcome"])
    return found


TWICE, PASSED = ["reset", "reset"], ["answered"]


@pytest.mark.parametrize(
    ("site", "elsewhere", "found", "reads"),
    [
        (
            anywhere,
            anywhere,
            {"split": TWICE, "records": TWICE, "ech": TWICE, "elsewhere": TWICE},
            "over segments, over records, beside ECH, anywhere",
        ),
        (
            in_one_segment,
            in_one_segment,
            {"split": PASSED, "records": PASSED, "ech": TWICE, "elsewhere": TWICE},
            "in one segment, in one record, beside ECH, anywhere",
        ),
        (
            in_one_record,
            in_one_record,
            {"split": TWICE, "records": PASSED, "ech": TWICE, "elsewhere": TWICE},
            "over segments, in one record, beside ECH, anywhere",
        ),
    ],
)
def test_what_a_filter_reads(site: Reader, elsewhere: Reader, found: Mapping[str, Any], reads: str) -> None:
    keys, verdict, _ = measured(site, elsewhere)
    assert words(keys) == {"whole": TWICE, **found, "control_ech": PASSED}
    assert (verdict.label, verdict.rule) == ("blocked(tls.reset)", "tls.reset.elsewhere")
    assert verdict.evidence[0].endswith(f"; reads names {reads}")


@pytest.mark.parametrize(("word", "turn"), [("eof", (b"",)), ("timeout", ())])
def test_other_ways_to_cut(word: str, turn: Turn) -> None:
    keys, verdict, _ = measured(anywhere, anywhere, turn=turn)
    assert verdict.label == f"blocked(tls.{word})" and words(keys)["whole"] == [word, word]


def test_a_name_that_passes_is_not_sent_in_all_its_variants() -> None:
    keys, verdict, _ = measured(nothing, nothing)
    assert words(keys) == {"whole": PASSED, "elsewhere": PASSED, "control_ech": PASSED}
    assert (verdict.label, verdict.also) == ("ok", ())
    assert len(keys.extra["x_gatewatch_sni"]) == 5 and keys.extra["x_gatewatch_residual"] == []


def test_a_name_cut_at_its_own_address_alone() -> None:
    _, verdict, _ = measured(anywhere, nothing)
    assert verdict.label == "inconclusive(name_at_address)"
    assert "at this address" in verdict.evidence[0]


def test_without_a_neutral_address() -> None:
    keys, verdict, _ = measured(anywhere)
    assert "elsewhere" not in words(keys)
    assert (verdict.label, verdict.rule) == ("blocked(tls.reset)", "tls.reset.name")


def test_ech_itself_is_cut() -> None:
    keys, verdict, _ = measured(with_ech, nothing)
    assert words(keys)["control_ech"] == TWICE
    assert (verdict.label, verdict.also) == ("ok", ("tls.ech",))


def test_a_site_that_answers_no_name_is_no_baseline() -> None:
    keys, verdict, _ = measured(lambda _, __: True, nothing)
    assert words(keys) == {} and verdict.label == "inconclusive(no_control)"


def test_a_cut_that_shows_once_is_none() -> None:
    once = iter([True])
    keys, verdict, _ = measured(lambda _, so_far: NAME in so_far and next(once, False), nothing)
    assert words(keys)["whole"] == ["reset", "answered", "answered"] and verdict.label == "ok"


def test_a_forged_reset_that_was_lost_once() -> None:
    def lossy(lost: int) -> Reader:
        count = iter(range(100))
        return lambda data, so_far: anywhere(data, so_far) and next(count) != lost

    keys, verdict, _ = measured(lossy(0), anywhere)
    assert words(keys)["whole"] == ["answered", "reset", "reset"]
    assert verdict.label == "blocked(tls.reset)"
    keys, verdict, _ = measured(lossy(1), anywhere)
    assert words(keys)["whole"] == ["reset", "answered", "reset"]
    assert verdict.label == "blocked(tls.reset)"


@pytest.mark.parametrize(("lasts", "pauses"), [(20.0, [30.0]), (85.0, [30.0, 60.0])])
def test_no_trigger_is_repeated_before_a_control_has_passed(lasts: float, pauses: list[float]) -> None:
    keys, verdict, _ = measured(anywhere, anywhere, lasts=lasts, seconds=3600)
    assert verdict.label == "blocked(tls.reset)"
    rows = [r for r in keys.extra["x_gatewatch_sni"] if r["address"] == SITE]
    before = {after["variant"]: row for row, after in pairwise(rows)}
    for variant in ("whole", "split", "records", "ech", "control_ech"):
        assert (before[variant]["variant"], before[variant]["outcome"]) == ("control", "answered")
    waited = [w for w in keys.extra["x_gatewatch_residual"] if w["address"] == SITE]
    # One for each trigger that followed another: the last trigger is followed by none.
    triggers = sum(row["outcome"] == "reset" and row["variant"] != "control" for row in rows)
    assert len(waited) in (triggers, triggers - 1) and all(w["passed"] for w in waited)
    assert all(w["waits"] == pauses and w["at_least"] < lasts < w["at_most"] for w in waited)


def test_time_that_is_not_enough_leaves_it_open() -> None:
    keys, verdict, _ = measured(anywhere, nothing, lasts=10_000)
    assert words(keys)["whole"] == ["reset"]
    assert verdict.label in ("inconclusive(name_at_address)", "inconclusive(residual)")


def test_the_hello_is_one_segment_or_cut_where_it_says() -> None:
    keys, _, _ = measured(anywhere, anywhere)
    sizes = {row["variant"]: row["sizes"] for row in keys.extra["x_gatewatch_sni"]}
    assert sizes["whole"] == sizes["control"] == [517]
    assert len(sizes["split"]) == 2 and sum(sizes["split"]) == 517
    assert sizes["records"] == [522] and len(sizes["ech"]) == 1
    writes = {e.transaction_id: [] for e in keys.network_events or ()}  # type: ignore[var-annotated]
    for event in keys.network_events or ():
        if event.operation == "write":
            writes[event.transaction_id].append(event.num_bytes)
    assert all(writes[row["transaction_id"]] == row["sizes"] for row in keys.extra["x_gatewatch_sni"])


def test_nothing_of_it_vouches_for_an_address() -> None:
    keys, _, _ = measured(nothing, nothing)
    assert {h.no_tls_verify for h in keys.tls_handshakes or ()} == {True}


def test_the_likeliest_address_is_asked() -> None:
    async def main() -> set[str | None]:
        servers: dict[tuple[str, int], Server] = {(SITE, 443): Watched(nothing), (LIE, 443): Watched(nothing)}
        names = {**NAMES, "www.a.org": (LIE,)}
        with hosts(names, servers, public=NAMES) as (wire, _):
            keys = await Sni().measure(Target("https://www.a.org/"), wire)
        return {row["address"] for row in keys.extra["x_gatewatch_sni"] if row["variant"] == "whole"}

    assert run(main) == {SITE}


def test_a_name_without_an_address_says_nothing() -> None:
    async def main() -> TestKeys:
        with hosts({}, {}) as (wire, _):
            return await Sni().measure(Target("https://www.a.org/"), wire)

    keys = run(main)
    assert keys.extra["x_gatewatch_sni"] == [] and verdict_on(keys).label == "inconclusive(no_control)"


@pytest.mark.parametrize(
    ("url", "fits"),
    [("https://a.org/", True), ("http://a.org/", False), ("https://104.16.1.1/", False)],
)
def test_only_names_that_are_sent_in_tls_fit(url: str, fits: bool) -> None:
    assert Sni().fits(Target(url)) is fits


@pytest.mark.parametrize(("isp", "label"), [("clear", "ok"), ("blocked", "blocked(tls.reset)")])
def test_in_a_country(isp: str, label: str) -> None:
    async def main() -> TestKeys:
        async with attached(isp) as (wire, _):
            return await Sni(seed=2).measure(Target("https://reset.com/"), wire)

    assert verdict_on(run(main)).label == label
