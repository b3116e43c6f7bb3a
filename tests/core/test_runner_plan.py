import json

import pytest

from gatewatch.runner.plan import Plan, make
from gatewatch_targets import Target

TARGETS = [Target(f"https://site{n}.org/", "NEWS", "low", ("KH",), control=n % 4 == 0) for n in range(12)]


def plan(seed: int = 1, probes: tuple[str, ...] = ("web",), traces: int = 0) -> Plan:
    return make(TARGETS, probes, seed=seed, settings={"rate": 5.0}, traces=traces)


def urls(made: Plan) -> list[str]:
    return [item.target.url for item in made.items]


def test_every_probe_on_every_target_once() -> None:
    made = plan(probes=("resolve", "web"))
    pairs = [(i.probe, i.target.url) for i in made.items]
    assert len(pairs) == len(set(pairs)) == 24 and made.probes == ("resolve", "web")
    assert [i.id for i in made.items][:3] == ["resolve-01", "web-02", "resolve-03"]
    assert len({i.id for i in made.items}) == 24


def test_the_order_is_shuffled_and_the_seed_repeats_it() -> None:
    assert urls(plan(1)) == urls(plan(1)) != urls(plan(2))
    assert sorted(urls(plan(1))) == sorted(t.url for t in TARGETS) and urls(plan(1)) != [
        t.url for t in TARGETS
    ]


def test_traces_come_last_and_go_to_controls_and_others_in_turns() -> None:
    made = plan(traces=4)
    traced = [item.target for item in made.items if item.probe == "trace"]
    assert [item.probe for item in made.items[-4:]] == ["trace"] * 4
    assert [t.control for t in traced] == [False, True, False, True]


def test_a_trace_probe_that_was_asked_for_is_not_planned_twice() -> None:
    assert len(plan(probes=("trace",), traces=4).items) == 12


def test_a_plan_comes_back_from_its_file() -> None:
    made = plan(probes=("web", "./my/mine.py"))
    assert Plan.from_json(json.loads(json.dumps(made.to_json()))) == made
    assert made.items[1].id == "mine.py-02"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"version": 2}, "plan version 2 is not 1"),
        ({"seed": ...}, "lacks 'seed'"),
        ({"items": [{}]}, "lacks 'id'"),
    ],
)
def test_a_damaged_plan_is_refused(damage: dict[str, object], message: str) -> None:
    data = {k: v for k, v in (plan().to_json() | damage).items() if v is not ...}
    with pytest.raises(ValueError, match=message):
        Plan.from_json(data)
