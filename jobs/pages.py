"""Steps of bulk work: the pages of a run, one after another."""

from collections.abc import Callable, Iterator
from functools import partial

from loyalty.container import Container
from loyalty.kernel.bulk import BulkRun, Page, PageDone

Steps = Callable[[Container, BulkRun], Iterator[Page]]
"""Yields the pages that follow the run's cursor."""


def steps_with(page: Callable[[Container], Page]) -> Steps:
    """Return the steps of work whose every page is asked for with what it takes, and finds its place by the cursor."""

    def steps(container: Container, _started: BulkRun) -> Iterator[Page]:
        while True:
            yield page(container)

    return steps


def steps_of(page: Callable[..., PageDone]) -> Steps:
    """Return the steps of work whose every page takes the zone and the instant."""
    return steps_with(lambda one: partial(page, zone=one.zone, at=one.clock.now()))


def steps_of_matching(page: Callable[..., PageDone]) -> Steps:
    """Return the steps of work whose every page matches members: it takes the vault too."""
    return steps_with(lambda one: partial(page, zone=one.zone, vault=one.vault, at=one.clock.now()))
