"""HTTP evidence: what a hop's URL gave, and how that compares with what the control was given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from gatewatch.net.address import is_bogon
from gatewatch.records import Transaction
from gatewatch.records.field import NO_EXTRA
from gatewatch.verdict.evidence import second
from gatewatch.verdict.evidence.control import Control
from gatewatch.verdict.evidence.hops import address_of, headers_of, location, place, same_site
from gatewatch.verdict.evidence.scene import Scene
from gatewatch.verdict.likeness import compare, signs
from gatewatch.verdict.words import NOT_LOOKED, OK, UNUSABLE, kind, name_kind

_OUTCOMES = frozenset({OK, "reset", "eof", "timeout", "bad_redirect", "redirect_loop"})
# A notice has a sentence or two; the median page's HTML alone is some 30 KB (HTTP Archive, 2024).
_NOTICE_BYTES = 2_048


class Page(NamedTuple):
    """A response beside the control's: body, title and headers are same, different or unusable."""

    body: str = UNUSABLE
    title: str = UNUSABLE
    headers: str = UNUSABLE
    status: str = UNUSABLE
    shape: str = UNUSABLE
    proportion: float = -1.0
    short: bool = False
    notice: bool = False
    same_server: bool = False
    shown_title: str = ""
    shown_headers: Mapping[str, Any] = NO_EXTRA

    @property
    def likeness(self) -> str:
        """Whether it is the control's page: same, different, unclear or not_looked.

        No single likeness or difference decides alone, but for the title, which is chosen by people.
        """
        marks = (self.body, self.title, self.headers, self.shape)
        same, different = marks.count(compare.SAME), marks.count(compare.DIFFERENT)
        if self.status == UNUSABLE:
            return NOT_LOOKED
        if self.status == compare.SAME and same and (self.title == compare.SAME or same > different):
            return compare.SAME
        if self.status == self.shape == compare.SAME and self.headers != compare.DIFFERENT:
            # One template filled at another hour: the words are others.
            return compare.SAME
        if self.title == compare.DIFFERENT and different > 1 and not same:
            return compare.DIFFERENT
        return "unclear"

    @property
    def unlike(self) -> bool:
        """Whether nothing that cannot be copied is alike: headers aside."""
        return (
            self.title == compare.DIFFERENT and self.body == compare.DIFFERENT and self.shape != compare.SAME
        )

    @property
    def unlike_notice(self) -> bool:
        """Whether it is a notice in place of a page that is another: headers, which can be copied, aside."""
        return self.notice and self.short and self.unlike


def is_classic(scene: Scene, transaction: Transaction) -> bool:
    """Tell whether a request went where the system's lookup led it."""
    if not scene.answers.system or "classic" in (transaction.tags or ()):
        return True
    # web_connectivity 0.4 names no address; it only ever goes to the system's.
    return not transaction.address or address_of(transaction.address) in scene.system


def main_transaction(scene: Scene) -> tuple[Transaction | None, bool]:
    """Choose the request that stands for the hop, and tell whether it went the system's way."""
    usual = [t for t in scene.hop.transactions if is_classic(scene, t)]
    others = scene.hop.transactions
    chosen = next((t for t in usual if t.failure is None), None) or next(iter(usual), None)
    return (chosen, True) if chosen else (next(iter(others), None), False)


def compared(scene: Scene, transaction: Transaction | None, theirs: str | bytes | None = None) -> Page:
    """Hold a response against the control's; not looked at where it leads on or either side has none.

    ``theirs`` is the other side's body, where it is at hand.
    """
    response = transaction.response if transaction else None
    if transaction is None or response is None or transaction.failure is not None or not response.code:
        return Page()
    headers, control = headers_of(transaction), scene.control
    shown = compare.title(response.body)
    if not (scene.is_last and control.http == OK) or (
        location(transaction) and control.status != response.code
    ):
        return Page(shown_title=shown, shown_headers=headers)
    length = -1 if response.body_is_truncated else compare.body_length(response.body)
    proportion = compare.body_proportion(length, control.body_length)
    body = UNUSABLE
    if proportion >= 0:
        body = compare.SAME if proportion > compare.BODY_PROPORTION else compare.DIFFERENT
    elif length < 0 <= control.body_length < compare.body_length(response.body):
        # What was kept of it before it was cut is longer than the control's whole page.
        body = compare.DIFFERENT
    return Page(
        body=body,
        shape=UNUSABLE if theirs is None else compare.same_shape(response.body, theirs),
        notice=length >= 0 and compare.is_notice(response.body),
        title=UNUSABLE if length < 0 and not shown else compare.same_title(shown, control.title),
        headers=compare.same_headers(headers, control.headers),
        status=compare.SAME if response.code == control.status else compare.DIFFERENT,
        proportion=proportion,
        short=0 <= length < max(control.body_length, _NOTICE_BYTES),
        same_server=compare.same_server(headers, control.headers),
        shown_title=shown,
        shown_headers=headers,
    )


def outcome(transaction: Transaction | None) -> str:
    """Say what became of a request; ``slow``: the response had begun when time ran out."""
    if transaction is None:
        return NOT_LOOKED
    word = kind(transaction.failure)
    begun = transaction.response is not None and bool(transaction.response.code)
    if word == OK and not begun:
        return "failed"
    if word == "timeout" and begun:
        return "slow"
    return word if word in _OUTCOMES else "failed"


def _attributed(scene: Scene, transaction: Transaction | None) -> dict[str, Any]:
    """Read what web_connectivity 0.4 keeps of a redirect's hop: the request's failure, no step before it."""
    if transaction is None or transaction.failure is None or scene.hop.connects or scene.depth == 0:
        return {}
    failure = transaction.failure
    if name_kind(failure) in ("nxdomain", "no_answer") or failure.startswith("dns_"):
        return {"dns_system": name_kind(failure), "dns_system_failure": failure}
    word = kind(failure)
    if word in ("refused", "unreachable"):
        return {"tcp": word, "tcp_failure": failure}
    # A reset or an end before any response of an https URL: most often the handshake's, which names the site.
    early = scene.hop.place.scheme == "https" and word in ("reset", "eof")
    if word.endswith("_certificate") or (early and not (transaction.response and transaction.response.code)):
        return {"tls": word, "tls_failure": failure}
    return {}


def authenticated(scenes: list[Scene], scene: Scene, transaction: Transaction | None) -> bool:
    """Tell whether TLS vouches for what came: a valid certificate, of a host that the input stands for."""
    if transaction is None or scene.hop.place.scheme != "https":
        return False
    earlier = scenes[: scene.depth]
    secure = all(other.hop.place.scheme == "https" for other in earlier)
    # Over plain HTTP anybody can redirect to a page with a certificate of its own.
    return secure or same_site(scenes[0].hop.place.host, scene.hop.place.host)


def _arrived(scenes: list[Scene]) -> bool:
    """Tell whether the redirects ended at the site itself."""
    last = scenes[-1]
    transaction, _ = main_transaction(last)
    if outcome(transaction) != OK:
        return False
    return authenticated(scenes, last, transaction) or compared(last, transaction).likeness == compare.SAME


def evidence(scenes: list[Scene], scene: Scene) -> dict[str, Any]:
    """Give the features about HTTP."""
    transaction, classic = main_transaction(scene)
    page = compared(scene, transaction)
    response = transaction.response if transaction else None
    status = max(0, response.code or 0) if response else 0
    word = outcome(transaction)
    stopped = scene.extra.get("x_gatewatch_redirect_failure") if scene.is_last else None
    if word == OK and isinstance(stopped, str):
        word = kind(stopped)
    secure = authenticated(scenes, scene, transaction)
    so_far = scenes[: scene.depth + 1]
    ways = [
        to for s in so_far for t in s.hop.transactions if s.hop.place.scheme == "http" and (to := location(t))
    ]
    sign = signs.led(ways, [s.hop.place.host for s in so_far[1:]], scene.country)
    mark = text = ""
    if transaction is not None and response is not None and status and transaction.failure is None:
        body = response.body or ""
        text = body if isinstance(body, str) else body[:65_536].decode("utf-8", "replace")
        mark = signs.challenge(status, page.shown_title, page.shown_headers, text)
        if not sign.id and not secure:
            sign = signs.shown(text, page.shown_title, page.shown_headers, scene.country)
    portal = "" if secure else signs.portal(status, ways, text)
    home = secure or page.likeness == compare.SAME if scene.is_last else classic and _arrived(scenes)
    return {
        "http": word,
        "http_failure": (transaction.failure or "") if transaction else "",
        "http_classic": classic,
        "http_secure": secure and word == OK,
        "http_status": status,
        "http_leads_home": classic and word == OK and home,
        "http_to_private": _private(scenes[0], ways, so_far),
        "http_challenge": mark,
        "http_portal": portal,
        "http_sign": sign.id,
        "http_sign_confidence": sign.confidence,
        "http_sign_misleads": sign.misleads,
        "page": page.likeness,
        "page_body": page.body,
        "page_proportion": page.proportion,
        "page_short": page.short,
        "page_notice": page.notice,
        "page_unlike_notice": page.unlike_notice,
        "page_title": page.title,
        "page_headers": page.headers,
        "page_status": page.status,
        "page_same_server": page.same_server,
        "control_http": scene.control.http,
        "control_http_failure": scene.control.http_failure,
        "control_http_status": scene.control.status,
        **_own_page(scene, transaction),
        **_attributed(scene, transaction),
    }


def _own_page(scene: Scene, transaction: Transaction | None) -> dict[str, Any]:
    """Hold an http page against the site's own over TLS, and against what its server gives for any name."""
    if transaction is None or scene.hop.place.scheme != "http":
        return {}
    default = second.page_of(scene, "control_host")
    any_name = default is not None and (
        compared(_in_place_of_control(scene, default), transaction).likeness == compare.SAME
    )
    own = second.page_of(scene, "https_page")
    if own is None or location(own):
        return {"second_page_default": any_name}
    body = own.response.body if own.response else None
    page = compared(_in_place_of_control(scene, own), transaction, body or "")
    word = page.likeness
    if page.unlike_notice and word != compare.SAME:
        word = "notice"
    return {
        "second_page": word,
        "second_page_default": any_name,
        "second_page_unlike": page.unlike,
        "second_page_control": compared(scene, own).likeness,
    }


def _in_place_of_control(scene: Scene, transaction: Transaction) -> Scene:
    """Give a scene whose control saw what this request was answered with."""
    response = transaction.response
    body = response.body if response else None
    seen = Control(
        http=OK,
        status=(response.code if response else 0) or 0,
        body_length=-1 if response is None or response.body_is_truncated else compare.body_length(body),
        title=compare.title(body),
        headers=headers_of(transaction),
    )
    return replace(scene, control=seen, is_last=True)


def _private(first: Scene, ways: list[str], so_far: list[Scene]) -> bool:
    """Tell whether the way led to a private address, as a portal's in front of the internet does."""
    if is_bogon(first.hop.place.host):
        return False
    hosts = [place(to).host for to in ways] + [scene.hop.place.host for scene in so_far[1:]]
    return any(is_bogon(host) for host in hosts)
