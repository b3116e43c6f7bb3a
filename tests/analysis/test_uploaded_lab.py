"""What was uploaded to a folder: nothing beside it says that it comes from the lab, but its own lines do."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from gatewatch_analysis.dataset import build
from gatewatch_analysis.loading import load

NAME = "0f" * 32 + ".jsonl.gz"


def uploaded(folder: Path, network: str, name: str = NAME) -> Path:
    record = {
        "annotations": {"engine_name": "gatewatch", "network_type": network},
        "data_format_version": "0.2.0",
        "input": "https://site.org/",
        "measurement_start_time": "2027-03-01 00:00:00",
        "probe_asn": "AS64601",
        "probe_cc": "KH",
        "probe_network_name": "Ibis",
        # A page may say what it likes.
        "test_keys": {"title": '"annotations":{"network_type":"lab"}'},
        "test_name": "web_connectivity",
        "x_gatewatch_verdict": {"status": "ok", "label": "ok"},
    }
    file = folder / "probe_cc=KH" / "date=2027-03-01" / name
    file.parent.mkdir(parents=True)
    file.write_bytes(gzip.compress(json.dumps(record).encode() + b"\n"))
    return file


@pytest.mark.parametrize(("network", "lab"), [("lab", True), ("fixed", False)])
def test_it_says_by_itself_whether_it_is_the_labs(tmp_path: Path, network: str, lab: bool) -> None:
    file = uploaded(tmp_path / "store", network)
    for path in (tmp_path / "store", file):
        assert load([path]).measurements["lab"].tolist() == [lab]
    build(tmp_path / "made.dataset", [tmp_path / "store"])
    assert load([tmp_path / "made.dataset"]).measurements["lab"].tolist() == [lab]


def test_a_file_that_is_damaged_is_told_as_any_other(tmp_path: Path) -> None:
    file = uploaded(tmp_path / "store", "lab")
    file.write_bytes(b"no gzip at all")
    found = load([tmp_path / "store"])
    assert found.measurements.empty and len(found.problems) == 1
