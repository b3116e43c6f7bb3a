from __future__ import annotations

import io

import pytest

from gatewatch_targets import DataError
from gatewatch_targets.events import events
from gatewatch_targets.predictions import check, digests, parse_predictions, predictions
from gatewatch_targets.reference import open_data
from gatewatch_targets.tree import read_tree

#: What was registered, by day.  Lines are added here, and none is ever changed or taken away: a prediction
#: that can be changed after the data is none.
REGISTERED = {
    "nig-border": "2ab6507aa4c99e4ca7f003abaec60c1919106fe04e0490591b1474304da043e8",  # 2026-11-24
    "nig-hop": "6f11b1ad5ae61e6636fe72cd2bbb068b09ab820d363a014673734142481da16b",  # 2026-11-24
    "nig-lists": "1df11330975466a219de54c470d7fda502b9b993bdf78f3f273eec7ca9ed3789",  # 2026-11-24
    "nig-signature": "fcf1a8c368cd6999054839ea3cf40bed037297ea509cc8d3a8913094ab86e1b9",  # 2026-11-24
    "nig-domestic": "92d08a10b0b794a80f4a3b2b81d8791f5488c1ff0f75c67938d26bc47f5d5eec",  # 2026-11-24
    "nig-mechanism": "f52a23b721d7c6051a2d2155a764d1ecd5eb6a3c7170dd8ee5adb559455c72d4",  # 2026-11-24
    "nig-places": "81b069989f4c01ea1c6b597ef467622c4714c7dcab3a46305d376a9b1e07d3ba",  # 2026-11-24
    "nig-sides": "5951f65fdd5250ebf0877fc1bf81f39cfc923ff1f95684de039ab23f001fd7e3",  # 2026-11-24
    "placebo-th-2015": "f09c1bcbbeaa563f5e96a9da49ef34b1431d063d018c7955ded583ffba42e964",  # 2026-11-24
    "placebo-kh-2022": "467e7aa90dac9f69a24ae7f433a02754d854dabaa2b23cf6c426ada8a0cda16f",  # 2026-11-24
    "placebo-th-2020": "fbea76e389c817164f1edfb0918caf6a8df9f53097bb0534a479868335c8ec5c",  # 2026-11-24
    "placebo-rfa-2025": "3b45fcee8d48401b60f7a78ec46c17ba7c69609fe308af4d31c51e81cc494e36",  # 2026-11-24
}


def parsed(change: tuple[str, str] = ("", "")) -> dict[str, str]:
    with open_data("predictions.toml") as stream:
        text = stream.read().decode()
    assert change[0] in text
    tree = read_tree(io.BytesIO(text.replace(*change, 1).encode()), "predictions.toml")
    found = parse_predictions(tree)
    check(found, digests())
    return {key: prediction.digest for key, prediction in found.items()}


def test_no_prediction_was_changed_after_it_had_been_registered() -> None:
    told = {key: prediction.digest for key, prediction in predictions().items()}
    assert {key: told.get(key) for key in REGISTERED} == REGISTERED


def test_layout_and_the_order_of_keys_change_nothing() -> None:
    lines = ('claim = "Western', 'claim   =   "Western')
    assert parsed(lines) == dict(digests())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("towards 1", "towards 0.9"), "nig-border: was changed after it had been registered"),
        (("2026-11-24", "2026-11-23"), "nig-border: was changed after it had been registered"),
        (('["KH"]', '["KH", "NP"]'), "nig-border: was changed after it had been registered"),
        (("[nig-hop]", "[nig-hops]"), "nig-hops: has no digest in predictions.sha256"),
        (("expected =", "replaces = 'x'\nexpected ="), "nig-border.replaces: 'x' is not a prediction above"),
        (("2026-11-24", "2026-11"), "nig-border.registered: '2026-11' is not a day"),
        (('["KH"]', '["Cambodia"]'), "nig-border.countries[0]: 'Cambodia' is not a two-letter country code"),
        (("against =", "agianst ="), "nig-border.agianst: is not read here"),
    ],
)
def test_a_change_is_refused(change: tuple[str, str], message: str) -> None:
    with pytest.raises(DataError) as caught:
        parsed(change)
    assert str(caught.value).startswith(f"predictions.toml: {message}")


def test_a_prediction_cannot_be_taken_away() -> None:
    rest = {key: value for key, value in predictions().items() if key != "nig-hop"}
    with pytest.raises(DataError, match=r"nig-hop: was registered and is gone"):
        check(rest, digests())


def test_a_better_one_is_added_and_the_old_one_stays() -> None:
    with open_data("predictions.toml") as stream:
        text = stream.read().decode()
    added = text[text.index("[nig-hop]") : text.index("[nig-lists]")].replace("[nig-hop]", "[nig-hop-2]")
    tree = read_tree(io.BytesIO((text + added + 'replaces = "nig-hop"\n').encode()), "predictions.toml")
    found = parse_predictions(tree)
    assert found["nig-hop-2"].replaces == "nig-hop" and found["nig-hop"].digest == REGISTERED["nig-hop"]
    check(found, {**digests(), "nig-hop-2": found["nig-hop-2"].digest})


def test_placebos_stand_on_events_that_expect_nothing() -> None:
    placebos = {prediction.after for prediction in predictions().values() if prediction.is_placebo}
    nothing = {event.id for event in events() if event.expects == "nothing"}
    assert placebos == {"th-gateway-2015", "kh-gateway-start", "th-telegram-order", "rfa-ends"} <= nothing
    assert all(prediction.registered.precision == "day" for prediction in predictions().values())
