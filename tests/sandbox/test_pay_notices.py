"""Callbacks of WeChat Pay: when they go out, how often, and what can go wrong with them."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from wechatpayv3.utils import aes_decrypt

from tests.sandbox.driver import Sim
from tests.support.pay_sandbox import API_V3_KEY, Merchant, PaySandbox, merchant_backend, pay_sandbox
from tests.support.transfer_bills import created

EVENT = "MCHTRANSFER.BILL.FINISHED"


@pytest.fixture
def pay() -> Iterator[PaySandbox]:
    """Hours between two tries, so that only the clock brings the next."""
    with pay_sandbox(notify_retry_seconds=[3600, 7200]) as running:
        yield running


@pytest.fixture
def backend() -> Iterator[Merchant]:
    with merchant_backend() as merchant:
        yield merchant


def paid(pay: PaySandbox, backend: Merchant, **fault: Any) -> str:
    """A bill that somebody confirmed; its callback suffers the fault."""
    if fault:
        pay.fault(target="notify", **fault)
    user = pay.user()
    number: str = created(pay, user, notify_url=backend.url)["out_bill_no"]
    pay.confirm(user, number)
    return number


def logged(pay: PaySandbox, count: int) -> list[str]:
    """What came of the tries so far, once there are that many."""
    Sim(pay.handle).wait_for_push(EVENT, count=count)
    return [entry["status"] for entry in pay.control(f"/log/pushes?event={EVENT}", method="GET")]


def opened(letter: tuple[dict[str, str], bytes]) -> dict[str, Any]:
    """The content of a callback, as its merchant reads it."""
    resource = json.loads(letter[1])["resource"]
    given = {name: resource[name] for name in ("nonce", "ciphertext", "associated_data")}
    return dict(json.loads(aes_decrypt(**given, apiv3_key=API_V3_KEY)))


def test_a_refused_callback_comes_again_by_the_clock_and_then_never_more(pay: PaySandbox, backend: Merchant) -> None:
    backend.status = 500
    paid(pay, backend)
    assert logged(pay, 1) == ["waiting"]
    pay.advance(3601)
    assert logged(pay, 2) == ["waiting"] * 2
    pay.advance(7201)
    assert logged(pay, 3)[-1] == "given up"
    pay.advance(86400)

    assert len(backend.letters) == 3
    assert len({headers["Wechatpay-Nonce"] for headers, _body in backend.letters}) == 3


def test_a_taken_callback_comes_once_and_an_answer_that_was_lost_brings_another(
    pay: PaySandbox, backend: Merchant
) -> None:
    paid(pay, backend, drop="after")
    assert logged(pay, 1) == ["waiting"]
    pay.advance(3601)
    assert logged(pay, 2) == ["waiting", "taken"]
    pay.advance(86400)

    assert len(backend.letters) == 2


def test_a_callback_that_never_comes_is_not_sent_later_either(pay: PaySandbox, backend: Merchant) -> None:
    paid(pay, backend, drop="before")
    assert logged(pay, 1) == ["dropped"]
    pay.advance(86400)
    paid(pay, backend)

    backend.wait_for(1)
    assert len(backend.letters) == 1


def test_callbacks_come_in_another_order(pay: PaySandbox, backend: Merchant) -> None:
    first = paid(pay, backend, reorder=True)
    second = paid(pay, backend)

    assert [opened(letter)["out_bill_no"] for letter in backend.wait_for(2)] == [second, first]


def test_the_end_may_be_told_before_the_create_is_answered(pay: PaySandbox, backend: Merchant) -> None:
    pay.fault(target="transfer", event="create", fail_reason="OPENID_INVALID")
    pay.fault(path="transfer-bills$", answer_delay_ms=60_000)
    creating = ThreadPoolExecutor(1).submit(created, pay, pay.user(), notify_url=backend.url)

    told = opened(backend.wait_for(1)[0])

    assert not creating.done()
    pay.handle.world.stopping.set()
    assert creating.result()["state"] == told["state"] == "FAIL"


def test_a_bill_that_nobody_confirmed_is_told_although_nobody_asks(pay: PaySandbox, backend: Merchant) -> None:
    created(pay, pay.user(), notify_url=backend.url)
    pay.handle.world.clock.advance(86401)

    backend.wait_for(1)


def test_without_an_address_nobody_is_told(pay: PaySandbox, backend: Merchant) -> None:
    user = pay.user()
    number = created(pay, user)["out_bill_no"]
    pay.confirm(user, number)
    pay.advance(86400)

    assert pay.control(f"/log/pushes?event={EVENT}", method="GET") == []
