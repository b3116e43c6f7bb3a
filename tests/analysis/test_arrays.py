"""Arrays made without pyarrow.array are those that it makes, and processes that read lines need no pandas."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.analysis.ooni_lines import generated

from gatewatch_analysis.loading.measured.arrays import NEVER, texts, times

_ENCODABLE = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(deadline=None)
@given(st.lists(_ENCODABLE | st.none()))
def test_texts(values: list[str | None]) -> None:
    found = texts(values)
    found.validate(full=True)
    assert found.equals(pa.array(values, pa.large_string()))


@settings(deadline=None)
@given(st.lists(st.datetimes() | st.none()))
def test_times(values: list[datetime | None]) -> None:
    expected = pa.array(values, pa.timestamp("us")).cast(pa.int64()).fill_null(NEVER)
    assert times(values).tolist() == expected.to_pylist()


_WORK = """
import sys
from pathlib import Path
from gatewatch_analysis.loading.blocks import Piece
from gatewatch_analysis.loading.files import _Asked, _work
from gatewatch_analysis.loading.sources import Source
from gatewatch_analysis.loading.wanted import ALL
read = _work(_Asked(Piece(Source(sys.argv[1], "x")), ALL, None))
assert read.lines == 50 and read.loaded.measurements.chunks
print("pandas" in sys.modules)
"""


def test_a_process_that_reads_lines_imports_no_pandas(tmp_path: Path) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_bytes(b"".join(generated()[:50]))
    done = subprocess.run([sys.executable, "-c", _WORK, file], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
