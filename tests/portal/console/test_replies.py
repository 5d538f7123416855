from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from loyalty.channels import queries, service
from loyalty.channels.rules.replies import ReplyTrigger
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.staff.rules import Role
from loyalty.stores.models import Store
from tests.portal.callbacks.conftest import Wechat, text_message
from tests.portal.console.conftest import Browser, LogIn, download
from tests.support import settings
from tests.support.settings import MP_APPID, OA_APPID

HERE = f"/console/replies/{OA_APPID}"
POINTS = {"trigger": "contains", "keyword": " 积分 ", "text": "每天签到\r\n都能领积分"}


def reply_id(session: Session, keyword: str) -> int:
    return next(one.id for one in queries.list_replies(session, appid=OA_APPID) if one.keyword == keyword)


def add(session: Session, at: datetime, *replies: tuple[ReplyTrigger, str, str]) -> None:
    for trigger, keyword, text in replies:
        service.save_reply(
            session, appid=OA_APPID, trigger=trigger, keyword=keyword, text=text, actor=Actor("staff:1"), at=at
        )
    session.commit()


class TestReplyPages:
    def test_what_is_added_is_said_to_the_next_message(self, admin: Browser, session: Session, at: datetime) -> None:
        assert "已保存" in admin.submit(HERE, **POINTS)

        wechat = Wechat(admin.client, settings.ACCOUNTS[0], at)
        assert wechat.opened(wechat.push(text_message("我的积分呢")))["Content"] == "每天签到\n都能领积分"
        (entry,) = audit.list_entries(session, action="channels.reply_save")
        assert entry.actor == f"staff:{admin.staff.id}"  # type: ignore[union-attr]

    def test_the_list_is_where_the_menu_leads_with_a_single_account(self, admin: Browser) -> None:
        assert admin.get("/console/replies").location == HERE

    def test_is_edited_switched_raised_and_deleted(self, admin: Browser, session: Session, at: datetime) -> None:
        add(session, at, (ReplyTrigger.CONTAINS, "店", "一"), (ReplyTrigger.CONTAINS, "门店", "二"))
        first, second = reply_id(session, "店"), reply_id(session, "门店")
        assert "永远轮不到：前面的「店」总是先匹配" in admin.text(HERE)

        admin.submit(f"{HERE}/{second}/raise")
        admin.submit(f"{HERE}/{first}", trigger="contains", keyword="店铺", text="三")
        admin.submit(f"{HERE}/{second}/switch", is_enabled="no")

        assert 'value="店铺"' in admin.text(f"{HERE}/{first}")
        assert [
            (row["关键词"], row["回复内容"], row["状态"]) for row in download(admin, f"replies/{OA_APPID}/list.csv")
        ] == [
            ("门店", "二", "停用"),
            ("店铺", "三", "启用"),
        ]
        admin.submit(f"{HERE}/{second}/delete")
        assert [one.keyword for one in queries.list_replies(session, appid=OA_APPID)] == ["店铺"]

    @pytest.mark.parametrize(
        ("fields", "told", "status"),
        [
            ({"text": "关注即送 10 元券"}, "微信禁止奖励关注、订阅或分享行为，不能保存：“关注即送”", 422),
            ({"keyword": ""}, "自动回复设置不正确：关键词不能为空", 422),
            ({"text": "字" * 700}, "回复内容最多 2048 字节", 422),
            ({"keyword": "门店"}, "已经有相同匹配方式和关键词的回复", 409),
        ],
    )
    def test_what_cannot_be_saved_is_told_and_nothing_typed_is_lost(
        self, admin: Browser, session: Session, at: datetime, fields: dict[str, str], told: str, status: int
    ) -> None:
        add(session, at, (ReplyTrigger.CONTAINS, "门店", "二"))

        answer = admin.post(HERE, **{**POINTS, **fields})

        page = answer.get_data(as_text=True)
        assert (answer.status_code, told in page) == (status, True)
        assert (fields.get("text") or "每天签到\n都能领积分") in page
        assert len(queries.list_replies(session, appid=OA_APPID)) == 1

    def test_the_trial_says_what_would_be_answered_and_why(
        self, admin: Browser, session: Session, at: datetime
    ) -> None:
        add(session, at, (ReplyTrigger.EXACT, "积分", "查积分"), (ReplyTrigger.CONTAINS, "店", "门店在这里"))

        page = admin.post(f"{HERE}/try", said="最近的店").get_data(as_text=True)
        alone = admin.client.post(
            f"{HERE}/try",
            data={"csrf_token": admin._csrf_token(), "said": "在吗"},
            headers={"HX-Request": "true"},
        ).get_data(as_text=True)

        assert "「店」" in page
        assert "门店在这里</p>" in page
        assert "不会回复" in alone
        assert "<html" not in alone

    def test_menu_keys_without_a_reply_are_told(self, admin: Browser, session: Session, at: datetime) -> None:
        add(session, at, (ReplyTrigger.CLICK, "OLD", "旧"))
        buttons = [{"name": "客服", "type": "click", "key": "KF"}]
        admin.submit(f"/console/menus/{OA_APPID}", b1_name="客服", b1_type="click", b1_value="KF")
        admin.submit(f"/console/menus/{OA_APPID}/publish")

        page = admin.text(HERE)

        assert queries.menu_history(session, appid=OA_APPID)[0].buttons == buttons
        assert f'<a href="{HERE}/new?keyword=KF"><code>KF</code></a>' in page
        assert "线上菜单没有这个 KEY" in page
        assert 'value="KF"' in admin.text(f"{HERE}/new?keyword=KF")

    def test_filters_narrow_the_list(self, admin: Browser, session: Session, at: datetime) -> None:
        add(session, at, (ReplyTrigger.WELCOME, "", "欢迎"), (ReplyTrigger.EXACT, "vip", "会员"))

        for query, found in (("trigger=welcome", ["欢迎"]), ("text=VIP", ["会员"]), ("state=off", [])):
            rows = download(admin, f"replies/{OA_APPID}/list.csv?{query}")
            assert [row["回复内容"] for row in rows] == found
        assert admin.get(f"{HERE}?state=x").status_code == 422

    def test_accounts_and_replies_that_are_not_there_are_not_found(self, admin: Browser) -> None:
        assert admin.get(f"/console/replies/{MP_APPID}").status_code == 404
        assert admin.get(f"{HERE}/999").status_code == 404

    def test_who_sees_a_part_of_the_chain_changes_nothing(self, log_in: LogIn, session: Session, store: Store) -> None:
        local = log_in(Role.MARKETER, stores=[store])

        assert local.post(HERE, **POINTS).status_code == 403
        assert queries.list_replies(session, appid=OA_APPID) == []
