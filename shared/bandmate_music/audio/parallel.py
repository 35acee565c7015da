"""Run numeric work on all cores: numpy and scipy release the interpreter lock while they filter and transform."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def over_cores(
    function: Callable[[Item], Result], items: Iterable[Item], done: Callable[[int], None] = lambda _: None
) -> list[Result]:
    """The function of each item, in order; the result does not depend on how many cores there are.

    `done` is called with how many results there are, in the caller's thread.
    """
    waiting = list(items)
    workers = max(1, min(len(waiting), os.cpu_count() or 1))
    results = []
    with ThreadPoolExecutor(workers) as pool:
        for result in pool.map(function, waiting):
            results.append(result)
            done(len(results))
    return results
