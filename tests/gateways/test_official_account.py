import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from loyalty.gateways.errors import (
    SignatureHostRefused,
    WechatCodeInvalid,
    WechatCodeUsed,
    WechatIdentityUnknown,
    WechatMisconfigured,
    WechatProfileRefused,
    WechatQuotaUsed,
    WechatRequestRefused,
    WechatUnavailable,
    WechatUserBlocked,
)
from loyalty.gateways.protocols import OAuthScope
from loyalty.gateways.wechat import OfficialAccountGateway
from sandbox.defaults import DEFAULT_TEMPLATES, OA_APPID
from tests.gateways.conftest import SUBSCRIPTION, TEMPLATE, Sandbox

RETURN_TO = "http://127.0.0.1:8000/h5/oauth?next=/h5/card&x=中"


def code_from(
    sandbox: Sandbox,
    oa: OfficialAccountGateway,
    user: dict[str, Any],
    *,
    scope: OAuthScope = "snsapi_base",
    answer: str = "accept",
) -> str:
    url = oa.authorize_url(return_to=RETURN_TO, state="s1", scope=scope)
    redirect = sandbox.act(user, "oauth", url=url, answer=answer)["redirect"]
    query = parse_qs(urlsplit(redirect).query)
    assert query["state"] == ["s1"]
    return query["code"][0]


class TestAuthorizeUrl:
    def test_leads_to_the_real_host_without_a_sandbox(self, make_oa: Callable[..., OfficialAccountGateway]) -> None:
        url = make_oa(sandbox_url=None).authorize_url(return_to="https://a.cn/b?c=d", state="s/1", scope="snsapi_base")

        assert url == (
            f"https://open.weixin.qq.com/connect/oauth2/authorize?appid={OA_APPID}"
            "&redirect_uri=https%3A%2F%2Fa.cn%2Fb%3Fc%3Dd&response_type=code&scope=snsapi_base&state=s%2F1#wechat_redirect"
        )


class TestExchangeCode:
    def test_base_scope_tells_the_openid_only(self, sandbox: Sandbox, oa: OfficialAccountGateway) -> None:
        user = sandbox.follower()

        identity = oa.exchange_code(code_from(sandbox, oa, user))

        assert identity.openid == user["openids"][OA_APPID]
        assert (identity.unionid, identity.is_snapshot) == (None, False)

    def test_userinfo_scope_tells_unionid_and_profile(self, sandbox: Sandbox, oa: OfficialAccountGateway) -> None:
        user = sandbox.user(nickname="小明🌙")

        identity = oa.exchange_code(code_from(sandbox, oa, user, scope="snsapi_userinfo"))
        profile = oa.fetch_profile(openid=identity.openid, access_token=identity.access_token)

        assert identity.unionid == user["unionid"]
        assert (profile.nickname, profile.unionid) == ("小明🌙", user["unionid"])

    def test_a_snapshot_user_is_marked(self, sandbox: Sandbox, oa: OfficialAccountGateway) -> None:
        user = sandbox.user()

        identity = oa.exchange_code(code_from(sandbox, oa, user, scope="snsapi_userinfo", answer="snapshot"))

        assert identity.is_snapshot
        assert identity.openid != user["openids"][OA_APPID]

    def test_a_code_works_once(self, sandbox: Sandbox, oa: OfficialAccountGateway) -> None:
        code = code_from(sandbox, oa, sandbox.user())
        oa.exchange_code(code)

        with pytest.raises(WechatCodeUsed):
            oa.exchange_code(code)

    @pytest.mark.parametrize(
        ("fault", "error"),
        [
            ({"errcode": 40029}, WechatCodeInvalid),
            ({"errcode": 42003}, WechatCodeInvalid),
            ({"errcode": 40226}, WechatUserBlocked),
            ({"errcode": -1}, WechatUnavailable),
            ({"http": 500}, WechatUnavailable),
            ({"body": "oops"}, WechatUnavailable),
            ({"drop": "after"}, WechatUnavailable),
        ],
        ids=str,
    )
    def test_refusals_come_in_our_words(
        self, sandbox: Sandbox, oa: OfficialAccountGateway, fault: dict[str, Any], error: type[Exception]
    ) -> None:
        sandbox.fault(path="sns/oauth2/access_token", **fault)

        with pytest.raises(error):
            oa.exchange_code("whatever")

    def test_no_access_token_of_the_account_is_needed(self, sandbox: Sandbox, oa: OfficialAccountGateway) -> None:
        sandbox.fault(path="stable_token", times=-1, errcode=-1)

        assert oa.exchange_code(code_from(sandbox, oa, sandbox.user())).openid

    def test_silent_consent_does_not_open_the_profile(self, sandbox: Sandbox, oa: OfficialAccountGateway) -> None:
        identity = oa.exchange_code(code_from(sandbox, oa, sandbox.user()))

        with pytest.raises(WechatProfileRefused):
            oa.fetch_profile(openid=identity.openid, access_token=identity.access_token)

    def test_an_error_never_carries_the_secret(self, make_oa: Callable[..., OfficialAccountGateway]) -> None:
        with pytest.raises(WechatUnavailable) as caught:
            make_oa(sandbox_url="http://127.0.0.1:1", secret="5ec4e7" * 5).exchange_code("c")

        assert caught.value.__suppress_context__
        assert "5ec4e7" not in repr(caught.value.details)


class TestFollower:
    def test_tells_how_a_follower_came(self, sandbox: Sandbox, oa: OfficialAccountGateway) -> None:
        code = oa.create_scene_qr(scene="store-7f3a", expires_in_seconds=3600)
        user = sandbox.user()
        sandbox.act(user, "follow", appid=OA_APPID, ticket=code.ticket)

        follower = oa.follower(user["openids"][OA_APPID])

        assert follower.is_following
        assert follower.unionid == user["unionid"]
        assert follower.scene_key == "store-7f3a"
        assert follower.followed_at is not None

    def test_tells_nothing_of_one_who_left(self, sandbox: Sandbox, oa: OfficialAccountGateway) -> None:
        user = sandbox.follower()
        sandbox.act(user, "unfollow", appid=OA_APPID)

        follower = oa.follower(user["openids"][OA_APPID])

        assert (follower.is_following, follower.unionid) == (False, None)

    def test_a_foreign_openid_is_unknown(self, oa: OfficialAccountGateway) -> None:
        with pytest.raises(WechatIdentityUnknown):
            oa.follower("o" + "x" * 27)

    def test_a_used_up_quota_is_told(self, sandbox: Sandbox, oa: OfficialAccountGateway) -> None:
        sandbox.fault(path="user/info", errcode=45009)

        with pytest.raises(WechatQuotaUsed):
            oa.follower("o" + "x" * 27)


class TestMenus:
    def test_what_was_published_is_live(self, oa: OfficialAccountGateway) -> None:
        buttons = [{"type": "view", "name": "会员卡", "url": "http://127.0.0.1:8000/h5/card"}]

        oa.publish_menu(buttons)

        live = oa.fetch_menu()
        assert live is not None
        assert [button["name"] for button in live] == ["会员卡"]

    def test_a_refusal_says_why_in_chinese(self, oa: OfficialAccountGateway) -> None:
        with pytest.raises(WechatRequestRefused) as caught:
            oa.publish_menu([{"type": "view", "name": "名" * 9, "url": "http://127.0.0.1:8000/"}])

        assert caught.value.details["reason"] == "菜单按钮名称长度不正确"


class TestSceneQr:
    def test_a_permanent_code_has_no_end(self, oa: OfficialAccountGateway) -> None:
        code = oa.create_scene_qr(scene="store-1", expires_in_seconds=None)

        assert code.expires_in_seconds is None
        assert code.url.startswith("http")


class TestTemplates:
    def test_are_listed_as_the_account_has_them(self, oa: OfficialAccountGateway) -> None:
        found = {one.template_id: one for one in oa.list_templates()}

        assert TEMPLATE in found
        assert found[TEMPLATE].title == DEFAULT_TEMPLATES[0]["title"]
        assert found[TEMPLATE].content == DEFAULT_TEMPLATES[0]["content"]
        assert SUBSCRIPTION not in found

    @pytest.mark.parametrize(
        ("fault", "error"),
        [
            ({"errcode": 45009}, WechatQuotaUsed),
            ({"errcode": 48001}, WechatMisconfigured),
            ({"errcode": -1}, WechatUnavailable),
            ({"body": "<html>"}, WechatUnavailable),
            ({"unset": ["template_list"]}, WechatUnavailable),
        ],
        ids=lambda value: str(value),
    )
    def test_a_failure_is_told_in_our_words(
        self, sandbox: Sandbox, oa: OfficialAccountGateway, fault: dict[str, Any], error: type[Exception]
    ) -> None:
        sandbox.fault(path="get_all_private_template", times=-1, **fault)

        with pytest.raises(error):
            oa.list_templates()


class TestJsSignature:
    def test_signs_a_page_of_ours_by_the_documented_string(self, sandbox: Sandbox, oa: OfficialAccountGateway) -> None:
        page = "http://127.0.0.1:8000/h5/card?a=1"

        signature = oa.js_signature(page + "#top")

        ticket = sandbox.handle.world.store.value("SELECT ticket FROM jsapi_tickets WHERE appid = ?", OA_APPID)
        text = f"jsapi_ticket={ticket}&noncestr={signature.nonce}&timestamp={signature.timestamp}&url={page}"
        assert signature.signature == hashlib.sha1(text.encode()).hexdigest()
        assert signature.timestamp == 1773108000

    def test_the_ticket_is_fetched_once(self, sandbox: Sandbox, make_oa: Callable[..., OfficialAccountGateway]) -> None:
        for _ in range(3):
            make_oa().js_signature("http://127.0.0.1:8000/h5/card")

        assert len(sandbox.calls("getticket")) == 1

    @pytest.mark.parametrize(
        "url",
        ["https://evil.example/h5", "http://127.0.0.1:8000@evil.example/", "http://127.0.0.1:8001/", "//[", "/h5/card"],
    )
    def test_refuses_to_sign_for_anybody_else(self, oa: OfficialAccountGateway, url: str) -> None:
        with pytest.raises(SignatureHostRefused):
            oa.js_signature(url)
