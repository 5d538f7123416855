"""Fixtures: a fresh sandbox for each test, and a backend that receives its pushes."""

import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from sandbox.defaults import DEFAULT_ACCOUNTS
from sandbox.server import start
from tests.sandbox import receiver as receivers
from tests.sandbox.driver import Sim
from tests.sandbox.receiver import Receiver
from tests.support.pay_sandbox import PaySandbox, pay_sandbox


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made, stop = receivers.start()
    yield made
    stop()


@pytest.fixture
def config() -> dict[str, Any]:
    """Nobody is pushed to, and what comes later comes at once."""
    accounts = copy.deepcopy(DEFAULT_ACCOUNTS)
    for account in accounts:
        account["push_url"] = ""
    return {"accounts": accounts, "push_timeout_seconds": 5, "event_delay_seconds": 0, "media_check_delay_seconds": 0}


@pytest.fixture
def pushing(config: dict[str, Any], receiver: Receiver) -> dict[str, Any]:
    """The same with both accounts pushing to the receiver; a try lasts 0.3 s."""
    for account in config["accounts"]:
        account["push_url"] = f"{receiver.url}/{account['appid']}"
    return {**config, "push_timeout_seconds": 0.3}


@pytest.fixture
def start_sim() -> Iterator[Callable[..., Sim]]:
    """Starts sandboxes that are stopped after the test, each of them even when another cannot be."""
    with ExitStack() as started:

        def begin(config: dict[str, Any], **options: Any) -> Sim:
            handle = start(config, **options)
            started.callback(handle.stop)
            return Sim(handle)

        yield begin


@pytest.fixture
def sim(start_sim: Callable[..., Sim], config: dict[str, Any]) -> Sim:
    return start_sim(config)


@pytest.fixture
def push_sim(start_sim: Callable[..., Sim], pushing: dict[str, Any]) -> Sim:
    return start_sim(pushing)


@pytest.fixture(scope="package")
def shared_pay() -> Iterator[PaySandbox]:
    with pay_sandbox(balance_fen=10_000_000, most_fen=300_000) as running:
        yield running


@pytest.fixture
def pay(shared_pay: PaySandbox) -> Iterator[PaySandbox]:
    """The shared one; what a test leaves behind in it is forgotten."""
    yield shared_pay
    assert shared_pay.alarms() == []
    shared_pay.control("/reset")


@pytest.fixture
def user(pay: PaySandbox) -> dict[str, Any]:
    """Somebody at that one."""
    return pay.user()
