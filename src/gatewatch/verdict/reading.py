"""A measurement read into features: a row for each hop of a visit, one for any other test.

For each test a module of :mod:`gatewatch.verdict.evidence` reads its records; here it is chosen, and what
nobody looked at is filled in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from gatewatch.records import Measurement
from gatewatch.verdict.decide import decide, speaking
from gatewatch.verdict.evidence import (
    apps,
    contrast,
    control,
    domestic,
    intercept,
    middlebox,
    names,
    pace,
    pages,
    ports,
    quic,
    single,
    sni,
    steps,
)
from gatewatch.verdict.evidence.hops import hops
from gatewatch.verdict.evidence.scene import scenes
from gatewatch.verdict.features import Features, at_rest

_WEB = "web_connectivity"
# Only read: each row is a new mapping.
_AT_REST = at_rest()
# Tests with rules of their own, and those without a control, by who reads their records.
_OTHER_TESTS: dict[str, Callable[[Measurement], dict[str, Any]]] = {
    **dict.fromkeys(apps.APP_TESTS, apps.evidence),
    **dict.fromkeys(single.TESTS, single.evidence),
    quic.TEST: quic.evidence,
    pace.TEST: pace.evidence,
    sni.SNI_TEST: sni.evidence,
    contrast.TEST: contrast.evidence,
    "intercept": intercept.evidence,
    middlebox.TEST: middlebox.evidence,
    ports.TEST: ports.evidence,
}


def rows(m: Measurement) -> Iterator[dict[str, Any]]:
    """Give the features of each hop as a mapping, from the input's own to where the way ended."""
    test = m.test_name if isinstance(m.test_name, str) else ""
    if test != _WEB:
        evidence = _OTHER_TESTS.get(test)
        yield {**_AT_REST, "test": test, "web": False, **(evidence(m) if evidence else {})}
        return
    keys = m.test_keys
    extra = keys.extra if keys else {}
    way = hops(m)
    abroad, inside = control.read(extra), domestic.read(extra)
    seen, is_inside = domestic.choose(abroad, inside, way[0].place.scheme)
    stage = scenes(m, way, seen)
    looked = any(scene.hop.looked for scene in stage)
    for scene in stage:
        place = scene.hop.place
        yield {
            **_AT_REST,
            "test": test,
            "looked": looked,
            "scheme": place.scheme,
            "host": place.host,
            "literal": place.literal,
            "depth": scene.depth,
            "is_last": scene.is_last,
            "control": seen.present,
            "control_failure": seen.failure,
            "control_domestic": domestic.compare(abroad, inside),
            "control_inside": is_inside,
            **names.evidence(scene),
            **steps.evidence(scene),
            **pages.evidence(stage, scene),
        }


def features(m: Measurement) -> Features:
    """Give the features of the hop that decides: the first that is blocked, else the last one."""
    for row in rows(m):
        if not row["is_last"] and decide(speaking(row)).status == "blocked":
            break
    return Features(**row)
