"""Many names cut at the same moment: their second controls share few neutral servers and must not queue."""

from __future__ import annotations

from pathlib import Path

from tests.lab.runs import labels, measured

from gatewatch.lab.country.scenario import load
from gatewatch.lab.country.truth import truth

URLS = [f"https://site{n}.org/" for n in range(120)]


def test_every_name_is_measured_within_its_time(tmp_path: Path) -> None:
    methods = load("methods")
    about, lines = measured(tmp_path, methods, "sni-drop", URLS)
    found = labels(lines)
    assert about["state"] == "done" and len(found) == len(URLS)
    assert found == {url: truth(methods, "sni-drop", url).label for url in URLS}
    assert sum(label == "blocked(tls.timeout)" for label in found.values()) > 20
