"""Whether a box makes sense: the options that every kind of box may have, and those of some kinds."""

from __future__ import annotations

import ipaddress

from gatewatch.lab.check_path import require
from gatewatch.lab.decode import ScenarioError
from gatewatch.lab.parts import Box


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
    able = box.in_path or not box.residual or box.residual_action == "reset"
    require(able, f"{where}.residual_action", "a box beside the path can only reset")
