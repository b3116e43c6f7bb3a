"""The belief over links: exact in simulated worlds, honest where hops are silent, not fooled by copiers."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import pytest

from gatewatch.locus import Belief, Path, Sighting

MOST = 20


@dataclass
class World:
    """A path with a filter, as numbers; ``copies`` and ``in_path`` are its habits."""

    length: int
    box: int
    drops: bool = False
    in_path: bool = True
    copies: bool = False
    silent: frozenset[int] = frozenset()
    loss: float = 0.0
    jitter: float = 0.0
    seed: int = 0
    mutes: bool = True

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.delays = [2.0 * ttl + self.random.random() for ttl in range(self.length + 1)]

    def lost(self) -> bool:
        return self.random.random() < self.loss or self.random.random() < self.loss

    def after(self, hop: int) -> float:
        return 2 * self.delays[hop] + self.random.random() * self.jitter + self.random.random() * self.jitter

    def answer(self, ttl: int) -> float | None:
        return None if ttl in self.silent or self.lost() else self.after(min(ttl, self.length))

    def path(self) -> Path:
        found = Path(self.length)
        for ttl in range(1, self.length + 1):
            for _ in range(2 if ttl not in self.silent else 4):
                found.control(ttl, self.answer(ttl), f"router {ttl}")
        return found

    def trigger(self, ttl: int, screened: bool = False) -> Sighting:
        if ttl >= self.box:
            if self.drops:
                return Sighting(ttl, "silent", None, screened)
            seen = not self.copies or (ttl >= 2 * self.box - 1 and not screened)
            if seen and not self.lost():
                return Sighting(ttl, "interfered", self.after(self.box), screened)
            if self.in_path:
                return Sighting(ttl, "silent", None, screened)
        muted = screened and self.mutes and ttl < self.length
        rtt = None if muted else self.answer(ttl)
        return Sighting(ttl, "silent" if rtt is None else "expired", rtt, screened)

    def located(self) -> tuple[Belief, int]:
        """Shoot as a hunt does, without its confirmations; the belief, and how many triggers it took."""
        belief = Belief(self.path(), drops=self.drops, mutes=self.mutes)
        for _ in range(3):
            belief.see(self.trigger(64))
        spent = 3
        while belief.place().probability < 0.99 and spent < MOST:
            belief.see(self.trigger(*belief.next_shot()))
            spent += 1
        return belief, spent


@pytest.mark.parametrize("habit", ["in_path", "beside", "drops"])
@pytest.mark.parametrize("box", range(1, 13))
def test_every_hop_is_found_on_a_clean_line(habit: str, box: int) -> None:
    world = World(13, box, drops=habit == "drops", in_path=habit != "beside")
    belief, spent = world.located()
    place = belief.place()
    assert (place.before, place.after, place.hop) == (box - 1, box, box)
    assert place.probability > 0.99
    assert spent <= 12


@pytest.mark.parametrize("mutes", [True, False])
@pytest.mark.parametrize("in_path", [True, False])
@pytest.mark.parametrize("box", range(1, 16))
def test_a_filter_that_copies_ttls_is_not_placed_where_it_first_shows(
    box: int, in_path: bool, mutes: bool
) -> None:
    """Beyond half the way, that is with TTLs that reach the server; over IPv6, routers are heard screened."""
    belief, spent = World(16, box, in_path=in_path, copies=True, mutes=mutes).located()
    place = belief.place()
    assert (place.hop, place.first) == (box, 2 * box - 1)
    # At the first hop both habits look the same.
    assert place.copies > 0.9 or box == 1
    assert spent <= (12 if mutes else 16)


def test_where_a_router_is_silent_a_dropping_filter_gets_a_wider_link() -> None:
    belief, _ = World(12, 6, drops=True, silent=frozenset({6, 7})).located()
    place = belief.place()
    assert (place.before, place.after) == (5, 8)
    assert place.probability > 0.99


def test_silent_routers_do_not_blur_what_is_forged() -> None:
    belief, _ = World(12, 6, silent=frozenset({5, 6, 7})).located()
    assert (belief.place().before, belief.place().after) == (5, 6)


def test_the_ttl_of_a_forged_datagram_gives_a_copier_away_at_once() -> None:
    belief = Belief(World(16, 4, copies=True).path(), drops=False, screens=False)
    # 12 hops are left at the fourth router, and three routers are on the way back.
    belief.see(replace(World(16, 4, copies=True).trigger(16), reply_ttl=10))
    place = belief.place()
    assert place.hop == 4
    assert place.copies > 0.95


def test_where_a_lie_looks_like_the_servers_own_word_that_teaches_nothing() -> None:
    belief = Belief(World(10, 4).path(), drops=False, blind=True)
    before = belief.posterior()
    belief.see(Sighting(10, "expired", 24.0))
    belief.see(Sighting(64, "interfered", 24.0))
    after = [p for _, p in belief.posterior()]
    assert after == pytest.approx([p for _, p in before], abs=0.2)
    assert belief.next_shot()[0] < 10


def test_what_shows_itself_four_times_alike_is_not_asked_a_fifth_time() -> None:
    belief = Belief(World(12, 5, in_path=False, copies=True).path(), drops=False)
    belief.see(Sighting(64, "interfered", 10.5))
    for _ in range(30):
        ttl, screened = belief.next_shot()
        # A NAT that swallows whatever follows a reset: everything is silent, whatever is expected.
        belief.see(Sighting(ttl, "silent", None, screened))
    asked = [(s.ttl, s.screened) for s in belief.seen[1:]]
    assert max(asked.count(shot) for shot in asked) <= 4


def test_a_trigger_that_came_through_speaks_against_every_nearer_place() -> None:
    belief = Belief(World(10, 1).path(), drops=True)
    before = dict(belief.posterior())
    belief.see(Sighting(6, "expired", 24.0))
    after = dict(belief.posterior())
    assert sum(p for habit, p in after.items() if habit.hop <= 6) < 0.02
    assert all(after[habit] > before[habit] for habit in after if habit.hop > 6)


@pytest.mark.parametrize(("loss", "wanted"), [(0.0, 60), (0.01, 59), (0.03, 57)])
@pytest.mark.parametrize("kind", ["reset", "drop", "copier"])
def test_random_worlds(kind: str, loss: float, wanted: int) -> None:
    exact = wrong = 0
    for seed in range(60):
        draw = random.Random(f"{seed} {kind}")
        length = draw.randint(7, 22)
        box = draw.randint(1, length - 1 if kind != "copier" else length // 2)
        silent = frozenset(ttl for ttl in range(2, length) if draw.random() < 0.06)
        world = World(
            length,
            box,
            drops=kind == "drop",
            in_path=draw.random() < 0.5,
            copies=kind == "copier",
            silent=silent,
            loss=loss,
            jitter=5.0 if loss else 0.0,
            seed=seed,
        )
        belief, spent = world.located()
        place = belief.place()
        assert spent <= MOST
        inside = place.before < box <= place.after
        exact += inside and place.probability >= 0.95
        wrong += not inside and place.probability >= 0.95
    assert exact >= wanted
    assert wrong <= 1
