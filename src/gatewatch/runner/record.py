"""What a probe found, made a record of: who measured what, when and from where, and the verdict on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from gatewatch import __version__
from gatewatch.records import TIME_FORMAT, Measurement, TestKeys
from gatewatch.runner.about import Vantage, engine
from gatewatch.runner.plan import Item
from gatewatch.runner.probes import Probe, named
from gatewatch.verdict import Verdict, derived_keys, judge


def recorded(
    keys: TestKeys,
    item: Item,
    probe: Probe,
    vantage: Vantage,
    *,
    run: str,
    run_started: str,
    began: datetime,
    seconds: float,
) -> Measurement:
    """Make a record of what a probe found; ``run`` is the id of the run, ``seconds`` how long it took."""
    return Measurement(
        annotations=engine(vantage),
        id=f"{run}/{item.id}",
        input=item.target.url,
        measurement_start_time=began.strftime(TIME_FORMAT),
        probe_asn=f"AS{vantage.asn}",
        probe_cc=vantage.country,
        probe_network_name=vantage.isp,
        **_resolver(keys),
        software_version=__version__,
        test_helpers=_helpers_of(keys),
        test_keys=keys,
        test_name=named(probe, item.target),
        test_runtime=round(seconds, 6),
        test_start_time=run_started,
        test_version=probe.version,
        x_gatewatch_item=item.id,
        x_gatewatch_target=item.to_json()["target"],
    )


def verdict_on(measurement: Measurement) -> Verdict | None:
    """Judge a measurement; a trace says nothing of whether a site is blocked."""
    return judge(measurement) if measurement.test_name != "trace" else None


def with_verdict(measurement: Measurement, verdict: Verdict) -> Measurement:
    """Write a verdict into a record, in our words and in OONI's."""
    keys = measurement.test_keys
    keys = replace(keys, extra={**keys.extra, **derived_keys(measurement, verdict)})
    return replace(measurement, test_keys=keys, x_gatewatch_verdict=verdict.to_json())


def _helpers_of(keys: TestKeys) -> dict[str, Any] | None:
    """Name the helper that answered, as OONI's records do."""
    about = keys.extra.get("x_gatewatch_control")
    helper = about.get("helper") if isinstance(about, Mapping) else None
    return {"backend": {"address": helper, "type": "https"}} if helper else None


def _resolver(keys: TestKeys) -> dict[str, Any]:
    """Name the public resolver that the system's asks, where there is one; an address might be the line's."""
    habits = keys.extra.get("x_gatewatch_resolver")
    asn = habits.get("asn") if isinstance(habits, dict) else None
    if not isinstance(asn, int) or not asn or not isinstance(habits, dict):
        return {}
    return {"resolver_asn": f"AS{asn}", "resolver_network_name": str(habits.get("name", ""))}
