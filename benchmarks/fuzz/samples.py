"""Seeds in text: our own lists, cut short, and those that others publish, where they lie beside the checkout.

Nothing of what others publish is copied into the project.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

#: The headings of OONI's table of signs, and a list of Citizen Lab's form.
SIGNS = (
    b"name,scope,other_names,location_found,pattern_type,pattern,confidence_no_fp,expected_countries,"
    b"source,exp_url,notes\n"
)
CITIZENLAB = (
    b"url,category_code,category_description,date_added,source,notes\n"
    b'https://a.example/,NEWS,News Media,2020-01-01,x,"y, z"\n'
)
_SHARED = Path(__file__).resolve().parents[2] / "../shared/data"


def ours(*names: str, lines: int = 8) -> list[bytes]:
    """Give the beginnings of some of the package's own tables."""
    folder = files("gatewatch_targets").joinpath("data")
    return [_head(folder.joinpath(name).read_bytes(), lines) for name in names]


def others(pattern: str, lines: int = 8, most: int = 6) -> list[bytes]:
    """Give the beginnings of files beside the checkout; none where there are none."""
    return [_head(path.read_bytes(), lines) for path in sorted(_SHARED.glob(pattern))[:most]]


def each_line(pattern: str, most: int) -> Iterator[bytes]:
    """Give short files beside the checkout that hold a measurement each, as lines."""
    for path in sorted(_SHARED.glob(pattern), key=lambda path: path.stat().st_size)[:most]:
        yield json.dumps(json.loads(path.read_bytes())).encode()


def scenarios(most: int = 40) -> list[bytes]:
    """Give the shortest scenarios of the lab."""
    folder = files("gatewatch.lab") / "scenarios"
    found = [
        p.read_bytes()
        for place in (folder, folder / "acceptance")
        for p in place.iterdir()
        if p.name.endswith(".toml")
    ]
    return sorted(found, key=len)[:most]


def _head(data: bytes, lines: int) -> bytes:
    return b"\n".join(data.split(b"\n")[:lines]) + b"\n"
