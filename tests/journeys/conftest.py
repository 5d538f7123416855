"""The real system for the journeys: every process of a trial, with the demo chain, driven over HTTP alone."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.system import System, running_system
from tests.journeys.simulated import Phone


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One system for all: with several processes, these tests stay in one of them."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("journeys"))


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running_system(tmp_path_factory.mktemp("journeys")) as running:
        yield running


@pytest.fixture
def somebody(system: System) -> Callable[[], Phone]:
    """Returns a person nobody knows yet, with a phone of their own."""
    return lambda: Phone.make(system.sandbox)
