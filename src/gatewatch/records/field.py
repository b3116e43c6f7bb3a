"""How a record's fields are documented: once, beside the field, with unit and source."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

NO_EXTRA: Mapping[str, Any] = MappingProxyType({})


def doc(text: str, default: Any = dataclasses.MISSING, *, unit: str = "", optional: bool = False) -> Any:
    """Declare a documented field.

    ``optional`` means: the key is left out of the JSON where the value is None.  ``unit`` is shown on the
    schema page.  Without ``default`` the field must be given.
    """
    metadata = {"doc": text, "unit": unit, "optional": optional}
    if optional and default is dataclasses.MISSING:
        default = None
    if isinstance(default, Mapping):
        # dataclasses take a mapping for a mutable default; a shared constant is fine in a frozen record.
        return dataclasses.field(default_factory=lambda: default, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def extra() -> Any:
    """Declare the field that keeps the keys which a record does not know, so that nothing read is lost."""
    metadata = {"doc": "keys of other software, kept as they came", "unit": "", "optional": True}
    return dataclasses.field(default_factory=lambda: NO_EXTRA, metadata=metadata)
