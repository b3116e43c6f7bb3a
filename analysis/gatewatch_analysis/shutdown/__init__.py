"""Was the network there at all: outages of ISPs, shutdowns of countries, and measurements that stopped."""

from gatewatch_analysis.shutdown.attempts import COLUMNS, KINDS, attempts, attempts_on_the_wire
from gatewatch_analysis.shutdown.country import shutdowns
from gatewatch_analysis.shutdown.outages import outages
from gatewatch_analysis.shutdown.stops import stops

__all__ = ["COLUMNS", "KINDS", "attempts", "attempts_on_the_wire", "outages", "shutdowns", "stops"]
