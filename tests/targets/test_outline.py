from gatewatch_targets.outline import BOUNDS, outline


def test_the_outline_holds_the_four_countries_and_lies_within_its_bounds() -> None:
    rings = outline()
    assert {kind for kind, _ in rings} == {"land", "KH", "MY", "NP", "TH"}
    west, south, east, north = BOUNDS
    assert all(west <= lon <= east and south <= lat <= north for _, ring in rings for lon, lat in ring)


def test_phnom_penh_is_in_cambodia_and_bangkok_is_not() -> None:
    [cambodia] = [ring for kind, ring in outline() if kind == "KH"]
    assert inside(104.92, 11.56, cambodia) and not inside(100.5, 13.75, cambodia)


def inside(lon: float, lat: float, ring: tuple[tuple[float, float], ...]) -> bool:
    """Count the edges east of the point (the even-odd rule)."""
    crossed = False
    for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1], strict=True):
        if (y1 > lat) != (y2 > lat) and lon < x1 + (lat - y1) * (x2 - x1) / (y2 - y1):
            crossed = not crossed
    return crossed
