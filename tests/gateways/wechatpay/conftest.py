"""The real gateway against a real sandbox; every test takes bill numbers of its own."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count

import pytest

from loyalty.gateways.wechatpay import WechatPayGateway
from tests.support.pay_sandbox import Merchant, PaySandbox, merchant_backend, merchant_settings, pay_sandbox

_numbers = count(1)


@pytest.fixture(scope="package")
def sandbox() -> Iterator[PaySandbox]:
    with pay_sandbox(per_second=1000) as running:
        yield running


@pytest.fixture
def backend() -> Iterator[Merchant]:
    with merchant_backend() as merchant:
        yield merchant


@pytest.fixture
def make_gateway(sandbox: PaySandbox, backend: Merchant) -> Callable[..., WechatPayGateway]:
    def make(*, now: Callable[[], datetime] = lambda: datetime.now(UTC), **changes: str) -> WechatPayGateway:
        return WechatPayGateway(merchant_settings(**changes), notify_url=backend.url, sandbox_url=sandbox.url, now=now)

    return make


@pytest.fixture
def gateway(make_gateway: Callable[..., WechatPayGateway]) -> WechatPayGateway:
    return make_gateway()


@pytest.fixture
def number() -> str:
    """A bill number nobody has used."""
    return f"G{next(_numbers):05d}"
