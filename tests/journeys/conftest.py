"""The real system for the journeys: every process of a trial, with the demo chain, driven over HTTP alone."""

from collections.abc import Callable, Iterator

import pytest

from tests.browser.system import System, running_system
from tests.journeys.simulated import Phone


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running_system(tmp_path_factory.mktemp("journeys")) as running:
        yield running


@pytest.fixture
def somebody(system: System) -> Callable[[], Phone]:
    """Returns a person nobody knows yet, with a phone of their own."""
    return lambda: Phone.make(system.sandbox)
