from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.channels import queries, service
from loyalty.gateways.answers import AccountTemplate
from loyalty.gateways.errors import WechatUnavailable
from loyalty.kernel import audit
from loyalty.staff.rules import Role
from loyalty.stores.models import Store
from tests.factories.notices import MP_TEMPLATE, OA_TEMPLATE, make_templates
from tests.portal.console.conftest import Browser, LogIn, download
from tests.support.containers import NullContainer
from tests.support.settings import MP_APPID, OA_APPID

CONTENT = "变动原因:{{thing1.DATA}}\n积分:{{character_string2.DATA}}\n时间:{{time3.DATA}}"
FITTING = AccountTemplate(OA_TEMPLATE, "积分变动提醒", CONTENT)
FILLED = {
    "appid": OA_APPID,
    "kind": "points_changed",
    "template_id": OA_TEMPLATE,
    "field_thing1": "{reason}",
    "field_character_string2": "{points}",
    "field_time3": "{occurred_at}",
    "url": "https://m.example.com/h5/points",
    "is_enabled": "yes",
}


@pytest.fixture
def known(session: Session, at: datetime) -> None:
    service.keep_library(session, appid=OA_APPID, templates=[FITTING], at=at)
    session.commit()


class TestLibrary:
    def test_is_synchronised_on_demand_and_says_what_no_longer_fits(
        self, admin: Browser, session: Session, container: NullContainer, at: datetime
    ) -> None:
        make_templates(session, at=at)
        session.commit()
        assert {row["状态"] for row in download(admin, "templates.csv")} == {"未校验"}
        container.oa.templates = [AccountTemplate(OA_TEMPLATE, "积分变动提醒", "变动原因:{{phrase1.DATA}}")]

        page = admin.submit("/console/templates/sync", appid=OA_APPID)
        admin.submit("/console/templates/sync", appid=MP_APPID)

        assert "已同步 1 个模板" in page
        assert "1 个在用的模板设置需要修正" in page
        assert "thing1：模板中此字段的类型已是 phrase1" in page
        rows = {row["模板编号"]: row for row in download(admin, "templates.csv?state=broken")}
        assert rows[MP_TEMPLATE]["问题"] == "微信账号中没有这个模板"
        assert "character_string2：模板中没有此字段" in rows[OA_TEMPLATE]["问题"]
        assert all(one.is_enabled for one in queries.list_templates(session))

    def test_a_deleted_template_is_shown_as_such(
        self, admin: Browser, session: Session, container: NullContainer, known: None, at: datetime
    ) -> None:
        make_templates(session, at=at)
        container.clock.advance(hours=1)  # type: ignore[attr-defined]

        page = admin.submit("/console/templates/sync", appid=OA_APPID)

        assert "1 个已被删除" in page
        assert "模板已在微信中删除" in page
        assert download(admin, f"templates.csv?appid={MP_APPID}&state=broken") == []

    def test_a_failure_stays_on_the_page_with_its_reason(self, admin: Browser, container: NullContainer) -> None:
        container.mp.templates = WechatUnavailable()

        assert "没有同步成功" in admin.submit("/console/templates/sync", appid=MP_APPID)

        assert WechatUnavailable.message in admin.text("/console/templates")

    def test_other_accounts_and_states_are_refused(self, admin: Browser) -> None:
        assert admin.post("/console/templates/sync", appid="wxother").status_code == 404
        assert admin.get("/console/templates?state=x").status_code == 422

    def test_who_sees_a_part_of_the_chain_changes_nothing(self, log_in: LogIn, store: Store) -> None:
        local = log_in(Role.MARKETER, stores=[store])

        for path in ("sync", "setting", "1/delete"):
            assert local.post(f"/console/templates/{path}", **FILLED).status_code == 403


class TestSetting:
    pytestmark = pytest.mark.usefixtures("known")

    def test_is_made_for_the_keys_of_a_template_and_shown_again(self, admin: Browser, session: Session) -> None:
        page = admin.text(f"/console/templates/setting?appid={OA_APPID}&kind=points_changed&template_id={OA_TEMPLATE}")
        assert "变动原因（<code>thing1</code>）" in page
        assert "{points:unsigned}" in page

        assert "已保存" in admin.submit("/console/templates/setting", **FILLED)

        (setting,) = queries.list_templates(session, appid=OA_APPID)
        assert (setting.title, setting.mapping["thing1"]) == ("积分变动提醒", "{reason}")
        assert (setting.url, setting.page, setting.is_enabled) == (FILLED["url"], None, True)
        again = admin.text(f"/console/templates/setting?appid={OA_APPID}&kind=points_changed")
        assert 'value="{reason}"' in again
        assert len(audit.list_entries(session, action="channels.template_save")) == 1
        admin.submit(f"/console/templates/{setting.id}/delete")
        assert queries.list_templates(session, appid=OA_APPID) == []

    def test_what_cannot_work_is_told_and_nothing_typed_is_lost(self, admin: Browser, session: Session) -> None:
        answer = admin.post("/console/templates/setting", **{**FILLED, "field_time3": "不是时间{x}", "is_enabled": ""})

        page = answer.get_data(as_text=True)
        assert answer.status_code == 422
        assert 'name="is_enabled" value="yes">' in page
        assert "time3：通知中没有“x”" in page
        assert 'value="不是时间{x}"' in page
        assert queries.list_templates(session) == []

    def test_marketing_by_template_message_is_refused_in_the_form(self, admin: Browser, session: Session) -> None:
        answer = admin.post("/console/templates/setting", **{**FILLED, "kind": "campaign"})

        page = answer.get_data(as_text=True)
        assert (answer.status_code, "活动消息不可使用模板消息" in page) == (422, True)
        assert f'value="{FILLED["url"]}"' in page
        assert queries.list_templates(session) == []

    def test_a_template_the_account_does_not_have_is_refused(
        self, admin: Browser, session: Session, at: datetime
    ) -> None:
        service.keep_library(session, appid=OA_APPID, templates=[], at=at + timedelta(hours=1))
        session.commit()

        answer = admin.post("/console/templates/setting", **FILLED)

        assert "模板已在微信中删除" in answer.get_data(as_text=True)
        assert admin.get("/console/templates/setting?appid=wxother&kind=points_changed").status_code == 404
        assert admin.get(f"/console/templates/setting?appid={OA_APPID}&kind=x").status_code in (404, 422)

    def test_an_account_without_templates_says_what_to_do(self, admin: Browser) -> None:
        assert "请先在模板库同步" in admin.text(f"/console/templates/setting?appid={MP_APPID}&kind=points_changed")
