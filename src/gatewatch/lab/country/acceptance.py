"""The ``[acceptance]`` table: what is measured in a scenario, and what each tool must say of it."""

from __future__ import annotations

from dataclasses import dataclass, field

#: The probe whose answer is a place and no verdict.
LOCATE = "locate"


@dataclass(frozen=True, slots=True)
class Ooni:
    """OONI's two words: each false, true, a kind of blocking, or None, which a file writes by leaving it out.

    The third state counts: null is "could not tell", false "not so".
    """

    blocking: str | bool | None = None
    accessible: bool | None = None

    @property
    def label(self) -> str:
        """The pair as OONI's tables write it, such as `http-failure/false`."""
        words = {None: "null", True: "true", False: "false"}
        blocking = self.blocking if isinstance(self.blocking, str) else words[self.blocking]
        return f"{blocking}/{words[self.accessible]}"


@dataclass(frozen=True, slots=True)
class Locus:
    """Where a box stands: the hop that an ISP's packets meet it at, and whose network that is."""

    hop: int
    place: str  # access | domestic-shared | border | foreign
    isp: str = ""  # empty: every ISP of the scenario

    @property
    def label(self) -> str:
        """What ``locate`` must find: the place, and the link by its two TTLs."""
        return f"{self.place} [{self.hop - 1},{self.hop}]"


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One case: the URL, and by probe the label that gatewatch must give it on every ISP."""

    input: str
    why: str  # why gatewatch must say so, where OONI's answer does not explain itself
    ooni: Ooni
    gatewatch: dict[str, str]
    locus: tuple[Locus, ...] = field(default=())

    @property
    def probes(self) -> tuple[str, ...]:
        """The probes that measure it."""
        return tuple(self.gatewatch)

    def truths(self, isp: str) -> dict[str, str]:
        """What each probe must say on an ISP; ``locate`` where the box's place there is known."""
        found = next((locus.label for locus in self.locus if locus.isp in ("", isp)), "")
        return {**self.gatewatch, LOCATE: found} if found else self.gatewatch
