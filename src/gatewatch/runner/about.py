"""What is said of a run besides its measurements: the vantage and the software; no person, no address."""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass
from typing import Any

from gatewatch import __version__

SOFTWARE = "gatewatch"


@dataclass(frozen=True, slots=True)
class Vantage:
    """Where the probe runs: country code, AS number, a name for the ISP, kind of network."""

    country: str = "ZZ"
    asn: int = 0
    isp: str = ""
    network_type: str = "unknown"

    def to_json(self) -> dict[str, Any]:
        """Give the vantage as run.json has it."""
        return asdict(self)


def engine(vantage: Vantage) -> dict[str, str]:
    """The annotations of every measurement, as OONI's engine writes them."""
    return {
        "engine_name": SOFTWARE,
        "engine_version": __version__,
        "architecture": platform.machine(),
        "platform": platform.system().lower(),
        "network_type": vantage.network_type,
    }
