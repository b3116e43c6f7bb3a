"""Where things lie: countries with their land borders, cities, and what a router's name tells of its place.

Boxes and cities are good for bounds, not for maps: a country lies within its box, a router within its city.
"""

from .cities import City, cities, city_named
from .hints import Hint, hinted, hints
from .lands import Box, Land, borders_between, lands

__all__ = [
    "Box",
    "City",
    "Hint",
    "Land",
    "borders_between",
    "cities",
    "city_named",
    "hinted",
    "hints",
    "lands",
]
