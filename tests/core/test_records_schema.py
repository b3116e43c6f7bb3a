import dataclasses
import errno
import re
from pathlib import Path
from typing import Any

import pytest

from gatewatch import records
from gatewatch.records import failure
from gatewatch.records.schema import RECORDS, schema_markdown

PAGE = Path(__file__).resolve().parents[2] / "docs/records.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == schema_markdown(), (
        "write it anew: python -m gatewatch.records.schema > docs/records.md"
    )


def test_every_record_stands_on_the_page() -> None:
    every = {v for v in vars(records).values() if isinstance(v, type) and dataclasses.is_dataclass(v)}
    assert set(RECORDS) == every - {records.Problem}


@pytest.mark.parametrize("cls", RECORDS)
def test_every_field_is_documented(cls: type[Any]) -> None:
    for field in dataclasses.fields(cls):
        assert field.metadata["doc"], field.name
        assert isinstance(field.metadata["optional"], bool)
    assert "t0" not in cls.__dataclass_fields__ or cls.__dataclass_fields__["t0"].metadata["unit"] == "s"


def test_a_row_says_type_unit_and_meaning() -> None:
    page = schema_markdown()
    assert "| `t` | number or null | s | when the answer came or the wait ended |" in page
    assert "| `rtt` | number or null | ms | round-trip time |" in page
    assert "| `answers` | array of [Answer](#answer) or null |" in page
    assert "| `peer_certificates` | array of binary or null |" in page
    assert "| `rcode` | integer, optional |" in page


def test_the_vocabulary_is_oonis() -> None:
    words = {
        "generic_timeout_error",
        "connection_reset",
        "eof_error",
        "ssl_unknown_authority",
        "host_unreachable",
    }
    assert words <= failure.VOCABULARY
    assert failure.BY_ERRNO[errno.ECONNREFUSED] == "connection_refused"
    assert set(failure.BY_ERRNO.values()) <= failure.VOCABULARY
    strange = {word for word in failure.VOCABULARY if not re.fullmatch(r"[a-z_]+", word)}
    # What we gave up for want of patience: OONI has no words for these.
    assert strange == {failure.TOO_MANY_REDIRECTS, failure.REDIRECTS_TOO_SLOW, failure.FLOOD}


def test_what_has_no_word_is_short() -> None:
    assert failure.unknown("x" * 999) == "unknown_failure: " + "x" * 200
    assert failure.unknown("") == "unknown_failure"


def test_silence_is_a_timeout_whoever_gave_up() -> None:
    assert failure.is_timeout("generic_timeout_error") and failure.is_timeout("timed_out")
    assert not failure.is_timeout(None) and not failure.is_timeout("connection_reset")
