"""Lines into rows by the shortest way that gives the slow way's very words; the rest is left to that way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, cast

import msgspec

from gatewatch.verdict import ruling
from gatewatch.verdict.evidence.hops import PLAIN_URL
from gatewatch.verdict.rule import Rule
from gatewatch_analysis.loading import plain
from gatewatch_analysis.loading.blocks import Block
from gatewatch_analysis.loading.identity import digest
from gatewatch_analysis.loading.measured.columns import Gathering, Said, said, vantage_of
from gatewatch_analysis.loading.measured.quick import quick_ruling
from gatewatch_analysis.loading.measured.shape import Envelope, Judged, Record
from gatewatch_analysis.loading.measured.single import single_ruling
from gatewatch_analysis.loading.sources import Source
from gatewatch_analysis.loading.wanted import ALL, Wanted

#: Tests that are rows of other tables, too.
ELSEWHERE: Final = frozenset({"trace", "locate", "contrast"})
#: What a verdict can say.
STATUSES: Final = ("ok", "blocked", "tampered", "down", "server_side", "inconclusive")

_record = msgspec.json.Decoder(Record).decode
_judged = msgspec.json.Decoder(Judged).decode
# Everything that msgspec says of text it does not take; what is JSON all the same, the slow way reads.
_REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

#: The test that is judged here.
WEB: Final = "web_connectivity"
Lines = Callable[[int, bytes], object]


class Fast:
    """Reads the lines of one source."""

    def __init__(self, rows: Gathering, source: Source, wanted: Wanted = ALL) -> None:
        self._rows = rows
        self._source = source
        self._wanted = None if wanted is ALL else wanted
        self._begin()

    def _begin(self) -> None:
        """Learn numbers anew: rows were taken."""
        self._generation = self._rows.generation
        self._vantages: dict[tuple[str | None, str | None, str | None], int] = {}
        self._verdicts: dict[str, int] = {}
        self._none = self._rows.category(None)
        self._web = self._rows.test(WEB)

    def block(self, block: Block, slow: Lines) -> None:
        """Read a block's lines; those that have to go the slow way are handed to ``slow``, in order."""
        if self._generation != self._rows.generation:
            self._begin()
        if block.whole:
            if not self.line(block.data):
                slow(block.line, block.data)
            return
        data = block.data
        view, ascii_ = memoryview(data), data.isascii()
        lines: list[tuple[int, memoryview]] = []
        at = 0
        for number, end in enumerate(block.line_ends(), block.line):
            if end > at:
                lines.append((number, view[at:end]))
            at = end + 1
        # One kind of work after the other: a processor does some dozen of each faster than all for each line.
        records = [_typed(line, ascii_) for _, line in lines]
        rules = [_rule(record) for record in records]
        put = self._put
        for (number, line), record, rule in zip(lines, records, rules, strict=True):
            if not put(record, rule, line):
                text = bytes(line)
                if not text.isspace():
                    slow(number, text)
        self._rows.settle()

    def line(self, line: bytes) -> bool:
        """Read one line, if this is the way for it."""
        if self._generation != self._rows.generation:
            self._begin()
        record = _typed(line, line.isascii())
        return self._put(record, _rule(record), line)

    def _put(self, record: Record | None, rule: Rule | None, line: bytes | memoryview) -> bool:
        if rule is not None and record is not None:
            code = self._verdicts.get(rule.id)
            if code is None:
                code = self._verdicts[rule.id] = self._rows.verdict(said(rule))
            return self._add(record, self._web, code, line)
        if record is None:
            return self._given(line)
        given = record.x_gatewatch_verdict
        return given is not None and self._add_given(record, given, line)

    def _given(self, line: bytes | memoryview) -> bool:
        """Read a measurement whose test keys need no look, as its verdict was given where it was made."""
        try:
            record = _judged(line)
        except _REFUSED:
            return False
        given = record.x_gatewatch_verdict
        return given is not None and record.test_keys is not None and self._add_given(record, given, line)

    def _add_given(self, record: Envelope, given: dict[str, Any], line: bytes | memoryview) -> bool:
        test = record.test_name
        verdict = given_verdict(given)
        if not test or test in ELSEWHERE or verdict is None or getattr(record, "test_keys", None) is None:
            return False
        return self._add(record, self._rows.test(test), self._rows.verdict(verdict), line)

    def _add(self, record: Envelope, test: int, verdict: int, line: bytes | memoryview) -> bool:
        try:
            start = datetime.fromisoformat(record.measurement_start_time or "")
        except ValueError:
            return False
        if start.tzinfo is not None:
            start = start.replace(tzinfo=None)
        if self._wanted is not None and not self._wanted(record.probe_cc or "ZZ", start):
            return True
        where = (record.probe_cc, record.probe_asn, record.probe_network_name)
        vantage = self._vantages.get(where)
        if vantage is None:
            vantage = self._vantages[where] = self._rows.vantage(vantage_of(self._source, *where))
        about = record.input or ""
        found = PLAIN_URL.match(about)
        target = record.x_gatewatch_target
        rows = self._rows
        rows.rows.append(
            (
                vantage,
                test,
                about,
                plain.host(about) if found is None or "xn--" in found[2] else found[2],
                self._none if not target else rows.category(plain.text(target.get("category"))),
                start,
                record.test_runtime,
                verdict,
                digest(record, b"" if record.report_id else bytes(line)),
            )
        )
        return True


def _typed(line: bytes | memoryview, ascii_: bool) -> Record | None:
    try:
        if not ascii_:
            # What is skipped is not looked at for this by msgspec.
            str(line, "utf-8")
        return _record(line)
    except _REFUSED:
        return None


def _rule(record: Record | None) -> Rule | None:
    """Judge a record; None for what is not judged here, or not this way."""
    if record is None or record.x_gatewatch_verdict is not None:
        return None
    if record.test_name != WEB or record.test_keys is None:
        return None
    try:
        return quick_ruling(record) or single_ruling(record) or ruling(cast("Any", record))
    except Exception:
        # A part is not as it should be (Unfit); or judging fails, and the slow way will say so.
        return None


def given_verdict(given: dict[str, Any]) -> Said | None:
    """Read a verdict that a measurement brings; None for what is none."""
    status = given.get("status")
    if status not in STATUSES:
        return None
    layer, method, label, rule = (plain.text(given.get(k)) for k in ("layer", "method", "label", "rule"))
    return Said(status, layer, method, label or status, rule, plain.number(given.get("confidence")))
