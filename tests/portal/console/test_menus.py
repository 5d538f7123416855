import re
from typing import Any

import pytest
from sqlalchemy.orm import Session

from loyalty.channels import queries
from loyalty.channels.rules.menus import FIELDS, check_menu
from loyalty.gateways.errors import WechatUnavailable
from loyalty.staff.rules import Role
from portal.console.menu_form import TYPE_NAMES, Slot, buttons_of, slots_of, typed_slots
from tests.portal.console.conftest import Browser, LogIn
from tests.support.containers import NullContainer
from tests.support.settings import MP_APPID, OA_APPID

HERE = f"/console/menus/{OA_APPID}"
FILLED = {
    "b1_name": "会员中心",
    "b1_type": "view",
    "b1_value": "https://m.example.com/h5/",
    "b2_name": "优惠",
    "b2s1_name": "签到",
    "b2s1_type": "click",
    "b2s1_value": "CHECK_IN",
    "b2s3_name": "商城",
    "b2s3_type": "miniprogram",
    "b2s3_value": "https://m.example.com/",
    "b2s3_appid": MP_APPID,
    "b2s3_page": "pages/index",
}
BUTTONS: list[dict[str, Any]] = [
    {"name": "会员中心", "type": "view", "url": "https://m.example.com/h5/"},
    {
        "name": "优惠",
        "sub_button": [
            {"name": "签到", "type": "click", "key": "CHECK_IN"},
            {
                "name": "商城",
                "type": "miniprogram",
                "appid": MP_APPID,
                "pagepath": "pages/index",
                "url": "https://m.example.com/",
            },
        ],
    },
]


class TestTheForm:
    def test_becomes_the_menu_without_its_empty_places(self) -> None:
        buttons = buttons_of(typed_slots(FILLED))

        assert buttons == BUTTONS
        check_menu(buttons)

    def test_shows_every_menu_as_it_was_filled_in(self) -> None:
        assert buttons_of(slots_of(BUTTONS)) == BUTTONS

    def test_has_a_place_for_every_button_that_wechat_allows(self) -> None:
        slots = slots_of([])

        assert [len(slot.below) for slot in slots] == [5, 5, 5]
        assert buttons_of(slots) == []

    def test_offers_every_type_of_button(self) -> None:
        assert set(TYPE_NAMES) == set(FIELDS)
        for kind in FIELDS:
            slot = Slot("b1", name="按钮", type=kind, value="https://a.cn", appid="wx", page="p")
            check_menu(buttons_of([slot]))

    def test_takes_types_that_do_not_exist_to_the_check(self) -> None:
        assert buttons_of([Slot("b1", name="x", type="hack", value="y")]) == [{"name": "x", "type": "hack"}]


class TestMenuPage:
    def test_is_where_the_list_leads_with_a_single_account(self, admin: Browser) -> None:
        assert admin.get("/console/menus").location == HERE

    def test_keeps_a_draft_and_publishes_it(self, admin: Browser, container: NullContainer, session: Session) -> None:
        assert "草稿已保存" in admin.submit(HERE, **FILLED)
        assert container.oa.published_menus == []

        page = admin.submit(f"{HERE}/publish")

        assert "已发布" in page
        assert container.oa.published_menus == [BUTTONS]
        assert queries.draft_menu(session, appid=OA_APPID) is None

    def test_names_every_problem_and_keeps_what_was_typed(self, admin: Browser, session: Session) -> None:
        response = admin.post(HERE, **{**FILLED, "b1_value": "javascript:alert(1)", "b2s1_name": ""})

        page = response.get_data(as_text=True)
        assert response.status_code == 422
        assert "第 1 个菜单：链接应以 https:// 开头" in page
        assert "第 2 个菜单的第 1 个子菜单：名称不能为空" in page
        assert 'value="CHECK_IN"' in page
        assert queries.draft_menu(session, appid=OA_APPID) is None

    def test_previews_without_saving(self, admin: Browser, session: Session) -> None:
        page = admin.post(f"{HERE}/preview", **FILLED).get_data(as_text=True)

        assert "会员中心" in page
        assert "签到" in page
        assert queries.draft_menu(session, appid=OA_APPID) is None

    def test_keeps_the_draft_when_wechat_does_not_answer(
        self, admin: Browser, container: NullContainer, session: Session
    ) -> None:
        admin.submit(HERE, **FILLED)
        container.oa.publish_error = WechatUnavailable()

        page = admin.submit(f"{HERE}/publish")

        assert "微信暂时没有响应" in page
        assert queries.draft_menu(session, appid=OA_APPID) is not None

    def test_says_when_there_is_nothing_to_publish(self, admin: Browser) -> None:
        assert "没有待发布的菜单" in admin.submit(f"{HERE}/publish")

    def test_goes_back_to_an_earlier_version(self, admin: Browser, container: NullContainer, session: Session) -> None:
        for name in ("第一版", "第二版"):
            admin.submit(HERE, b1_name=name, b1_type="view", b1_value="https://m.example.com/")
            container.clock.advance(minutes=1)  # type: ignore[attr-defined]
            admin.submit(f"{HERE}/publish")
        found = re.search(rf"{HERE}/versions/\d+/restore", admin.text(HERE))

        assert found is not None
        admin.submit(found.group())
        draft = queries.draft_menu(session, appid=OA_APPID)
        assert draft is not None
        assert draft.buttons[0]["name"] == "第一版"

    def test_refuses_accounts_that_are_not_ours(self, admin: Browser) -> None:
        assert admin.get("/console/menus/wx0000").status_code == 404
        assert admin.get(f"/console/menus/{MP_APPID}").status_code == 404

    def test_is_read_only_without_the_permission(self, log_in: LogIn) -> None:
        browser = log_in(Role.AUDITOR)

        assert "检查并保存草稿" not in browser.text(HERE)
        assert browser.post(HERE, **FILLED).status_code == 403


class TestNoticeKinds:
    def test_are_switched_and_ordered(self, admin: Browser) -> None:
        page = admin.submit("/console/notices/points_changed", channels="subscription,inbox", is_own_act="yes")

        assert "已保存：积分变动提醒" in page
        after = admin.text("/console/notices")
        form = after[after.index("/console/notices/points_changed") :]
        form = form[: form.index("</form>")]
        assert '<option value="subscription,inbox" selected>' in form
        assert not re.search(r'name="is_enabled" value="yes" checked', form)

    @pytest.mark.parametrize("channels", ["", "inbox,template", "template,template,inbox", "fax,inbox"])
    def test_refuse_an_order_that_would_not_work(self, admin: Browser, channels: str) -> None:
        page = admin.submit("/console/notices/points_changed", channels=channels)

        assert "通知渠道不正确" in page

    def test_have_quiet_hours_that_are_set_within_bounds_for_marketing_too(self, admin: Browser) -> None:
        page = admin.submit("/console/notices/quiet-hours", begins="21:30", ends="09:00")

        assert "已保存免打扰时段" in page
        assert ('value="21:30"' in page, 'value="09:00"' in page) == (True, True)
        assert "21:30–次日 09:00 免打扰" in admin.text("/console/push-policy")
        assert "免打扰时段不正确" in admin.submit("/console/notices/quiet-hours", begins="12:00", ends="09:00")
        assert admin.post("/console/notices/quiet-hours", begins="25:00", ends="09:00").status_code == 422

    def test_refuse_a_kind_that_does_not_exist(self, admin: Browser) -> None:
        assert admin.post("/console/notices/nothing", channels="inbox").status_code == 404
