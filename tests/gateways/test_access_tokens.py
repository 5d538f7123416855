"""One token for all processes, renewed once at most for one call."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from loyalty.gateways.answers import SendReason, SendState
from loyalty.gateways.errors import WechatMisconfigured, WechatUnavailable
from loyalty.gateways.redis import connect
from loyalty.gateways.wechat import OfficialAccountGateway
from sandbox.defaults import OA_APPID
from tests.gateways.conftest import TEMPLATE, Sandbox

TOKEN_KEY = f"wechat:{OA_APPID}:access_token"
MakeAccount = Callable[..., OfficialAccountGateway]


def test_many_processes_at_once_ask_for_one_token(sandbox: Sandbox, make_oa: MakeAccount) -> None:
    barrier = threading.Barrier(8)
    accounts = [make_oa() for _ in range(8)]

    def call(account: OfficialAccountGateway) -> None:
        barrier.wait(10)
        account.list_templates()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(call, accounts))

    assert len(sandbox.calls("stable_token")) == 1


def test_a_token_revoked_under_many_processes_is_renewed_once(
    sandbox: Sandbox, redis: Redis, make_oa: MakeAccount
) -> None:
    redis.set(TOKEN_KEY, "1_" + "x" * 136)
    barrier = threading.Barrier(8)
    accounts = [make_oa() for _ in range(8)]

    def call(account: OfficialAccountGateway) -> None:
        barrier.wait(10)
        account.list_templates()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(call, accounts))

    assert len(sandbox.calls("stable_token")) == 1


@pytest.mark.parametrize("errcode", [40001, 40014, 42001])
def test_a_token_refused_for_ever_costs_one_renewal_and_one_more_try(
    sandbox: Sandbox, oa: OfficialAccountGateway, errcode: int
) -> None:
    oa.list_templates()
    sandbox.control("/log/requests", method="DELETE")
    sandbox.fault(path="get_all_private_template", times=-1, errcode=errcode)

    with pytest.raises(WechatMisconfigured):
        oa.list_templates()

    assert len(sandbox.calls("stable_token")) == 1
    assert len(sandbox.calls("get_all_private_template")) == 2


def test_a_token_refused_once_is_not_noticed_by_the_caller(sandbox: Sandbox, oa: OfficialAccountGateway) -> None:
    sandbox.fault(path="get_all_private_template", times=1, errcode=42001)

    assert oa.list_templates()


def test_nothing_ever_forces_a_refresh(sandbox: Sandbox, oa: OfficialAccountGateway) -> None:
    sandbox.fault(path="get_all_private_template", times=1, errcode=40001)

    oa.list_templates()

    assert all("force_refresh" not in str(call) for call in sandbox.calls("stable_token"))


def test_the_shared_token_dies_before_that_of_the_platform(redis: Redis, oa: OfficialAccountGateway) -> None:
    oa.list_templates()

    assert 6000 < int(redis.ttl(TOKEN_KEY)) <= 7200 - 300


def test_without_redis_a_process_renews_for_itself_and_remembers(sandbox: Sandbox, make_oa: MakeAccount) -> None:
    account = make_oa(redis=connect("redis://127.0.0.1:1/0"))

    account.list_templates()
    account.list_templates()

    assert len(sandbox.calls("stable_token")) == 1


def test_a_wrong_secret_is_a_matter_of_configuration(make_oa: MakeAccount) -> None:
    with pytest.raises(WechatMisconfigured):
        make_oa(secret="0" * 32).list_templates()


def test_a_platform_that_is_not_there_is_unavailable(make_oa: MakeAccount) -> None:
    with pytest.raises(WechatUnavailable):
        make_oa(sandbox_url="http://127.0.0.1:1").list_templates()


@pytest.mark.parametrize(
    "fault", [{"http": 502}, {"body": "<html>busy</html>"}, {"drop": "before"}, {"errcode": -1}], ids=str
)
def test_a_message_without_a_token_was_certainly_not_sent(
    sandbox: Sandbox, oa: OfficialAccountGateway, fault: dict[str, object]
) -> None:
    user = sandbox.follower()
    sandbox.fault(path="stable_token", times=-1, **fault)

    outcome = oa.send_template(
        openid=user["openids"][OA_APPID], template_id=TEMPLATE, data={"number2": "1"}, client_msg_id="one"
    )

    assert (outcome.state, outcome.reason) == (SendState.FAILED_RETRY, SendReason.BUSY)
    assert sandbox.messages(user, "template") == []
