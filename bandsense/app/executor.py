"""Where much is computed: in this process, in local ones, or on a cluster that a Dask scheduler leads.

All three are a `concurrent.futures.Executor`. Tasks are handed out a few ahead of what is done, so that a
million of them fit into memory here and in the scheduler.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from typing_extensions import override

from bandsense.errors import ConfigError, DataError, MissingExtra
from bandsense.language import Message

__all__ = ["Pool", "opened_pool"]

_AHEAD = 4
"""Tasks that are handed out for each worker: while results travel it has more to do."""

_CONNECT_S = 10

_T = TypeVar("_T")
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True)
class Pool:
    """An executor, and how many workers it has."""

    executor: Executor
    workers: int

    def run(self, function: Callable[[_T], _R], tasks: Iterable[_T]) -> Iterator[tuple[_T, _R]]:
        """Yield each task with its result, as they are done.

        Raises:
            DataError: a worker ended before its time.
        """
        coming = iter(tasks)
        under_way: dict[Future[_R], _T] = {}
        try:
            while True:
                room = max(1, _AHEAD * self.workers) - len(under_way)
                for task in islice(coming, room):
                    under_way[self.executor.submit(function, task)] = task
                if not under_way:
                    return
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    yield under_way.pop(future), future.result()
        except BrokenExecutor as error:
            raise DataError(
                Message(
                    "a worker process ended early, perhaps for lack of memory; what was computed is "
                    "kept. Start again with fewer --jobs"
                )
            ) from error
        finally:
            for future in under_way:
                future.cancel()


class _Here(Executor):
    """Computes in this process, at once."""

    @override
    def submit(self, fn: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*arguments, **named))
        return future


@contextmanager
def opened_pool(jobs: int = 1, scheduler: str | None = None) -> Iterator[Pool]:
    """Open workers for the body: as many local processes, or those that a scheduler has.

    Args:
        jobs: processes; 1 for this one alone.
        scheduler: address of a Dask scheduler, such as `tcp://10.0.0.5:8786`; it goes before `jobs`.

    Raises:
        ConfigError: the scheduler does not answer, or its workers run another version of bandsense.
        MissingExtra: it needs Dask, which is not installed.
    """
    if scheduler is not None:
        with _cluster(scheduler) as pool:
            yield pool
    elif jobs <= 1:
        yield Pool(_Here(), 0)
    else:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(jobs, mp_context=context) as executor:
            yield Pool(executor, jobs)


@contextmanager
def _cluster(scheduler: str) -> Iterator[Pool]:
    try:
        import distributed

        open_client: Any = distributed.Client  # whose methods have no types
    except ImportError as error:
        raise MissingExtra(Message("a cluster"), "cluster") from error
    try:
        client: Any = open_client(scheduler, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConfigError(
            Message(
                "the scheduler {scheduler} does not answer; start one with `dask scheduler`, "
                "and workers with `dask worker {scheduler}`",
                scheduler=scheduler,
            )
        ) from error
    with client:
        from bandsense import __version__

        versions = client.run(software_version)
        if not versions:
            raise ConfigError(
                Message(
                    "the scheduler {scheduler} has no worker; start some: `dask worker {scheduler}`",
                    scheduler=scheduler,
                )
            )
        if others := sorted(set(versions.values()) - {__version__}):
            raise ConfigError(
                Message(
                    "workers run bandsense {others}, this is {version}; results would not be "
                    "comparable. Install the same version everywhere",
                    others=", ".join(others),
                    version=__version__,
                )
            )
        workers = sum(client.nthreads().values())
        with client.get_executor(pure=False) as executor:
            yield Pool(executor, workers)


def software_version() -> str:
    """Return the version of bandsense, as a worker has it."""
    from bandsense import __version__

    return str(__version__)
