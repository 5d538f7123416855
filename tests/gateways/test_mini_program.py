from typing import Any

import pytest

from loyalty.gateways.answers import RiskRank, TextVerdict
from loyalty.gateways.errors import (
    WechatCodeInvalid,
    WechatCodeUsed,
    WechatMisconfigured,
    WechatQuotaUsed,
    WechatRequestRefused,
    WechatUnavailable,
    WechatUserBlocked,
)
from loyalty.gateways.wechat import MiniProgramGateway
from sandbox.defaults import DEFAULT_TEMPLATES, MP_APPID
from tests.gateways.conftest import SUBSCRIPTION, TEMPLATE, Sandbox


def login_code(sandbox: Sandbox, user: dict[str, Any]) -> str:
    return str(sandbox.act(user, "mp/login", appid=MP_APPID)["code"])


class TestLogin:
    def test_tells_openid_and_unionid(self, sandbox: Sandbox, mp: MiniProgramGateway) -> None:
        user = sandbox.user()

        login = mp.login(login_code(sandbox, user))

        assert (login.openid, login.unionid) == (user["openids"][MP_APPID], user["unionid"])
        assert login.session_key

    def test_works_while_no_access_token_can_be_had(self, sandbox: Sandbox, mp: MiniProgramGateway) -> None:
        sandbox.fault(path="stable_token", times=-1, http=500)

        assert mp.login(login_code(sandbox, sandbox.user())).openid
        assert sandbox.calls("stable_token") == []

    def test_a_user_without_unionid_has_none(self, sandbox: Sandbox, mp: MiniProgramGateway) -> None:
        user = sandbox.user(unionid=False)

        assert mp.login(login_code(sandbox, user)).unionid is None

    def test_a_code_works_once(self, sandbox: Sandbox, mp: MiniProgramGateway) -> None:
        code = login_code(sandbox, sandbox.user())
        mp.login(code)

        with pytest.raises(WechatCodeUsed):
            mp.login(code)

    @pytest.mark.parametrize(
        ("fault", "error"),
        [
            ({"errcode": 40029}, WechatCodeInvalid),
            ({"errcode": 40226}, WechatUserBlocked),
            ({"errcode": 45011}, WechatQuotaUsed),
            ({"errcode": 40125}, WechatMisconfigured),
            ({"errcode": -1}, WechatUnavailable),
            ({"http": 502}, WechatUnavailable),
            ({"body": "[]"}, WechatUnavailable),
            ({"body": "{}"}, WechatUnavailable),
        ],
        ids=str,
    )
    def test_refusals_come_in_our_words(
        self, sandbox: Sandbox, mp: MiniProgramGateway, fault: dict[str, Any], error: type[Exception]
    ) -> None:
        sandbox.fault(path="jscode2session", **fault)

        with pytest.raises(error):
            mp.login("whatever")


class TestPhone:
    @pytest.mark.parametrize("phone", ["+8613800000001", "+85251234567", "+85366123456", "+886912345678"])
    def test_tells_the_number_in_international_form(self, sandbox: Sandbox, mp: MiniProgramGateway, phone: str) -> None:
        user = sandbox.user(phone=phone)
        code = sandbox.act(user, "mp/phone", appid=MP_APPID)["code"]

        assert mp.phone(code) == phone

    def test_a_login_code_is_no_phone_code(self, sandbox: Sandbox, mp: MiniProgramGateway) -> None:
        with pytest.raises(WechatCodeInvalid):
            mp.phone(login_code(sandbox, sandbox.user()))

    def test_a_number_for_another_mini_program_is_refused(self, sandbox: Sandbox, mp: MiniProgramGateway) -> None:
        user = sandbox.user(phone="+8613800000002")
        code = sandbox.act(user, "mp/phone", appid=MP_APPID)["code"]
        sandbox.fault(path="getuserphonenumber", set={"phone_info.watermark.appid": "wxforeign"})

        with pytest.raises(WechatCodeInvalid):
            mp.phone(code)


class TestRiskRank:
    @pytest.mark.parametrize(
        ("rank", "expected"),
        [(0, RiskRank.LOW), (1, RiskRank.LOW), (2, RiskRank.MEDIUM), (3, RiskRank.HIGH), (4, RiskRank.HIGH)],
    )
    def test_is_coarse(self, sandbox: Sandbox, mp: MiniProgramGateway, rank: int, expected: RiskRank) -> None:
        user = sandbox.user()
        login_code(sandbox, user)
        sandbox.control(f"/users/{user['id']}", {"risk_rank": rank}, method="PATCH")

        assert mp.risk_rank(openid=user["openids"][MP_APPID], scene="marketing", ip="1.2.3.4") is expected

    @pytest.mark.parametrize(
        "fault",
        [{"errcode": 61010}, {"errcode": 48001}, {"http": 500}, {"body": '{"errcode":0,"risk_rank":9}'}],
        ids=str,
    )
    def test_every_failure_is_unknown(self, sandbox: Sandbox, mp: MiniProgramGateway, fault: dict[str, Any]) -> None:
        sandbox.fault(path="getuserriskrank", **fault)

        assert mp.risk_rank(openid="o", scene="enrolment", ip="1.2.3.4", phone="+8613800000001") is RiskRank.UNKNOWN


class TestCheckText:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [("小明", TextVerdict.PASS), ("可疑内容", TextVerdict.REVIEW), ("违规内容", TextVerdict.RISKY)],
    )
    def test_tells_the_verdict(
        self, sandbox: Sandbox, mp: MiniProgramGateway, text: str, expected: TextVerdict
    ) -> None:
        user = sandbox.user()
        login_code(sandbox, user)

        assert mp.check_text(openid=user["openids"][MP_APPID], scene="profile", content=text) is expected

    def test_a_user_who_was_not_here_is_unknown(self, sandbox: Sandbox, mp: MiniProgramGateway) -> None:
        openid = sandbox.user()["openids"][MP_APPID]

        assert mp.check_text(openid=openid, scene="profile", content="小明") is TextVerdict.UNKNOWN


class TestWxaCode:
    def test_is_an_image(self, mp: MiniProgramGateway) -> None:
        assert mp.wxa_code(scene="s=1", page="pages/card/index").startswith(b"\x89PNG")

    def test_an_unreleased_page_needs_the_check_switched_off(self, mp: MiniProgramGateway) -> None:
        with pytest.raises(WechatRequestRefused) as caught:
            mp.wxa_code(scene="s=1", page="pages/new/index")

        assert caught.value.details["reason"] == "小程序页面不存在，或小程序尚未发布"
        assert mp.wxa_code(scene="s=1", page="pages/new/index", check_path=False, version="develop")

    def test_a_page_of_html_is_no_image(self, sandbox: Sandbox, mp: MiniProgramGateway) -> None:
        sandbox.fault(path="getwxacodeunlimit", body="<html></html>")

        with pytest.raises(WechatUnavailable):
            mp.wxa_code(scene="s=1", page="pages/card/index")


class TestTemplates:
    def test_are_listed_with_the_reviewed_values_of_their_keys(self, sandbox: Sandbox, mp: MiniProgramGateway) -> None:
        content = "状态:{{enum1.DATA}}\n说明:{{thing2.DATA}}"
        made = {"appid": MP_APPID, "template_id": "ListedSubscription", "kind": "subscribe", "title": "状态提醒"}
        sandbox.control("/templates", {**made, "content": content, "choices": {"enum1": ["已到账", "已退回"]}})

        found = {one.template_id: one for one in mp.list_templates()}

        assert found[SUBSCRIPTION].content == DEFAULT_TEMPLATES[2]["content"]
        assert (found[SUBSCRIPTION].choices, TEMPLATE in found) == ({}, False)
        listed = found["ListedSubscription"]
        assert (listed.content, listed.choices) == (content, {"enum1": ["已到账", "已退回"]})

    @pytest.mark.parametrize(
        ("fault", "error"),
        [
            ({"errcode": 45009}, WechatQuotaUsed),
            ({"errcode": 200011}, WechatRequestRefused),
            ({"body": "[]"}, WechatUnavailable),
            ({"unset": ["data"]}, WechatUnavailable),
            ({"drop": "before"}, WechatUnavailable),
        ],
        ids=lambda value: str(value),
    )
    def test_a_failure_is_told_in_our_words(
        self, sandbox: Sandbox, mp: MiniProgramGateway, fault: dict[str, Any], error: type[Exception]
    ) -> None:
        sandbox.fault(path="newtmpl/gettemplate", times=-1, **fault)

        with pytest.raises(error):
            mp.list_templates()
