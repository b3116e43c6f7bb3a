"""An OONI-compatible collector: one measurement after another, over HTTPS, each until it is confirmed.

Two calls are spoken.  ``submit`` is the present one (OONI API: POST /api/v1/submit_measurement), one
measurement a call.  ``report`` is the older one (bk-003): a report is opened for what measurements have in
common, they are sent to it, and it is closed.

OONI's protocol has no way to ask whether something arrived, so a measurement whose answer was lost is sent
again: it arrives at least once.  What is sent again is the same to the byte, and bears its uid among the
annotations, so whoever knows of it keeps one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import requests
import urllib3

from gatewatch.store.uid import ANNOTATION
from gatewatch.update.session import Nameless
from gatewatch.upload.backoff import retry_after
from gatewatch.upload.config import LOOPBACK, Destination
from gatewatch.upload.ledger import Ledger

# Seconds until a connection stands, and between two pieces of an answer; OONI's collectors answer within one.
_CONNECT, _READ = 15.0, 60.0
# An answer is some hundred bytes of JSON.
_LONGEST = 65_536
# Statuses that say that this measurement will never be taken: malformed, too large, of no use.
_NEVER = frozenset({400, 413, 415, 422})


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of it: confirmed, refused for good, or to be sent again later."""

    kind: Literal["stored", "refused", "later"]
    #: the collector's name for it
    id: str = ""
    why: str = ""
    #: seconds for which the collector wants to be left alone
    wait: float | None = None


class _Later(Exception):
    """No answer that counts; it may have arrived, or not."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.why, self.wait = why, wait


class Collector:
    """One collector, and the connection to it; use it in a ``with`` block."""

    def __init__(
        self,
        destination: Destination,
        *,
        patience: tuple[float, float] = (_CONNECT, _READ),
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._url = destination.url
        self._protocol = destination.protocol
        self._patience = patience
        self._wall = wall
        # It follows no redirect: a post becomes a get then, and its content goes where nobody meant it to.
        self._session = Nameless()
        self._verify: str | bool = destination.ca or True
        # What goes to this machine may go unencrypted, so it goes to no proxy of the environment.
        self._proxies = {"no_proxy": ",".join(LOOPBACK)} if urlsplit(self._url).hostname in LOOPBACK else {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def send(self, record: dict[str, Any], uid: str, ledger: Ledger) -> Answer:
        """Send one measurement; its answer is not yet noted."""
        annotations = record.get("annotations")
        record["annotations"] = {**(annotations if isinstance(annotations, dict) else {}), ANNOTATION: uid}
        try:
            if self._protocol == "submit":
                return self._submit(record, uid, ledger)
            return self._update(record, uid, ledger)
        except _Later as later:
            return Answer("later", why=later.why, wait=later.wait)

    def close(self, ledger: Ledger) -> Answer | None:
        """Close the reports of a run that are complete; whatever the collector says to that will do."""
        for report in [r for r in ledger.reports.values() if r not in ledger.closed]:
            try:
                self._post(f"/report/{report}/close", {})
            except _Later as later:
                return Answer("later", why=later.why, wait=later.wait)
            ledger.note(closed=report)
        return None

    def _submit(self, record: dict[str, Any], uid: str, ledger: Ledger) -> Answer:
        about = {
            "format": "json",
            "content": json.dumps(record),
            # Anonymous: no credential that would join what this machine sends (bk-006).
            "nym": None,
            "zkp_request": None,
            "manifest_version": None,
            "protocol_version": None,
        }
        ledger.note(sent=uid, flush=False)
        status, said = self._post("/api/v1/submit_measurement", about)
        if status in _NEVER:
            return Answer("refused", why=_reason(status, said))
        name = said.get("measurement_uid")
        if not isinstance(name, str) or not name:
            raise _Later("the answer names no measurement: is that a collector?")
        return Answer("stored", name)

    def _update(self, record: dict[str, Any], uid: str, ledger: Ledger) -> Answer:
        common = json.dumps(_common(record), sort_keys=True)
        if common not in ledger.reports:
            opened = self._open(_common(record))
            if isinstance(opened, Answer):
                return opened
            # Written before it is used: what is sent again must name the same report.
            ledger.note(report=common, id=opened)
        report = ledger.reports[common]
        record["report_id"] = report
        ledger.note(sent=uid, flush=False)
        status, said = self._post(f"/report/{report}", {"format": "json", "content": record}, gone=True)
        if status == 404:
            # Collectors forget reports after some days; the next attempt opens another.
            ledger.note(lapsed=common)
            raise _Later("the collector has forgotten the report")
        if status in _NEVER:
            return Answer("refused", why=_reason(status, said))
        return Answer("stored", str(said.get("measurement_uid") or report))

    def _open(self, common: dict[str, Any]) -> str | Answer:
        about = {"format": "json", "data_format_version": "0.2.0", **common}
        status, said = self._post("/report", about)
        if status in _NEVER:
            return Answer("refused", why=f"no report: {_reason(status, said)}")
        report = said.get("report_id")
        if not isinstance(report, str) or not report.replace("_", "").replace("-", "").isalnum():
            # It becomes part of an address.
            raise _Later("the collector gives no report that can be named")
        return report

    def _post(self, path: str, about: dict[str, Any], *, gone: bool = False) -> tuple[int, dict[str, Any]]:
        """Post JSON; gives status and answer where they say something about what was posted."""
        try:
            with self._session.post(
                f"{self._url}{path}",
                data=json.dumps(about).encode(),
                headers={"Content-Type": "application/json"},
                timeout=self._patience,
                stream=True,
                verify=self._verify,
                proxies=self._proxies,
            ) as answer:
                status = answer.status_code
                if status in _NEVER or (gone and status == 404):
                    return status, _object(_body(answer, self._patience[1])) or {}
                if path.endswith("/close") and 200 <= status < 500 and status not in (408, 425, 429):
                    return status, {}
                if not 200 <= status < 300:
                    asked = retry_after(answer.headers.get("Retry-After"), self._wall())
                    raise _Later(f"status {status}", asked)
                said = _object(_body(answer, self._patience[1]))
        except requests.exceptions.SSLError:
            raise _Later("its certificate is not trusted: is somebody in between?") from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _Later(_trouble(error)) from None
        if said is None:
            # A login page or a block page in its place, with status 200.
            raise _Later("the answer is no JSON object: is that a collector?")
        return status, said


def _common(record: dict[str, Any]) -> dict[str, Any]:
    """What a report's measurements have in common (bk-003)."""
    keys = ("probe_asn", "probe_cc", "software_name", "software_version", "test_name", "test_version")
    return {key: record.get(key) for key in (*keys, "test_start_time")}


def _body(answer: requests.Response, patience: float) -> bytes:
    """Read an answer, bounded in size and in time."""
    until = time.monotonic() + patience
    got = b""
    for piece in answer.iter_content(8192):
        got += piece
        if len(got) > _LONGEST:
            raise _Later("the answer is too long: is that a collector?")
        if time.monotonic() > until:
            raise _Later("the answer takes too long")
    return got


def _object(raw: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _reason(status: int, said: dict[str, Any]) -> str:
    words = said.get("detail") or said.get("error") or ""
    return f"status {status}{': ' + words[:200] if isinstance(words, str) and words else ''}"


def _trouble(error: Exception) -> str:
    """Say in words what went wrong on the way; urllib3 wraps the reason several times."""
    text = str(error)
    for sign, plain in (
        ("NameResolutionError", "its name cannot be resolved"),
        ("Network is unreachable", "the network is unreachable"),
        ("Connection refused", "the connection is refused"),
        ("ProxyError", "the proxy does not answer"),
        ("timed out", "no answer in time"),
        ("reset by peer", "the connection was reset"),
        ("IncompleteRead", "the answer was cut off"),
        ("RemoteDisconnected", "the connection was closed without an answer"),
    ):
        if sign in text:
            return plain
    return f"no connection ({type(error).__name__})"
