"""Steps of bulk work: the pages of a run, one after another."""

from collections.abc import Callable, Iterator
from functools import partial

from loyalty.container import Container
from loyalty.kernel.bulk import BulkRun, Page, PageDone

Steps = Callable[[Container, BulkRun], Iterator[Page]]
"""Yields the pages that follow the run's cursor."""


def steps_of(page: Callable[..., PageDone]) -> Steps:
    """Return the steps of work whose every page is one call, which finds its place by the run's cursor."""

    def steps(container: Container, _started: BulkRun) -> Iterator[Page]:
        while True:
            yield partial(page, zone=container.zone, at=container.clock.now())

    return steps
