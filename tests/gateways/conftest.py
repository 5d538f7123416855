"""Real gateways against a real sandbox in a thread."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from redis import Redis

from loyalty.gateways.redis import connect
from loyalty.gateways.wechat import MiniProgramGateway, OfficialAccountGateway
from loyalty.settings import WechatAccount
from sandbox.defaults import DEFAULT_ACCOUNTS, DEFAULT_TEMPLATES, MP_APPID, OA_APPID
from sandbox.server import Handle, start

TEMPLATE = DEFAULT_TEMPLATES[0]["template_id"]
SUBSCRIPTION = DEFAULT_TEMPLATES[2]["template_id"]
EVERY_TYPE = DEFAULT_TEMPLATES[0]["template_id"][:-3] + "999"
PUBLIC_BASE_URL = "http://127.0.0.1:8000"
KEY_TYPES = (
    "thing",
    "number",
    "letter",
    "symbol",
    "character_string",
    "time",
    "date",
    "amount",
    "phone_number",
    "car_number",
    "name",
    "phrase",
)


@dataclass
class Sandbox:
    """A running sandbox and what a test does with it."""

    handle: Handle

    @property
    def url(self) -> str:
        return self.handle.url

    def control(self, path: str, body: dict[str, Any] | None = None, *, method: str = "POST") -> Any:
        answer = requests.request(method, f"{self.url}/_sim{path}", json=body, timeout=20)
        assert answer.ok, answer.text
        return answer.json()

    def user(self, **given: Any) -> dict[str, Any]:
        return dict(self.control("/users", given))

    def follower(self, **given: Any) -> dict[str, Any]:
        user = self.user(**given)
        self.act(user, "follow", appid=OA_APPID)
        return user

    def act(self, user: dict[str, Any], act: str, **given: Any) -> Any:
        return self.control(f"/users/{user['id']}/{act}", given)

    def fault(self, **given: Any) -> None:
        self.control("/faults", given)

    def calls(self, path: str) -> list[dict[str, Any]]:
        """The platform calls received whose path contains ``path``."""
        return list(self.control(f"/log/requests?path={path}", method="GET"))

    def messages(self, user: dict[str, Any], channel: str) -> list[dict[str, Any]]:
        found = self.control(f"/users/{user['id']}/messages", method="GET")
        return [message for message in found if message["channel"] == channel]


@pytest.fixture(scope="session")
def _running_sandbox() -> Iterator[Handle]:
    accounts = copy.deepcopy(DEFAULT_ACCOUNTS)
    for account in accounts:
        account["push_url"] = ""
    every_type = "\n".join(f"{name}:{{{{{name}1.DATA}}}}" for name in KEY_TYPES)
    template = {
        "appid": OA_APPID,
        "template_id": EVERY_TYPE,
        "kind": "template",
        "title": "全部类型",
        "content": every_type,
    }
    handle = start({"accounts": accounts, "templates": [*DEFAULT_TEMPLATES, template], "event_delay_seconds": 0})
    yield handle
    handle.stop()


@pytest.fixture
def sandbox(_running_sandbox: Handle) -> Sandbox:
    sandbox = Sandbox(_running_sandbox)
    sandbox.control("/faults", method="DELETE")
    sandbox.control("/log/requests", method="DELETE")
    return sandbox


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    client = connect(redis_url)
    client.flushdb()
    yield client
    client.close()


def account_of(appid: str, **changes: str) -> WechatAccount:
    """The settings of a default account of the sandbox."""
    names = ("appid", "kind", "name", "original_id", "secret", "token", "aes_key", "push_mode")
    found = next(account for account in DEFAULT_ACCOUNTS if account["appid"] == appid)
    return WechatAccount(**{name: found[name] for name in names} | changes)


@pytest.fixture
def make_oa(sandbox: Sandbox, redis: Redis) -> Callable[..., OfficialAccountGateway]:
    def make(*, sandbox_url: str = sandbox.url, redis: Redis = redis, **changes: str) -> OfficialAccountGateway:
        return OfficialAccountGateway(
            account_of(OA_APPID, **changes),
            redis=redis,
            sandbox_url=sandbox_url,
            public_base_url=PUBLIC_BASE_URL,
            now=lambda: datetime(2026, 3, 10, 2, 0, tzinfo=UTC),
        )

    return make


@pytest.fixture
def oa(make_oa: Callable[..., OfficialAccountGateway]) -> OfficialAccountGateway:
    return make_oa()


@pytest.fixture
def mp(sandbox: Sandbox, redis: Redis) -> MiniProgramGateway:
    return MiniProgramGateway(account_of(MP_APPID), redis=redis, sandbox_url=sandbox.url)
