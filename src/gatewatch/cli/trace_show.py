"""A trace on stdout: for people, or as a measurement, a RIPE Atlas result, a trace of scamper's."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Literal

from gatewatch import __version__
from gatewatch.records import TestKeys, TraceHop, TraceKeys, decode, dumps, encode
from gatewatch.records.atlas import measurement, to_atlas
from gatewatch.records.scamper import to_scamper
from gatewatch.runner.about import SOFTWARE
from gatewatch.store.hops import truncated
from gatewatch_targets.text import printable

Form = Literal["json", "atlas", "scamper"]


def lines(name: str, keys: TraceKeys, form: Form | None, began: float, took: float) -> list[str]:
    """Give the lines of one trace; ``began`` is the time of day (s), ``took`` how long it went on (s)."""
    if form is None:
        return _for_people(name, keys)
    # What is written to be kept or passed on says as little of the line as a run's folder does.
    cut = truncated(TestKeys(extra=encode(keys)))
    m = measurement(keys, round(began), name, round(took, 3), SOFTWARE)
    m = replace(m, software_version=__version__, test_version="0.2.0", test_keys=cut)
    if form == "json":
        # As ASCII, JSON holds nothing that a terminal obeys.
        return [json.dumps(json.loads(dumps(m).decode("utf-8", "surrogatepass")))]
    kept, _ = decode(TraceKeys, dict(cut.extra))
    return [json.dumps(to_atlas(m, kept) if form == "atlas" else to_scamper(m, kept))]


def _for_people(name: str, keys: TraceKeys) -> list[str]:
    ports = f", {keys.source_port} to {keys.destination_port}" if keys.destination_port else ""
    how = keys.method or "no means"
    head = printable(f"{name} ({keys.destination}), {keys.protocol}{ports}, by {how}")
    if keys.failure is not None:
        return [head, printable(f"  {keys.failure}")]
    return [head, *(printable(_hop(hop, keys)) for hop in keys.hops), printable(f"     {keys.stop}")]


def _hop(hop: TraceHop, keys: TraceKeys) -> str:
    text = f"{hop.ttl:>3}  {' '.join(hop.addresses) or '*':<24}"
    if hop.addresses:
        rtt, back = ("?" if value is None else value for value in (hop.rtt, hop.back))
        text += f" {rtt:>9} ms  back {back}"
    labels = next((r.labels for r in keys.replies if r.ttl == hop.ttl and r.labels and not r.flow), ())
    notes = ["MPLS " + " ".join(str(one.label) for one in labels)] if labels else []
    notes += ["limited"] if hop.state == "limited" else []
    notes += ["loop"] if hop.ttl in keys.loops else []
    notes += ["changed"] if hop.ttl in keys.changed else []
    branch = next((b for b in keys.branches if b.ttl == hop.ttl and len(b.addresses) > 1), None)
    if branch is not None:
        notes.append(f"{len(branch.addresses)} branches{'' if branch.complete else ' or more'}")
    return (text + ("  " + ", ".join(notes) if notes else "")).rstrip()
