"""Evidence of the second controls: what passed from here where the site's own name did not.

The rows are ``x_gatewatch_second`` (:class:`gatewatch.records.SecondControl`); their packets stand among the
records with the tag ``second`` and are kept apart from the visit's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gatewatch.net import certificate
from gatewatch.records import Handshake, Transaction
from gatewatch.verdict.evidence.scene import Scene
from gatewatch.verdict.words import NOT_LOOKED, UNUSABLE

_MOST = 128
_CUT = frozenset({"reset", "eof", "timeout"})
_ANSWERED = "answered"
_WORDS = frozenset({_ANSWERED, *_CUT, "refused", "unreachable", "failed", "no_connection"})
_FOREIGN = frozenset({"ssl_unknown_authority", "ssl_invalid_hostname"})

Row = dict[str, Any]


def _rows(scene: Scene) -> list[Row]:
    raw = scene.extra.get("x_gatewatch_second")
    rows = raw[:_MOST] if isinstance(raw, list) else []
    return [
        row
        for row in rows
        if isinstance(row, dict)
        and row.get("depth") == scene.depth
        and all(isinstance(row.get(key), str) for key in ("kind", "address", "outcome", "name"))
        and row["outcome"] in _WORDS
        and isinstance(row.get("ttl"), int | None)
    ]


def _last(rows: Iterable[Row], kind: str) -> str:
    """What the last exchange of a kind came to: an earlier one may have met what a trigger left behind."""
    found = NOT_LOOKED
    for row in rows:
        if row["kind"] == kind:
            found = row["outcome"]
    return found


def _nearer(rows: list[Row]) -> bool:
    """Tell whether one address refused, every time, at a TTL at which its other port, which answers, did not.

    The other port must have answered without a limit; both are asked twice.  Each address is looked at for
    itself: another of the site's may be silent for everybody, and explains nothing.
    """
    return any(
        _nearer_at([row for row in rows if row["address"] == address])
        for address in dict.fromkeys(row["address"] for row in rows)
    )


def _nearer_at(rows: list[Row]) -> bool:
    if _last(rows, "other_port") != _ANSWERED:
        return False
    others = [row for row in rows if row["kind"] == "low_ttl_other_port" and row.get("ttl")]
    least = {row.get("ttl") for row in others}
    refused = [row for row in rows if row["kind"] == "low_ttl" and row.get("ttl") in least]
    return (
        len(others) > 1
        and len(refused) > 1
        and len(least) == 1
        # One of them may be lost; a server's own refusal comes at no lower TTL than its other port's answer.
        and sum(row["outcome"] in ("refused", "reset") for row in refused) > 1
        and all(row["outcome"] in ("unreachable", "timeout") for row in others)
    )


def _leaf(handshakes: Iterable[Handshake], kind: str) -> tuple[bytes, Handshake | None]:
    """The certificate that came with the last handshake of a kind."""
    leaf: bytes = b""
    found: Handshake | None = None
    for handshake in handshakes:
        chain = handshake.peer_certificates
        if kind in (handshake.tags or ()) and chain and isinstance(chain[0], bytes):
            leaf, found = chain[0], handshake
    return leaf, found


def forged(leaf: bytes, handshake: Handshake | None) -> bool:
    """Tell whether a certificate was made up for the name that was sent: it holds it, and nobody vouches."""
    return (
        handshake is not None
        and handshake.failure == "ssl_unknown_authority"
        and certificate.is_for(leaf, handshake.server_name or "")
    )


def _chain(scene: Scene, refused: bytes) -> str:
    """Whose the refused certificate is, by the one that comes for a control name at the same address.

    forged: an untrusted one is made up there, too, or for the site's name at an address that has nothing to
    do with it; own: the very same one comes; other: anything else.
    """
    if refused and forged(*_leaf(scene.hop.aside.handshakes, "neutral_test")):
        return "forged"
    leaf, handshake = _leaf(scene.hop.aside.handshakes, "control_sni")
    if not leaf or not refused:
        return NOT_LOOKED
    if forged(leaf, handshake):
        return "forged"
    return "own" if leaf == refused else "other"


def _line(scene: Scene) -> str:
    """Whether certificates are made up even where the control's own name goes to a neutral server."""
    leaf, handshake = _leaf(scene.hop.aside.handshakes, "neutral_control")
    if not leaf or handshake is None:
        return NOT_LOOKED
    return "forged" if handshake.failure in _FOREIGN else "valid"


def residue(scene: Scene) -> bool:
    """Tell whether the way to one of the hop's endpoints was not clear when its name was sent."""
    raw = scene.extra.get("x_gatewatch_residual")
    tried = {connect.ip for connect in scene.hop.connects}
    return any(
        isinstance(row, dict)
        and row.get("before") is True
        and row.get("passed") is False
        and isinstance(row.get("address"), str)
        and row["address"] in tried
        for row in (raw[:_MOST] if isinstance(raw, list) else ())
    )


def page_of(scene: Scene, kind: str) -> Transaction | None:
    """The response that came last for a second control, if any."""
    found = (t for t in scene.hop.aside.transactions if kind in (t.tags or ()) and t.failure is None)
    return next((t for t in found if t.response is not None and t.response.code), None)


def evidence(scene: Scene, addresses: Iterable[str], refused: bytes) -> dict[str, Any]:
    """Give the features about second controls.

    ``addresses``: where the site is; controls at others say nothing about it.  ``refused``: the certificate
    that was refused, if any.
    """
    rows = _rows(scene)
    if not rows:
        return {}
    front = _last(rows, "front_page")
    here = set(addresses)
    at_site = [row for row in rows if row["address"] in here]
    neutral = _last(rows, "neutral_test")
    if neutral != NOT_LOOKED and _last(rows, "neutral_control") != _ANSWERED:
        neutral = UNUSABLE
    return {
        "second_sni": _last(at_site, "control_sni"),
        "second_again": _last(at_site, "test_sni"),
        "second_elsewhere": neutral,
        "second_chain": _chain(scene, refused),
        "second_line": _line(scene),
        "second_port": _last(at_site, "other_port"),
        "second_nearer": _nearer(at_site),
        "second_host": _last(rows, "control_host"),
        "second_host_again": _last(rows, "test_host"),
        "second_https": _last(rows, "https_page"),
        "second_front": front,
        "http_front": "" if front == NOT_LOOKED else f"; the site's front page: {front}",
    }
