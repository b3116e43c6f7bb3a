"""From measurements to observations: a row per DNS answer, connect, handshake, transaction and hop.

Typed structs, lists gathered per column, Arrow: no dict or object for a row.  ``shape`` says what is read,
``flatten`` which lists each test has, ``kinds`` what each kind's columns are, ``columns`` puts them together.
"""

from gatewatch_analysis.loading.observations.files import Observed, load_observations, stream
from gatewatch_analysis.loading.observations.observe import Observer, Problem

__all__ = ["Observed", "Observer", "Problem", "load_observations", "stream"]
