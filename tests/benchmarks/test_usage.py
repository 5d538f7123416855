import os
import time

import pytest

from benchmarks.usage import PROC, processor_seconds
from trial.processes import wait_until

pytestmark = pytest.mark.skipif(not PROC.joinpath("self", "stat").exists(), reason="this system has no /proc")


def spin(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_processor_time_is_counted() -> None:
    before = processor_seconds(os.getpid())
    spin(0.1)

    assert before is not None
    assert (processor_seconds(os.getpid()) or 0) - before >= 0.05


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_childs_time_counts_while_it_lives_and_when_it_is_gone() -> None:
    before = processor_seconds(os.getpid()) or 0
    child = os.fork()
    if child == 0:
        spin(0.2)
        os._exit(0)

    assert wait_until(lambda: (processor_seconds(os.getpid()) or 0) - before >= 0.1, within_seconds=20)
    os.waitpid(child, 0)
    assert (processor_seconds(os.getpid()) or 0) - before >= 0.15


def test_a_process_that_is_gone_has_spent_nothing() -> None:
    assert processor_seconds(2**22 - 1) == 0
