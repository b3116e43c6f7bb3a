import errno
import socket
from typing import Any

import pytest
import trio
from tests.worlds.clock import run
from tests.worlds.datagrams import Answers, Datagrams
from tests.worlds.streams import broken

from gatewatch.net import dnswire, lookup
from gatewatch.net.journal import Journal
from gatewatch.records import Query

RESOLVER = ("8.8.8.8", 53)
TRUE, FALSE = "104.16.1.1", "202.58.101.80"


def says(*answers: tuple[float, str, int]) -> Any:
    return lambda query: [(t, dnswire.answer(query, addresses=(a,)), ttl) for t, a, ttl in answers]


def fails(after: float, number: int) -> Any:
    return lambda query: [(after, broken(number), 0)]


async def ask(
    server: Any, seconds: float = 5, window: float = lookup.LATE_WINDOW
) -> tuple[Journal, Datagrams]:
    world = Datagrams({RESOLVER: server})
    journal = Journal()
    with trio.move_on_after(seconds):
        got = await lookup.udp(journal, RESOLVER[0], "example.org", tags=("depth=0",), window=window)
        assert got == tuple(journal.queries)
    assert world.unclosed == 0 and world.watched == {}
    return journal, world


def facts(query: Query) -> tuple[Any, ...]:
    return query.addresses, query.t, query.x_gatewatch_ip_ttl, query.x_gatewatch_late


def test_the_true_answer_behind_a_forged_one_is_recorded_as_late_with_its_ttl() -> None:
    async def main() -> None:
        journal, _ = await ask(says((0.004, FALSE, 62), (0.05, TRUE, 57)))
        assert [facts(q) for q in journal.queries] == [((FALSE,), 0.004, 62, None), ((TRUE,), 0.05, 57, 1)]
        assert {q.transaction_id for q in journal.queries} == {1}
        assert {(q.engine, q.resolver_address, q.t0) for q in journal.queries} == {("udp", "8.8.8.8:53", 0.0)}
        assert trio.current_time() == 0.504

    run(main)


def test_listening_ends_with_the_window_after_the_first_answer() -> None:
    async def main() -> None:
        journal, _ = await ask(says((1.0, FALSE, 62), (1.49, TRUE, 57), (1.51, TRUE, 57)))
        assert [q.t for q in journal.queries] == [1.0, 1.49]
        assert trio.current_time() == 1.5

    run(main)


def test_without_a_window_the_first_answer_is_enough() -> None:
    async def main() -> None:
        journal, _ = await ask(says((0.1, FALSE, 62), (0.1, TRUE, 57)), window=0)
        assert [q.addresses for q in journal.queries] == [(FALSE,)] and trio.current_time() == 0.1

    run(main)


def test_a_flood_of_answers_ends_after_eight() -> None:
    async def main() -> None:
        journal, _ = await ask(says(*[(0.01 * n, FALSE, 62) for n in range(1, 30)]))
        assert [q.x_gatewatch_late for q in journal.queries] == [None, *range(1, 8)]
        assert trio.current_time() == 0.08

    run(main)


def test_silence_is_a_timeout_at_exactly_the_callers_limit() -> None:
    async def main() -> None:
        journal, _ = await ask(lambda _: [])
        (query,) = journal.queries
        assert (query.failure, query.answers, query.t0, query.t) == ("generic_timeout_error", None, 0.0, 5.0)

    run(main)


def test_what_was_answered_before_the_limit_stays_on_record() -> None:
    async def main() -> None:
        journal, _ = await ask(says((4.8, TRUE, 57)))
        assert [facts(q) for q in journal.queries] == [((TRUE,), 4.8, 57, None)] and trio.current_time() == 5

    run(main)


@pytest.mark.parametrize(
    ("number", "failure"),
    [(errno.ECONNREFUSED, "connection_refused"), (errno.EHOSTUNREACH, "host_unreachable")],
)
def test_an_icmp_error_is_the_failure(number: int, failure: str) -> None:
    async def main() -> None:
        journal, _ = await ask(fails(0.05, number))
        (query,) = journal.queries
        assert (query.failure, query.t, query.raw_response) == (failure, 0.05, None)

    run(main)


def test_an_icmp_error_after_an_answer_takes_nothing_from_it() -> None:
    def both(query: bytes) -> Answers:
        return [*says((0.01, TRUE, 57))(query), *fails(0.05, errno.ECONNREFUSED)(query)]

    async def main() -> None:
        journal, _ = await ask(both)
        assert [q.failure for q in journal.queries] == [None] and trio.current_time() == 0.05

    run(main)


def test_a_socket_that_cannot_be_opened_is_a_failure_too() -> None:
    async def main() -> None:
        world = Datagrams({})
        world.no_more = broken(errno.EAFNOSUPPORT)
        (query,) = await lookup.udp(Journal(), "2001:4860:4860::8888", "example.org")
        assert query.failure == "address_family_not_supported"
        assert query.resolver_address == "[2001:4860:4860::8888]:53"

    run(main)


def test_an_answer_to_another_question_is_written_down_as_what_it_is() -> None:
    async def main() -> None:
        other = dnswire.answer(dnswire.query("other.org", "A", 1), addresses=(FALSE,))
        journal, _ = await ask(lambda _: [(0.01, other, 60)])
        assert journal.queries[0].failure == "dns_reply_with_wrong_query_id"

    run(main)


def test_cancelling_while_listening_leaves_nothing_behind() -> None:
    async def main() -> None:
        world = Datagrams({RESOLVER: says((0.1, FALSE, 62), (0.4, TRUE, 57))})
        journal = Journal()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lookup.udp, journal, RESOLVER[0], "one.org")
            nursery.start_soon(lookup.udp, journal, "9.9.9.9", "two.org")
            await trio.sleep(0.2)
            nursery.cancel_scope.cancel()
        assert (world.unclosed, world.watched) == (0, {})
        assert sorted((q.hostname or "", q.failure, q.t) for q in journal.queries) == [
            ("one.org", None, 0.1),
            ("two.org", "generic_timeout_error", 0.2),
        ]
        # The pump lives on and serves the next question.
        assert len(await lookup.udp(journal, RESOLVER[0], "three.org")) == 2

    run(main)


def test_three_hundred_questions_are_answered_each_its_own() -> None:
    async def main() -> None:
        def server(query: bytes) -> Answers:
            _, name, _ = dnswire.question(query)
            number = int(name.partition(".")[0][1:])
            address = f"104.16.{number // 100}.{number % 100}"
            return [(number / 1000, dnswire.answer(query, addresses=(address,)), 57)] if number % 3 else []

        world = Datagrams({RESOLVER: server})
        journal = Journal()

        async def one(number: int) -> None:
            with trio.move_on_after(5):
                await lookup.udp(journal, RESOLVER[0], f"n{number}.org")

        async with trio.open_nursery() as nursery:
            for number in range(300):
                nursery.start_soon(one, number)
        assert world.unclosed == 0 and world.watched == {} and trio.current_time() == 5
        by_name = {q.hostname: (q.failure, q.t, q.addresses) for q in journal.queries}
        assert by_name == {
            f"n{n}.org": (None, n / 1000, (f"104.16.{n // 100}.{n % 100}",))
            if n % 3
            else ("generic_timeout_error", 5.0, ())
            for n in range(300)
        }

    run(main)


class Names(trio.abc.HostnameResolver):
    """A system resolver that gives one outcome after a second."""

    def __init__(self, outcome: list[str] | Exception | None) -> None:
        self._outcome = outcome

    async def getaddrinfo(self, host: Any, port: Any, *_: Any, **__: Any) -> Any:
        await trio.sleep(1)
        if isinstance(self._outcome, Exception):
            raise self._outcome
        if self._outcome is None:
            await trio.sleep_forever()
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in self._outcome or ()
        ]

    async def getnameinfo(self, sockaddr: Any, flags: int) -> Any:
        raise NotImplementedError


async def ask_system(outcome: list[str] | Exception | None) -> tuple[tuple[str, ...], Query]:
    before = trio.socket.set_custom_hostname_resolver(Names(outcome))
    journal = Journal()
    found: tuple[str, ...] = ()
    try:
        with trio.move_on_after(15):
            found = await lookup.system(journal, "example.org", tags=("classic",))
    finally:
        trio.socket.set_custom_hostname_resolver(before)
    return found, journal.queries[0]


def test_the_systems_answer_is_recorded_as_oonis_is() -> None:
    async def main() -> None:
        found, query = await ask_system([TRUE, TRUE, "2606:4700::1"])
        assert found == (TRUE, "2606:4700::1") == query.addresses
        assert [(a.answer_type, a.ttl) for a in query.answers or ()] == [("A", None), ("AAAA", None)]
        assert (query.engine, query.query_type, query.failure, query.t0, query.t) == (
            "getaddrinfo",
            "ANY",
            None,
            0,
            1,
        )
        assert query.tags == ("classic",) and query.getaddrinfo_error is None

    run(main)


def test_the_systems_failure_keeps_its_number() -> None:
    async def main() -> None:
        found, query = await ask_system(socket.gaierror(socket.EAI_NONAME, "no such name"))
        assert found == () and query.answers is None
        assert (query.failure, query.getaddrinfo_error) == ("dns_nxdomain_error", socket.EAI_NONAME)

    run(main)


def test_the_systems_silence_is_a_timeout_at_the_limit() -> None:
    async def main() -> None:
        found, query = await ask_system(None)
        assert found == () and (query.failure, query.t) == ("generic_timeout_error", 15.0)

    run(main)


def test_a_name_that_python_cannot_encode_is_a_failure_not_a_crash() -> None:
    async def main() -> None:
        _, query = await ask_system(UnicodeError("label too long"))
        assert query.failure == "unknown_failure: UnicodeError label too long"

    run(main)


def test_messages_that_answer_another_question_begin_no_window_and_hide_nothing() -> None:
    def answers(query: bytes) -> Any:
        other = bytes([query[0] ^ 1]) + query[1:]
        noise = [(0.01 * n, dnswire.answer(other, addresses=(FALSE,)), 62) for n in range(1, 41)]
        return [*noise, (0.9, dnswire.answer(query, addresses=(TRUE,)), 57)]

    async def main() -> None:
        journal, _ = await ask(answers)
        assert [(q.addresses, q.failure, q.x_gatewatch_late) for q in journal.queries] == [
            ((TRUE,), None, None),
            ((), "dns_reply_with_wrong_query_id", 1),
            ((), "dns_reply_with_wrong_query_id", 2),
        ]
        assert trio.current_time() == 1.4

    run(main)


def test_a_flood_of_them_ends_the_question() -> None:
    async def main() -> None:
        journal, _ = await ask(
            lambda query: [
                (n / 100, dnswire.answer(bytes([query[0] ^ 1]) + query[1:]), 62) for n in range(1, 200)
            ]
        )
        assert len(journal.queries) == lookup.NOISE_KEPT
        assert trio.current_time() == lookup.MAX_NOISE / 100

    run(main)
