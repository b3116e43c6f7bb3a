"""locate in countries in memory: the link on every layer, none where nobody interferes, and the cost."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio
from benchmarks.locating_worlds import KINDS, draw
from tests.worlds.clock import run
from tests.worlds.country import attached, measure

from gatewatch.lab.country.check import complete
from gatewatch.lab.country.scenario import Box, Scenario, load
from gatewatch.net.restraint import TRIGGERS, Exhausted, Restraint, Stopped
from gatewatch.net.shot import Flow
from gatewatch.records import Handshake, Locus, Measurement, TestKeys, decode, encode
from gatewatch.store import Scrubber
from gatewatch.whereabouts import PrefixTable, parse_prefixes
from gatewatch_probes.locate import Locate
from gatewatch_probes.place import triggers
from gatewatch_probes.place.hunt import Hunt
from gatewatch_targets import Target

SMALL = load("small")


def boxed(*boxes: Box, **changes: Any) -> Scenario:
    """The small country with other boxes."""
    isp = replace(SMALL.isp("blocked"), boxes=boxes, **changes)
    return complete(replace(SMALL, isps=(isp, *SMALL.isps[1:]), lists=()))


def loci(keys: TestKeys) -> list[Locus]:
    found = []
    for row in keys.extra["x_gatewatch_locate"]:
        locus, problems = decode(Locus, row)
        assert problems == ()
        found.append(locus)
    return found


def locate(url: str, scenario: Scenario | str = "small", isp: str = "blocked", **wire: Any) -> list[Locus]:
    return loci(measure(Locate(seed=1), url, isp, scenario, **wire))


def link(locus: Locus) -> tuple[int | None, int | None, str | None, str | None]:
    return locus.before, locus.after, locus.before_address, locus.after_address


def test_a_reset_by_sni() -> None:
    (locus,) = locate("https://reset.com/")
    assert (locus.method, locus.signature, locus.name) == ("tls", "reset", "reset.com")
    # The fourth router says nothing; a reset is seen from its TTL on all the same.
    assert link(locus) == (3, 4, "36.37.129.9", None)
    assert locus.probability is not None
    assert locus.probability > 0.95
    assert locus.triggers <= TRIGGERS
    assert [hop.address for hop in locus.hops[:3]] == ["192.168.1.1", "36.37.128.1", "36.37.129.9"]


def test_the_ttl_of_resets_for_what_is_left_of_the_budget() -> None:
    (locus,) = locate("https://reset.com/", restraint=Restraint(triggers=20), reply_ttl=True)
    # The filter's packets start with 64 and pass three routers, the server's seven.
    assert (locus.reset_ttl, locus.server_ttl) == (61, 57)
    assert locus.triggers <= 20 and locus.triggers > len(locus.shots)
    (locus,) = locate("https://reset.com/", restraint=Restraint(triggers=12), reply_ttl=True)
    assert (locus.before, locus.triggers, locus.reset_ttl) == (3, 12, None)
    assert locus.reset_ttl_least is not None and locus.reset_ttl_most is not None
    assert locus.reset_ttl_least <= 61 <= locus.reset_ttl_most
    (locus,) = locate("https://reset.com/", restraint=Restraint(triggers=20))
    assert (locus.reset_ttl_least, locus.server_ttl, locus.triggers) == (None, None, len(locus.shots))


def test_dropped_connections() -> None:
    (locus,) = locate("https://dropped.com/")
    assert (locus.method, locus.signature, locus.name) == ("syn", "drop", "")
    # Silence at a silent router tells nothing: the link goes on to the next that answers.
    assert link(locus) == (3, 5, "36.37.129.9", "36.37.130.14")


@pytest.mark.parametrize("silent", [2, 7])
def test_a_server_behind_a_sea_whose_routers_say_nothing(silent: int) -> None:
    box = Box("sni-reset", 4, domains=frozenset({"reset.com"}))
    abroad, *others = boxed(box).routes
    # No router that answers is nearly as far away as the server is.
    sea = [replace(abroad.path[0], address=f"104.23.12.{n}", ms=60.0 + n, silent=True) for n in range(silent)]
    far = replace(abroad, path=(*abroad.path, *sea), server_ms=140.0)
    (locus,) = locate("https://reset.com/", complete(replace(boxed(box), routes=(far, *others))))
    assert (link(locus)[:2], locus.distance) == ((3, 4), 5 + len(far.path) + 1)


def test_a_lying_name_at_the_isps_own_resolver() -> None:
    (locus,) = locate("https://lied.com/")
    assert (locus.method, locus.signature, locus.address) == ("dns", "answer", "36.37.242.53")
    assert link(locus) == (2, 3, "36.37.128.1", "36.37.129.9")


def test_a_block_page() -> None:
    page = Box("http-blockpage", 5, domains=frozenset({"page.com"}))
    (locus,) = locate("http://page.com/", boxed(page))
    assert (locus.method, locus.signature) == ("http", "answer")
    assert (locus.before, locus.after) == (4, 5)


def test_a_filter_abroad() -> None:
    box = Box("sni-drop", 7, domains=frozenset({"drop.com"}))
    (locus,) = locate("https://drop.com/", boxed(box))
    assert link(locus) == (6, 7, "104.23.10.5", "104.23.11.9")
    assert locus.in_path == 1.0


def test_intercepted_tls() -> None:
    box = Box("tls-mitm", 5, domains=frozenset({"site.com"}))
    (locus,) = locate("https://site.com/", boxed(box))
    assert (locus.method, locus.signature) == ("tls", "answer")
    assert link(locus) == (4, 5, None, "36.37.130.14")


def asked_abroad(proxy: Box, *others: Box) -> list[Locus]:
    """The own resolver lies, and a public one is asked in its place."""
    liar = Box("dns-lie", 3, domains=frozenset({"site.com"}), method="bogon", address="127.0.0.1")
    restraint = Restraint(triggers=20)
    return locate(
        "https://site.com/", boxed(replace(liar, resolvers="isp"), proxy, *others), own_resolvers=(),
        restraint=restraint,
    )  # fmt: skip


def proxy(hop: int, **options: Any) -> Box:
    return Box("dns-proxy", hop, addresses=("8.8.8.8",), resolvers="all", **options)


def test_a_proxy_that_lies_about_names_is_not_the_server() -> None:
    (locus,) = asked_abroad(proxy(3, domains=frozenset({"site.com"}), method="nxdomain"))
    assert (locus.method, locus.address, locus.signature) == ("dns", "8.8.8.8", "proxy")
    # Its own address is that of the router there, and the server's distance is not known.
    assert link(locus) == (2, 3, "36.37.128.1", "36.37.129.9")
    assert locus.distance is None


def test_a_proxy_that_tells_the_truth_is_no_interference() -> None:
    first = asked_abroad(proxy(3))[0]
    assert (first.method, first.before, first.reason) == ("dns", None, "no interference seen")


def test_a_resolver_that_lies_itself_is_said_to_be_the_place_and_the_visit_goes_on() -> None:
    lies = proxy(7, domains=frozenset({"site.com"}), method="nxdomain")
    first, last = asked_abroad(lies, Box("sni-reset", 4, domains=frozenset({"site.com"})))
    assert (first.method, first.before, first.place) == ("dns", None, "endpoint")
    assert first.reason == "the server itself, or something right before it"
    assert (last.method, last.before, last.after) == ("tls", 3, 4)


@pytest.mark.parametrize("hop", range(1, 8))
@pytest.mark.parametrize("in_path", [True, False])
@pytest.mark.parametrize("kind", ["http-blockpage", "http-reset"])
def test_filters_that_copy_ttls_beyond_half_the_way(kind: str, in_path: bool, hop: int) -> None:
    box = Box(kind, hop, domains=frozenset({"page.com"}), copies_ttl=True, in_path=in_path)
    (locus,) = locate("http://page.com/", boxed(box), restraint=Restraint(triggers=20))
    assert (locus.before, locus.after) == (hop - 1, hop)
    assert locus.copies_ttl is not None
    assert locus.copies_ttl > 0.9 or hop == 1


def test_a_site_that_is_cut_over_quic_only() -> None:
    pytest.importorskip("aioquic", reason="QUIC is an extra, and is not installed")
    box = Box("quic-sni-drop", 5, domains=frozenset({"quick.com"}))
    sites = replace(SMALL.sites, quic=frozenset({"quick.com"}))
    scenario = replace(boxed(box), sites=sites)
    *tls, locus = locate("https://quick.com/", scenario, restraint=Restraint(triggers=20))
    assert [row.reason for row in tls] == ["no interference seen"] * 2
    assert (locus.method, locus.signature, locus.before, locus.after) == ("quic", "drop", 3, 5)


@pytest.mark.parametrize("url", ["https://free.com/", "http://free.com/"])
def test_nothing_where_nobody_interferes(url: str) -> None:
    found = locate(url)
    # Another source port goes another way, perhaps, and finds nothing there either.
    assert len({locus.source_port for locus in found}) == len(found) == 2
    for locus in found:
        assert (locus.before, locus.after, locus.signature) == (None, None, "")
        assert locus.reason == "no interference seen"
    assert sum(locus.triggers for locus in found) <= 12


def test_a_filter_on_one_of_several_branches_is_found_by_another_source_port() -> None:
    isp = SMALL.isp("blocked")
    wide = replace(isp.path[4], parallel=("36.37.130.15",))
    scenario = boxed(
        Box("sni-reset", 5, branch=2, domains=frozenset({"reset.com"})), path=(*isp.path[:4], wide)
    )
    first: list[bool] = []
    for seed in range(16):
        found = loci(measure(Locate(seed=seed), "https://reset.com/", "blocked", scenario))
        met = [locus for locus in found if locus.signature]
        assert [(locus.before, locus.after) for locus in met] in ([], [(4, 5)])
        if met:
            first.append(found[0].signature != "")
    # Some flows meet it at once, some only with their second port.
    assert set(first) == {True, False}


def test_what_a_block_leaves_behind_is_waited_for() -> None:
    box = Box("sni-drop", 5, domains=frozenset({"drop.com"}), residual=90.0)
    (locus,) = locate("https://drop.com/", boxed(box))
    assert (locus.before, locus.after) == (3, 5)
    assert len(locus.residual) == locus.triggers - sum(shot.outcome == "expired" for shot in locus.shots)
    assert all(wait.passed and wait.waits == (30.0, 60.0) for wait in locus.residual)


def test_a_block_that_outlasts_all_patience_gives_no_link() -> None:
    box = Box("sni-drop", 5, domains=frozenset({"drop.com"}), residual=3600.0)
    (locus,) = locate("https://drop.com/", boxed(box))
    assert (locus.before, locus.reason) == (None, "the control fails after a trigger")
    assert locus.triggers == 1


def test_the_budget_is_kept_and_what_it_does_not_suffice_for_is_not_guessed() -> None:
    async def main() -> Hunt:
        async with attached("blocked") as (_, world):
            flow = Flow(world.address_of("reset.com")[0], 443, 61000)
            hunt = Hunt(triggers.tls(flow, "reset.com"), most_triggers=2)
            await hunt.run()
            return hunt

    hunt = run(main)
    assert hunt.triggers == 2
    assert hunt.place is None
    assert hunt.reason == "what was seen does not agree on one link"


def test_no_trigger_is_sent_while_the_stop_file_is_there(tmp_path: Path) -> None:
    stop = tmp_path / "stop"

    async def main() -> TestKeys:
        async with attached("blocked") as (wire, _):
            wire.restraint = Restraint(stop=stop)
            async with trio.open_nursery() as nursery:
                # The first trigger is sent within seconds; the fourth would not be within twelve.
                nursery.start_soon(put_later, stop, 8.0)
                return await Locate(seed=1).measure(Target("https://reset.com/"), wire)
        raise AssertionError

    (locus,) = loci(run(main))
    assert (locus.before, locus.reason) == (None, "stopped before the next trigger")
    assert 0 < locus.triggers < 5
    sent = [shot.t for shot in locus.shots if shot.t is not None]
    assert len(sent) == locus.triggers and max(sent) < 8.0
    with pytest.raises(Stopped, match="stop exists"):
        locate("https://reset.com/", restraint=Restraint(stop=stop))


def test_a_stop_file_that_cannot_be_looked_for_stops(tmp_path: Path) -> None:
    """As in a folder of somebody else's; a name that is too long fails for root, too."""
    restraint = Restraint(stop=tmp_path / ("stop" * 100))
    assert restraint.stopped
    with pytest.raises(Stopped, match="is closed"):
        restraint.begin("a.com")
    assert not Restraint(stop=tmp_path / "stop").stopped


async def put_later(path: Path, seconds: float) -> None:
    await trio.sleep(seconds)
    path.touch()


def test_three_targets_a_run_and_no_more() -> None:
    restraint = Restraint()
    for name in ("a.com", "b.com", "c.com", "a.com"):
        restraint.begin(name)
    with pytest.raises(Exhausted, match="3 targets"):
        locate("https://reset.com/", restraint=restraint)
    with pytest.raises(ValueError, match="20 triggers"):
        Restraint(triggers=21)


def test_a_target_that_is_measured_again_has_only_the_triggers_that_are_left() -> None:
    restraint = Restraint()
    (first,) = locate("https://reset.com/", restraint=restraint)
    (second,) = locate("https://reset.com/", restraint=restraint)
    assert first.place and first.triggers + second.triggers == TRIGGERS
    assert second.before is None or second.triggers >= 4
    with pytest.raises(Exhausted, match="12 triggers"):
        locate("https://reset.com/", restraint=restraint)


def test_whose_the_ends_are_and_what_kind_of_place() -> None:
    table = PrefixTable(parse_prefixes(SMALL.prefixes_csv().splitlines(), lambda *_: None))
    box = Box("sni-reset", 5, domains=frozenset({"site.com"}))
    where: dict[str, Any] = {"whereabouts": table, "asn": 38623, "country": "KH"}
    (locus,) = locate("https://site.com/", boxed(box), **where)
    assert (locus.after_asn, locus.after_country, locus.place) == (38623, "KH", "border")
    assert (locus.before_asn, locus.before_address) == (None, None)
    (locus,) = locate("https://reset.com/", **where)
    assert (locus.before_asn, locus.place) == (38623, "access")
    (locus,) = locate("https://reset.com/")
    assert (locus.place, locus.place_why) == ("unknown", "no table of prefixes is here")


def test_one_connection_a_second_at_most() -> None:
    (locus,) = locate("https://reset.com/")
    sent = [shot.t for shot in locus.shots]
    # A control, and a pause, stand before each trigger but the first.
    assert all(b - a >= 1.9 for a, b in itertools.pairwise(sent) if a is not None and b is not None)


def test_ooni_reads_a_tls_trace() -> None:
    keys = measure(Locate(seed=1), "https://reset.com/", "blocked")
    (trace,) = keys.extra["iterative_trace"]
    assert set(trace) == {"address", "control_trace", "target_trace"}
    for part, name in (("control_trace", "example.com"), ("target_trace", "reset.com")):
        assert trace[part]["server_name"] == name
        for iteration in trace[part]["iterations"]:
            assert set(iteration) == {"ttl", "handshake"}
            so_error = iteration["handshake"].pop("so_error")
            handshake, problems = decode(Handshake, iteration["handshake"])
            assert problems == ()
            assert handshake.server_name == name
            expired = handshake.failure == "host_unreachable"
            assert so_error == (113 if expired else 104 if handshake.failure == "connection_reset" else None)
    failures = {i["ttl"]: i["handshake"]["failure"] for i in trace["target_trace"]["iterations"]}
    assert failures[4] == "connection_reset"
    assert failures[3] == "host_unreachable"


def test_first_hops_are_truncated_wherever_they_are_named() -> None:
    keys = measure(Locate(seed=1), "https://lied.com/", "blocked")
    m = Measurement(
        input="https://lied.com/",
        measurement_start_time="2026-11-24 08:00:00",
        software_version="0.1.0",
        test_name="locate",
        test_start_time="2026-11-24 08:00:00",
        test_keys=keys,
    )
    text = json.dumps(encode(Scrubber(["36.37.200.10"]).measurement(m)))
    assert "192.168.1.1" not in text
    assert "36.37.128.1" not in text
    (locus,) = loci(Scrubber(["36.37.200.10"]).measurement(m).test_keys)
    assert (locus.before_address, locus.after_address) == ("36.37.128.0/24", "36.37.129.9")


@pytest.mark.parametrize("boxes", [True, False])
@pytest.mark.parametrize("method", [m for m in KINDS if m != "quic"])
def test_random_worlds(method: str, boxes: bool, tmp_path: Path) -> None:
    """Twelve paths at once, with 1 % loss and jitter; the benchmark `locating` draws thousands."""
    from benchmarks.locating_client import trigger

    text, rows = draw(0, method, 12, loss=0.01, jitter=5.0, boxed=boxes)
    (tmp_path / "worlds.toml").write_text(text, encoding="utf-8")
    worlds = [json.loads(row) for row in rows.splitlines()]

    async def main() -> list[Hunt]:
        async with attached("isp", load(str(tmp_path / "worlds.toml"))):
            hunts = [
                Hunt(trigger(world, 61000 + number), most_triggers=20) for number, world in enumerate(worlds)
            ]
            for hunt in hunts:
                await hunt.run()
            return hunts

    for world, hunt in zip(worlds, run(main), strict=True):
        if not boxes:
            assert hunt.place is None, world
        elif hunt.place is not None:
            assert [hunt.place.before, hunt.place.after] == world["finest"], world


def test_a_filter_that_drops_on_a_line_that_trembles() -> None:
    """What comes late is about the retransmission, which dies at the first router."""
    box = Box("sni-drop", 5, domains=frozenset({"drop.com"}))
    for seed in range(4):
        scenario = replace(boxed(box, loss=0.01, jitter_ms=20.0), seed=seed)
        (locus,) = locate("https://drop.com/", scenario)
        assert (locus.before, locus.after) == (3, 5)
