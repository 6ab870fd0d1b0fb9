"""Do the same to many files at once: on a volume each operation is a round trip of some tens of milliseconds."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

#: Most of the time they wait. More of them keep each other from the processor where files are on a local disk.
_THREADS = 16


def map_in_pool(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Apply a function to each item in a pool of threads, and return the results in the order of the items.

    Where one raises an error, what is not begun is not begun any more, and the first error is raised once what is
    under way has come to its end: nothing goes on behind the caller's back.
    """
    some = list(items)
    if len(some) < 2:
        return list(map(work, some))
    with ThreadPoolExecutor(min(_THREADS, len(some))) as pool:
        return list(pool.map(work, some))
