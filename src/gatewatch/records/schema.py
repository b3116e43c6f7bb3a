"""The page on records, written from the records: every key with its type, its unit and what it means.

``python -m gatewatch.records.schema > docs/records.md`` writes it anew.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints

from gatewatch import records
from gatewatch.records.failure import VOCABULARY

# In the order of reading: the envelope, what it holds, and last what only traces have.
RECORDS: tuple[type[Any], ...] = (
    records.Measurement,
    records.TestKeys,
    records.Query,
    records.Answer,
    records.ResolverHabits,
    records.Connect,
    records.ConnectStatus,
    records.Handshake,
    records.Transaction,
    records.HttpRequest,
    records.HttpResponse,
    records.NetworkEvent,
    records.SecondControl,
    records.ResidualWait,
    records.GreetingRow,
    records.OddRequest,
    records.PortRow,
    records.QuicKeys,
    records.VersionQuestion,
    records.ThrottleKeys,
    records.PacedTransfer,
    records.TraceKeys,
    records.HopReply,
    records.MplsLabel,
    records.TraceHop,
    records.TraceBranch,
    records.TraceLink,
    records.Intercept,
    records.Identity,
    records.Decoy,
    records.WalkStep,
    records.WalkAnswer,
    records.Contrast,
    records.ContrastEnd,
    records.ContrastTrial,
    records.Locus,
    records.LocateHop,
    records.LocateShot,
    records.InjectedPacket,
    records.Box,
    records.BoxMatch,
)
_WORDS: Mapping[Any, str] = {
    Any: "any",
    bool: "boolean",
    bytes: "binary",
    float: "number",
    int: "integer",
    str: "string",
    type(None): "null",
}
_INTRODUCTION = """\
# Records

What gatewatch writes: one JSON object a line (`measurements.jsonl`), each a `Measurement` in OONI's data
format 0.2.0. Keys that start with `x_gatewatch_` are ours. A web measurement's own keys (control, verdict in
OONI's words) stand beside the lists in `test_keys`.

- Times are seconds since the measurement's start, unless the key says UTC.
- `binary` is `{"format": "base64", "data": "..."}`.
- Keys marked *optional* are left out where there is nothing to say; all others are always there, if need be
  as `null`.
- Unknown keys, and known ones of an unexpected type, are kept as they came when a file is read.

This page is written from the code by `python -m gatewatch.records.schema`.
"""
_FAILURES = """\
## Failures

A failure is `null` or one of these (OONI's df-007). What has no word is `unknown_failure: ` and a short text.
"""


def schema_markdown() -> str:
    """Give the whole page."""
    parts = [_INTRODUCTION, *map(_section, RECORDS), _FAILURES]
    return "\n".join([*parts, *(f"- `{word}`" for word in sorted(VOCABULARY))]) + "\n"


def _section(cls: type[Any]) -> str:
    hints = get_type_hints(cls)
    caption = (cls.__doc__ or "").replace("``", "`")
    lines = [f"## {cls.__name__}", "", caption, "", "| key | type | unit | meaning |"]
    lines.append("|---|---|---|---|")
    for field in dataclasses.fields(cls):
        if field.name != "extra":
            about = field.metadata
            kind = _kind(hints[field.name])
            if about["optional"]:
                kind = kind.removesuffix(" or null") + ", optional"
            lines.append(f"| `{field.name}` | {kind} | {about['unit']} | {about['doc']} |")
    return "\n".join([*lines, ""])


def _kind(hint: Any) -> str:
    """Name a Python type as JSON does."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(map(_kind, arguments))
    if origin is tuple:
        return f"array of {_kind(arguments[0])}"
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return f"[{hint.__name__}](#{hint.__name__.lower()})"
    return "object" if origin is not None and issubclass(origin, Mapping) else _WORDS[hint]


if __name__ == "__main__":
    print(schema_markdown(), end="")
