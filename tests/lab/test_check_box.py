"""What a box may not be: each complaint names the key."""

from __future__ import annotations

from typing import Any

import pytest

from gatewatch.lab.country.check_box import options
from gatewatch.lab.country.decode import ScenarioError
from gatewatch.lab.country.parts import Box


@pytest.mark.parametrize(
    ("kind", "rest", "message"),
    [
        ("sni-drop", {"ports": (0,)}, r"box.ports\[0\]: 0 is not a port"),
        ("sni-drop", {"addresses": ("1.2.3.0/8",)}, r"box.addresses\[0\]: 1.2.3.0/8 has host bits set"),
        ("sni-drop", {"residual": -1.0}, "box.residual: is less than no time"),
        ("sni-drop", {"residual_key": "5-tuple"}, "box.residual_key: '5-tuple' is none of 3-tuple, 4-tuple"),
        ("sni-drop", {"residual_action": "nod"}, "box.residual_action: 'nod' is none of drop, reset"),
        ("sni-reset", {"residual": 9.0, "in_path": False}, "box.residual_action: a box beside the path can"),
        ("http-blockpage", {"headers": ("No colon",)}, r"box.headers\[0\]: 'No colon' is no \"Name: value\""),
        ("http-blockpage", {"headers": ("A\r\nB: c",)}, r"box.headers\[0\]"),
        ("http-blockpage", {"status": 999}, "box.status: 999 is no status"),
        ("http-redirect", {}, "box.location: '' is no http or https URL"),
        ("portal", {"location": "ftp://x/"}, "box.location: 'ftp://x/' is no http or https URL"),
        ("http-reset", {"paths": ("news",)}, r"box.paths\[0\]: 'news' does not begin with /"),
        ("sni-reset", {"paths": ("/",)}, r"box.paths: only http-\* can read them"),
        ("tls-mitm", {"in_path": False}, "box.in_path: a box beside the path cannot answer"),
    ],
)
def test_a_wrong_box_is_refused_with_the_place(kind: str, rest: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        options(Box(kind, 1, **rest), "box")


@pytest.mark.parametrize(
    ("kind", "rest"),
    [
        ("endpoint-drop", {"ports": (853,), "addresses": ("1.1.1.1", "2606:4700::/32")}),
        ("sni-reset", {"residual": 9.0, "in_path": False, "residual_action": "reset"}),
        ("http-blockpage", {"headers": ("Server: x", "X-A: b: c"), "status": 451, "paths": ("/a",)}),
        ("portal", {}),
    ],
)
def test_a_sound_box_passes(kind: str, rest: dict[str, Any]) -> None:
    options(Box(kind, 1, **rest), "box")
