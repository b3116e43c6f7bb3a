"""quic: sites with and without QUIC through every box of the lab that interferes with it, against the truth.

In memory, on the lab's clock, 1 % of the packets lost each way.  The peer is a bare handshake with the site's
name, whose failure is called a block where TCP works: what a probe without controls would say of the very
same records.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import replace
from typing import Any

import trio
from trio.testing import MockClock

from gatewatch.lab import memory
from gatewatch.lab.country.check import complete
from gatewatch.lab.country.scenario import Box, Scenario, load
from gatewatch.lab.country.sites import State, speaks_quic, state
from gatewatch.net.trust import Trust
from gatewatch.net.wire import Wire
from gatewatch.records import Measurement, TestKeys
from gatewatch.verdict import judge
from gatewatch_probes.quic import Quic
from gatewatch_targets import Target

# A third of the sites speak QUIC, and a third of either are blocked.
SHARE = 0.33
SITES, QUICK = 120, 16
_BOXES = {
    "no box": None,
    "by SNI": Box("quic-sni-drop", 3, share=SHARE),
    "by SNI, and 180 s more": Box("quic-sni-drop", 3, share=SHARE, residual=180.0),
    "by address": Box("quic-drop", 3, share=SHARE),
    "UDP port 443": Box("quic-drop", 3),
    "QUIC version 1 and 2": Box("quic-drop", 3, method="version"),
}


def _country(box: Box | None) -> Scenario:
    small = load("small")
    isps = tuple(replace(isp, boxes=(box,) if box else (), loss=0.01) for isp in small.isps)
    # Checked as a file is, so that the shares spare what measuring itself needs.
    return complete(replace(small, isps=isps, sites=replace(small.sites, quic_share=SHARE)))


def _truth(country: Scenario, box: Box | None, host: str) -> tuple[str, ...]:
    """What may be said of a site, from the scenario's text.

    That a name is cut shows at a neutral address even where the site has no QUIC; but those rest after each
    cut, and then it is only said that there is none.
    """
    speaks = speaks_quic(country, host)
    if box is not None and box.kind == "quic-drop" and not box.chooses:
        return ("inconclusive(quic_everywhere)" if box.method else "inconclusive(udp_443)",)
    blocked = box is not None and box.matches(host)
    if speaks:
        return ("blocked(quic.timeout)" if blocked else "ok",)
    if blocked and box is not None and box.kind == "quic-sni-drop":
        return "blocked(quic.timeout)", "inconclusive(no_quic)"
    return ("inconclusive(no_quic)",)


def _measure(country: Scenario, hosts: list[str]) -> list[TestKeys]:
    """Measure sites one after another, as one run does."""

    async def main() -> list[TestKeys]:
        async with memory.attached(country, country.isps[-1].id) as internet:
            with tempfile.NamedTemporaryFile(suffix=".pem") as bundle:
                bundle.write(internet.world.ca_pem())
                bundle.flush()
                trust = Trust(bundle.name)
            wire = Wire(trust=trust, own_resolvers=(), helpers=("https://0.th.ooni.org/",))
            probe = Quic()
            found = []
            for host in hosts:
                with trio.fail_after(180):
                    found.append(await probe.measure(Target(f"https://{host}/"), wire))
            return found

    return trio.run(main, clock=MockClock(autojump_threshold=0))


def _bare(keys: TestKeys) -> bool:
    """Whether a probe without controls would call it blocked: TCP works, and QUIC once does not."""
    shaken = keys.tls_handshakes or ()
    tcp = any(h.failure is None for h in shaken if h.network == "tcp")
    first = next((h for h in shaken if h.network == "udp" and "test_sni" in (h.tags or ())), None)
    return tcp and first is not None and first.failure is not None


def run(quick: bool) -> dict[str, Any]:
    """Measure the sites behind each box."""
    hosts = [f"site{n}.org" for n in range(QUICK if quick else SITES)]
    said: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    right = alarms = bare = 0
    for name, given in _BOXES.items():
        country = _country(given)
        box = next(iter(country.isps[-1].boxes), None)
        live = [host for host in hosts if state(country, host) is State.LIVE]
        for host, keys in zip(live, _measure(country, live), strict=True):
            truth, label = _truth(country, box, host), _label(keys, host)
            said[f"{name}: {label}"] += 1
            right += label in truth
            if label not in truth:
                wrong[f"{name}: {label}, but {truth[0]}"] += 1
            innocent = not truth[0].startswith("blocked")
            alarms += label.startswith("blocked") and innocent
            bare += _bare(keys) and innocent
    total = said.total()
    return {
        "goals": [
            {
                "name": f"verdicts that equal the truth, of {total} behind {len(_BOXES)} kinds of boxes",
                "value": right,
                "goal": f"= {total}",
                "met": right == total,
            },
            {"name": "false alarms", "value": alarms, "goal": "= 0", "met": alarms == 0},
        ],
        "peer": {"false alarms of one bare handshake": bare},
        "detail": {"said": dict(said), "wrong": dict(wrong)},
    }


def _label(keys: TestKeys, host: str) -> str:
    return judge(
        Measurement(
            input=f"https://{host}/",
            measurement_start_time="2026-11-01 00:00:00",
            software_version="",
            test_keys=keys,
            test_name=Quic.test_name,
            test_start_time="2026-11-01 00:00:00",
        )
    ).label
