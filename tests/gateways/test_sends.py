"""Every answer of the platform to a message becomes an outcome; nothing is raised."""

from collections.abc import Callable
from typing import Any

import pytest

from loyalty.channels.rules import ValueUnfit, fit
from loyalty.gateways.answers import MiniProgramPage, SendOutcome, SendReason, SendState
from loyalty.gateways.wechat import MiniProgramGateway, OfficialAccountGateway
from sandbox.defaults import MP_APPID, OA_APPID
from tests.channels.test_key_types import AT_LIMIT, CUT_TO_FIT, ONE_OVER
from tests.gateways.conftest import EVERY_TYPE, SUBSCRIPTION, TEMPLATE, Sandbox

DATA = {
    "character_string1": "880012345678",
    "number2": "10",
    "thing3": "每日签到",
    "number4": "110",
    "time5": "2026年3月10日 10:00",
}
SUBSCRIPTION_DATA = {"thing1": "每日签到", "number2": "10", "number3": "110", "time4": "2026年3月10日 10:00"}
FITTING = {
    "thing1": "每日签到",
    "number1": "1",
    "letter1": "A",
    "symbol1": "#",
    "character_string1": "A1",
    "time1": "10:00",
    "date1": "2026-03-10",
    "amount1": "1元",
    "phone_number1": "110",
    "car_number1": "沪A12345",
    "name1": "王小明",
    "phrase1": "成功",
}


def template_to(oa: OfficialAccountGateway, user: dict[str, Any], **changes: Any) -> SendOutcome:
    given = {"template_id": TEMPLATE, "data": DATA, "client_msg_id": "notice-1", **changes}
    return oa.send_template(openid=user["openids"][OA_APPID], **given)


def subscription_to(mp: MiniProgramGateway, user: dict[str, Any], **changes: Any) -> SendOutcome:
    given = {"template_id": SUBSCRIPTION, "data": SUBSCRIPTION_DATA, **changes}
    return mp.send_subscription(openid=user["openids"][MP_APPID], **given)


class TestTemplateMessages:
    def test_arrive_with_a_number_of_the_platform(self, sandbox: Sandbox, oa: OfficialAccountGateway) -> None:
        user = sandbox.follower()

        outcome = template_to(oa, user, url="http://127.0.0.1:8000/h5/points")

        assert outcome.state is SendState.ACCEPTED
        assert outcome.provider_message_id
        assert sandbox.messages(user, "template")[0]["url"] == "http://127.0.0.1:8000/h5/points"

    def test_may_open_a_page_of_the_mini_program(self, sandbox: Sandbox, oa: OfficialAccountGateway) -> None:
        user = sandbox.follower()

        template_to(oa, user, mini_program=MiniProgramPage(MP_APPID, "pages/card/index"))

        assert sandbox.messages(user, "template")[0]["page"] == "pages/card/index"

    def test_the_same_client_message_id_arrives_once(self, sandbox: Sandbox, oa: OfficialAccountGateway) -> None:
        user = sandbox.follower()

        first, second = template_to(oa, user), template_to(oa, user)

        assert first.provider_message_id == second.provider_message_id
        assert len(sandbox.messages(user, "template")) == 1

    def test_are_refused_by_who_does_not_follow(self, sandbox: Sandbox, oa: OfficialAccountGateway) -> None:
        outcome = template_to(oa, sandbox.user())

        assert (outcome.state, outcome.reason) == (SendState.REFUSED, SendReason.NOT_FOLLOWING)

    @pytest.mark.parametrize(
        ("fault", "state", "reason"),
        [
            ({"errcode": -1}, SendState.FAILED_RETRY, SendReason.BUSY),
            ({"errcode": 45009}, SendState.FAILED_RETRY, SendReason.QUOTA_USED),
            ({"errcode": 45011}, SendState.FAILED_RETRY, SendReason.BUSY),
            ({"errcode": 40037}, SendState.FAILED_RETRY, SendReason.TEMPLATE_UNKNOWN),
            ({"errcode": 40003}, SendState.FAILED_FINAL, SendReason.IDENTITY_UNKNOWN),
            ({"errcode": 43019}, SendState.REFUSED, SendReason.BLOCKED_BY_RECEIVER),
            ({"errcode": 47003}, SendState.FAILED_FINAL, SendReason.VALUE_REFUSED),
            ({"errcode": 48001}, SendState.FAILED_FINAL, SendReason.NOT_PERMITTED),
            ({"errcode": 50002}, SendState.FAILED_FINAL, SendReason.NOT_PERMITTED),
            ({"errcode": 99999}, SendState.FAILED_FINAL, SendReason.OTHER),
            ({"http": 502}, SendState.UNKNOWN, SendReason.NO_ANSWER),
            ({"body": "<html>"}, SendState.UNKNOWN, SendReason.NO_ANSWER),
            ({"drop": "after"}, SendState.UNKNOWN, SendReason.NO_ANSWER),
        ],
        ids=str,
    )
    def test_every_answer_has_its_outcome(
        self,
        sandbox: Sandbox,
        oa: OfficialAccountGateway,
        fault: dict[str, Any],
        state: SendState,
        reason: SendReason,
    ) -> None:
        sandbox.fault(path="template/send", **fault)

        outcome = template_to(oa, sandbox.follower())

        assert (outcome.state, outcome.reason) == (state, reason)

    def test_without_a_connection_nothing_was_sent(
        self, sandbox: Sandbox, oa: OfficialAccountGateway, make_oa: Callable[..., OfficialAccountGateway]
    ) -> None:
        oa.list_templates()  # the token is there, so that only the send meets the closed port
        outcome = template_to(make_oa(sandbox_url="http://127.0.0.1:1"), sandbox.follower())

        assert (outcome.state, outcome.reason) == (SendState.FAILED_RETRY, SendReason.NO_ANSWER)


class TestSubscriptionMessages:
    def test_take_one_grant_each(self, sandbox: Sandbox, mp: MiniProgramGateway) -> None:
        user = sandbox.user()
        sandbox.act(user, "mp/subscribe", appid=MP_APPID, answers={SUBSCRIPTION: "accept"})

        first = subscription_to(mp, user, page="pages/points/index")
        second = subscription_to(mp, user)

        assert first.state is SendState.ACCEPTED
        assert (second.state, second.reason) == (SendState.REFUSED, SendReason.NO_GRANT)
        assert len(sandbox.messages(user, "subscribe")) == 1

    def test_say_language_and_version(self, sandbox: Sandbox, mp: MiniProgramGateway) -> None:
        subscription_to(mp, sandbox.user())

        sent = str(sandbox.calls("subscribe/send")[0]["body"])
        assert "formal" in sent
        assert "zh_CN" in sent

    def test_to_an_unknown_page_fail_for_good(self, sandbox: Sandbox, mp: MiniProgramGateway) -> None:
        user = sandbox.user()
        sandbox.act(user, "mp/subscribe", appid=MP_APPID, answers={SUBSCRIPTION: "accept"})

        outcome = subscription_to(mp, user, page="pages/none/index")

        assert (outcome.state, outcome.reason) == (SendState.FAILED_FINAL, SendReason.PAGE_UNKNOWN)


class TestValuesByKeyType:
    """Our rules and the platform's are the same: what fits is taken, one over is refused by both."""

    @pytest.mark.parametrize(("key", "value"), AT_LIMIT)
    def test_at_the_limit_is_taken(self, sandbox: Sandbox, oa: OfficialAccountGateway, key: str, value: str) -> None:
        data = FITTING | {key: fit(key, value)}

        outcome = template_to(oa, sandbox.follower(), template_id=EVERY_TYPE, data=data)

        assert outcome.state is SendState.ACCEPTED, outcome.detail

    @pytest.mark.parametrize(("key", "value"), ONE_OVER)
    def test_one_over_is_refused_by_the_platform_and_by_us_before(
        self, sandbox: Sandbox, oa: OfficialAccountGateway, key: str, value: str
    ) -> None:
        outcome = template_to(oa, sandbox.follower(), template_id=EVERY_TYPE, data=FITTING | {key: value})

        assert (outcome.state, outcome.reason) == (SendState.FAILED_FINAL, SendReason.VALUE_REFUSED)
        assert key in outcome.detail
        with pytest.raises(ValueUnfit):
            fit(key, value)

    @pytest.mark.parametrize(("key", "value", "_expected"), CUT_TO_FIT)
    def test_a_text_that_was_cut_is_taken(
        self, sandbox: Sandbox, oa: OfficialAccountGateway, key: str, value: str, _expected: str
    ) -> None:
        data = FITTING | {key: fit(key, value)}

        assert template_to(oa, sandbox.follower(), template_id=EVERY_TYPE, data=data).state is SendState.ACCEPTED


class TestCustomerMessages:
    def test_arrive_within_the_window_that_the_person_opened_and_no_more_than_it_allows(
        self, sandbox: Sandbox, oa: OfficialAccountGateway
    ) -> None:
        user = sandbox.follower()
        openid = user["openids"][OA_APPID]

        outcomes = [oa.send_customer_text(openid=openid, text=f"您好 {number}") for number in range(4)]

        assert [outcome.state for outcome in outcomes] == [SendState.ACCEPTED] * 3 + [SendState.REFUSED]
        assert (outcomes[3].reason, outcomes[3].errcode) == (SendReason.WINDOW_CLOSED, 45047)
        assert [one["text"] for one in sandbox.messages(user, "custom")] == ["您好 0", "您好 1", "您好 2"]

    def test_without_a_window_none_arrives(self, sandbox: Sandbox, mp: MiniProgramGateway) -> None:
        outcome = mp.send_customer_text(openid=sandbox.user()["openids"][MP_APPID], text="您好")

        assert (outcome.state, outcome.reason, outcome.errcode) == (
            SendState.REFUSED,
            SendReason.WINDOW_CLOSED,
            45015,
        )

    @pytest.mark.parametrize(
        ("fault", "state", "reason"),
        [
            ({"errcode": 48002}, SendState.REFUSED, SendReason.BLOCKED_BY_RECEIVER),
            ({"errcode": 45009}, SendState.FAILED_RETRY, SendReason.QUOTA_USED),
            ({"errcode": 45002}, SendState.FAILED_FINAL, SendReason.VALUE_REFUSED),
            ({"drop": "after"}, SendState.UNKNOWN, SendReason.NO_ANSWER),
        ],
        ids=str,
    )
    def test_every_answer_has_its_outcome(
        self, sandbox: Sandbox, oa: OfficialAccountGateway, fault: dict[str, Any], state: SendState, reason: SendReason
    ) -> None:
        sandbox.fault(path="custom/send", **fault)

        outcome = oa.send_customer_text(openid=sandbox.follower()["openids"][OA_APPID], text="您好")

        assert (outcome.state, outcome.reason) == (state, reason)
