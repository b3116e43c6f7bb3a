"""Which measurement is it: one number, the same in every copy of a measurement, wherever it was read from.

OONI keeps each measurement as a line, within an archive, and behind an API that adds ``measurement_uid``; the
same run of ours may be read from its folder and from what was uploaded.  What all copies share decides:

1. of our own records ``id``, run and item (others write an ``id`` that is the same in every measurement);
2. else the report, with test, input and start;
3. else the uid that OONI's pipeline gave;
4. else the line itself.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatewatch.records import Measurement
    from gatewatch_analysis.loading.measured.shape import Envelope
    from gatewatch_analysis.loading.observations.shape import Record

_OURS = "gatewatch"


# 64 bits, so that among a hundred million two agree once in 3,700 times; and copies are only ever looked for
# within one country and day.
_EMPTY = blake2b(digest_size=8)


def digest(record: Measurement | Record | Envelope, line: bytes) -> bytes:
    """Give the measurement's number as eight bytes, the highest first."""
    if record.software_name == _OURS and record.id:
        basis = f"id\0{record.id}".encode("utf-8", "replace")
    elif record.report_id:
        start, about = record.measurement_start_time or "", record.input or ""
        basis = f"report\0{record.report_id}\0{record.test_name}\0{start}\0{about}".encode("utf-8", "replace")
    elif record.measurement_uid:
        basis = f"uid\0{record.measurement_uid}".encode("utf-8", "replace")
    else:
        basis = line.strip()
    made = _EMPTY.copy()
    made.update(basis)
    return made.digest()


def number(record: Measurement | Record | Envelope, line: bytes) -> int:
    """Give the measurement's number."""
    return int.from_bytes(digest(record, line), "big", signed=True)
