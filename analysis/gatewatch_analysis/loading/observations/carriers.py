"""What holds rows: a measurement's own lists, a part of it, or what its test helper saw.

Rows refer to their carrier, a carrier to its measurement, so that what all rows of one share is written once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from gatewatch_analysis.loading.observations.shape import (
    Answer,
    Connect,
    Handshake,
    Query,
    Reply,
    Transaction,
)

# What one measurement may have.  The largest that programs write (a check of 42 resolvers, a trace over
# hundreds of flows) have some thousands.
MOST_ROWS = 20_000
#: For a lookup without an answer.
NO_ANSWER = Answer()


@dataclass(slots=True)
class Way:
    """What the replies of a trace share."""

    transport: str | None
    destination: str | None
    port: int | None
    reached: bool | None


@dataclass(slots=True)
class Rows:
    """Records side by side, by kind; in the lists beside each, the carrier (and what else) it belongs to."""

    # Of each carrier: its measurement (by position), its part, and whether the test helper saw it.
    owners: list[int] = field(default_factory=list)
    parts: list[str | None] = field(default_factory=list)
    controls: list[bool] = field(default_factory=list)

    queries: list[Query] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    answer_carriers: list[int] = field(default_factory=list)

    connects: list[Connect] = field(default_factory=list)
    connect_carriers: list[int] = field(default_factory=list)

    handshakes: list[Handshake] = field(default_factory=list)
    handshake_ttls: list[int | None] = field(default_factory=list)
    handshake_carriers: list[int] = field(default_factory=list)

    transactions: list[Transaction] = field(default_factory=list)
    transaction_carriers: list[int] = field(default_factory=list)

    replies: list[Reply] = field(default_factory=list)
    ways: list[Way] = field(default_factory=list)
    reply_carriers: list[int] = field(default_factory=list)

    def carrier(self, owner: int, part: str | None = None, *, control: bool = False) -> int:
        """Begin a carrier; gives its number."""
        self.owners.append(owner)
        self.parts.append(part)
        self.controls.append(control)
        return len(self.owners) - 1

    def add_queries(self, carrier: int, queries: list[Query]) -> None:
        """Add a row for each answer, and one for each lookup without any."""
        before = len(self.answers)
        for query in queries:
            if query.answers:
                self.answers += query.answers
                self.queries += [query] * len(query.answers)
            else:
                self.answers.append(NO_ANSWER)
                self.queries.append(query)
        self.answer_carriers += [carrier] * (len(self.answers) - before)

    def add_connects(self, carrier: int, connects: list[Connect]) -> None:
        """Add a row for each connect."""
        self.connects += connects
        self.connect_carriers += [carrier] * len(connects)

    def add_handshakes(self, carrier: int, handshakes: list[Handshake], ttl: int | None = None) -> None:
        """Add a row for each handshake; ``ttl`` where their ClientHellos had one."""
        self.handshakes += handshakes
        self.handshake_ttls += [ttl] * len(handshakes)
        self.handshake_carriers += [carrier] * len(handshakes)

    def add_transactions(self, carrier: int, transactions: list[Transaction]) -> None:
        """Add a row for each transaction."""
        self.transactions += transactions
        self.transaction_carriers += [carrier] * len(transactions)

    def add_replies(self, carrier: int, way: Way, replies: list[Reply]) -> None:
        """Add a row for each reply of a trace."""
        self.replies += replies
        self.ways += [way] * len(replies)
        self.reply_carriers += [carrier] * len(replies)

    def sizes(self) -> tuple[int, ...]:
        """Say how much there is of each kind, for :meth:`cut`; the first number counts the carriers."""
        return (
            len(self.owners),
            len(self.answers),
            len(self.connects),
            len(self.handshakes),
            len(self.transactions),
            len(self.replies),
        )

    def cut(self, sizes: tuple[int, ...]) -> None:
        """Take back what was added since."""
        carriers, answers, connects, handshakes, transactions, replies = sizes
        for size, lists in (
            (carriers, (self.owners, self.parts, self.controls)),
            (answers, (self.answers, self.queries, self.answer_carriers)),
            (connects, (self.connects, self.connect_carriers)),
            (handshakes, (self.handshakes, self.handshake_ttls, self.handshake_carriers)),
            (transactions, (self.transactions, self.transaction_carriers)),
            (replies, (self.replies, self.ways, self.reply_carriers)),
        ):
            for rows in lists:
                del cast("list[object]", rows)[size:]
