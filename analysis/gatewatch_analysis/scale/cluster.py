"""A Dask cluster in place of this machine's processes.

Within ``with cluster(address):`` whatever is spread over processes (:mod:`gatewatch_analysis.loading.spread`)
is spread over the cluster's workers: the very same functions get the very same pieces, and the results come
back in the same order, so that no figure depends on where it was computed.  What a worker had in hand when it
died is given to another; a piece whose workers die again and again is told, and the rest go on.

The workers need this package, and must reach the data: an object store, or a disk that all of them see.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from gatewatch_analysis.loading.spread import WorkerDied, elsewhere

if TYPE_CHECKING:
    from distributed import Client, Future

P = TypeVar("P")
R = TypeVar("R")

# Pieces on their way for each thread of the workers: they are never idle, and results are not piled up here.
_AHEAD = 3


@contextmanager
def cluster(address: str | Client) -> Iterator[None]:
    """Spread over a cluster: the address of its scheduler (``tcp://host:8786``), or a client of it.

    Raises OSError where nobody answers at the address, and ModuleNotFoundError without the extra [scale].
    """
    from distributed import Client

    if isinstance(address, Client):
        with elsewhere(_Over(address)):
            yield
        return
    with Client(address, timeout="10s", set_as_default=False) as client, elsewhere(_Over(client)):
        yield


class _Over:
    """The workers of one cluster."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __call__(self, work: Callable[[P], R], pieces: Iterable[P]) -> Iterator[tuple[P, R | WorkerDied]]:
        """Give each piece with what ``work`` made of it, in order."""
        under_way: deque[tuple[P, Future[Any]]] = deque()
        try:
            for piece in pieces:
                # Every piece is work of its own, though its arguments may equal another's.
                under_way.append((piece, self._client.submit(work, piece, pure=False)))
                if len(under_way) >= self._most():
                    yield self._first(under_way)
            while under_way:
                yield self._first(under_way)
        finally:
            self._client.cancel([future for _, future in under_way])

    def _most(self) -> int:
        return max(2, _AHEAD * int(sum(self._client.nthreads().values())))

    @staticmethod
    def _first(under_way: deque[tuple[P, Future[Any]]]) -> tuple[P, Any]:
        from distributed import KilledWorker

        piece, future = under_way[0]
        try:
            result = future.result()
        except KilledWorker as error:
            result = WorkerDied(f"the workers that read it ended ({error})")
        under_way.popleft()
        return piece, result
