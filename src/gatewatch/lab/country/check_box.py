"""Whether a box makes sense: the options that every kind of box may have, and those of some kinds."""

from __future__ import annotations

import ipaddress
import re
from http import HTTPStatus
from urllib.parse import urlsplit

from gatewatch.lab.boxes.hand import ids
from gatewatch.lab.country.check_path import require
from gatewatch.lab.country.decode import ScenarioError
from gatewatch.lab.country.parts import Box

# RFC 9110 5.6.2.
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# Boxes with a TCP of their own.
_TERMINATING = ("tls-mitm", "portal", "http-proxy", "sni-proxy", "tcp-hostile")
# Ethernet's: a bucket that one packet does not fit into lets none pass.
_MTU = 1500


def one_of(value: str, allowed: tuple[str, ...], where: str) -> None:
    """Require one of some words."""
    require(value in allowed, where, f"{value!r} is none of {', '.join(allowed)}")


def options(box: Box, where: str) -> None:
    """Check what every kind of box may have; raises ScenarioError with the place."""
    for i, port in enumerate(box.ports):
        require(0 < port < 1 << 16, f"{where}.ports[{i}]", f"{port} is not a port")
    for i, block in enumerate(box.addresses):
        try:
            ipaddress.ip_network(block)
        except ValueError as error:
            raise ScenarioError(f"{where}.addresses[{i}]: {error}") from None
    require(box.residual >= 0, f"{where}.residual", "is less than no time")
    one_of(box.residual_key, ("3-tuple", "4-tuple"), f"{where}.residual_key")
    one_of(box.residual_action, ("drop", "reset"), f"{where}.residual_action")
    _hand(box, where)
    for i, line in enumerate(box.headers):
        name, colon, _ = line.partition(":")
        good = line.isprintable() and line.isascii() and bool(colon) and bool(_TOKEN.fullmatch(name))
        require(good, f"{where}.headers[{i}]", f'{line!r} is no "Name: value"')
    known = box.status in {status.value for status in HTTPStatus}
    require(known, f"{where}.status", f"{box.status} is no status")
    if box.kind == "http-redirect" or box.location:
        good = urlsplit(box.location).scheme in ("http", "https") and box.location.isprintable()
        require(good, f"{where}.location", f"{box.location!r} is no http or https URL")
    for i, path in enumerate(box.paths):
        require(path.startswith("/"), f"{where}.paths[{i}]", f"{path!r} does not begin with /")
    require(not box.paths or box.layer == "http", f"{where}.paths", "only http-* can read them")
    able = box.in_path or box.kind not in _TERMINATING
    require(able, f"{where}.in_path", "a box beside the path cannot answer in the server's place")
    able = box.in_path or not box.residual or box.residual_action == "reset"
    require(able, f"{where}.residual_action", "a box beside the path can only reset")


def _hand(box: Box, where: str) -> None:
    """Check what is said of a box's forged packets."""
    require(1 <= box.initial_ttl <= 255, f"{where}.initial_ttl", f"{box.initial_ttl} is no TTL")
    if box.ip_id not in ("random", "counter"):
        try:
            ids(box.ip_id)
        except ValueError as error:
            raise ScenarioError(f"{where}.ip_id: {error}") from None
    one_of(box.flags, ("R", "RA"), f"{where}.flags")
    require(0 <= box.window < 1 << 16, f"{where}.window", f"{box.window} is no window")
    require(1 <= box.copies <= 16, f"{where}.copies", f"{box.copies} is not between 1 and 16")
    try:
        bytes.fromhex(box.payload)
    except ValueError:
        raise ScenarioError(f"{where}.payload: {box.payload!r} is not hexadecimal") from None


def throttle(box: Box, where: str) -> None:
    """Check what a throttling box does; raises ScenarioError with the place."""
    one_of(box.method, ("", "address"), f"{where}.method")
    require(0.0 <= box.loss <= 1.0, f"{where}.loss", f"{box.loss} is not a share between 0 and 1")
    slows = box.kbps or box.up_kbps or box.loss or box.delay_ms
    require(bool(slows), where, "needs kbps, up_kbps, loss or delay_ms")
    for key in ("kbps", "up_kbps", "queue_ms", "delay_ms"):
        require(getattr(box, key) >= 0, f"{where}.{key}", "is less than nothing")
    require(box.burst >= _MTU, f"{where}.burst", f"{box.burst:.0f} bytes are less than one packet")
