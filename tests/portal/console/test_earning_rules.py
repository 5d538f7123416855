import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.earning.queries import get_rule, list_rules, live_revisions
from loyalty.earning.rules import Budgets, Conditions, Definition, EarningEvent, Fixed
from loyalty.earning.rules.lifecycle import OverridePolicy, RuleState
from loyalty.earning.rules.templates import TEMPLATES
from loyalty.earning.service.rules import set_override_policy
from loyalty.staff.rules import Role
from loyalty.tags.service import rename_tag
from tests.factories.checkout import buy
from tests.factories.earning import ACTOR, BASE, make_rule
from tests.factories.members import make_member
from tests.factories.orders import line, make_purchase
from tests.factories.stores import make_headquarters, make_region, make_store
from tests.factories.tags import MARKETER, make_tag
from tests.portal.console.conftest import Browser, LogIn
from tests.support.containers import NullContainer

HERE = "/console/earning-rules"
PURCHASE = EarningEvent.PURCHASE
FILLED = {
    "event": "purchase",
    "name": "满百送",
    "points_kind": "fixed",
    "points_value": "10",
    "minimum_amount": "100",
    "member_day": "30",
}


def only_rule(session: Session, at: datetime) -> int:
    return list_rules(session, at=at)[0].id


class TestMakingARule:
    def test_starts_from_a_template(self, admin: Browser) -> None:
        offered = re.findall(r"template=(\w+)", admin.text(f"{HERE}/new"))

        assert set(offered) == set(TEMPLATES)
        for key in offered:
            assert f'value="{TEMPLATES[key].name}"' in admin.text(f"{HERE}/new?template={key}")

    def test_shows_the_fields_of_a_purchase_only_for_purchases(self, admin: Browser) -> None:
        assert 'name="minimum_amount"' in admin.text(f"{HERE}/new?template=amount_gift")
        page = admin.text(f"{HERE}/new?template=check_in_gift")
        assert 'name="minimum_amount"' not in page
        assert 'value="multiple"' not in page

    def test_keeps_a_draft_then_publishes_edits_and_ends_it(
        self, admin: Browser, session: Session, container: NullContainer, at: datetime
    ) -> None:
        page = admin.submit(HERE, **FILLED)
        rule_id = only_rule(session, at)
        assert "草稿已保存" in page
        assert "消费，满 ¥100.00，送 10 积分；每人每天上限 30 积分。" in page

        assert "已发布" in admin.submit(f"{HERE}/{rule_id}/publish")
        assert "生效中" in admin.text(f"{HERE}/{rule_id}")

        assert 'value="30"' in admin.text(f"{HERE}/{rule_id}/edit")
        page = admin.submit(f"{HERE}/{rule_id}/draft", **FILLED | {"points_value": "20"})
        assert "待发布的草稿：消费，满 ¥100.00，送 20 积分" in page
        container.clock.advance(minutes=1)  # type: ignore[attr-defined]
        admin.submit(f"{HERE}/{rule_id}/publish")
        admin.submit(f"{HERE}/{rule_id}/end")

        rule = get_rule(session, rule_id=rule_id, at=at + timedelta(hours=1))
        assert [one.state for one in rule.revisions] == [RuleState.ENDED, RuleState.ENDED]
        assert "没有待发布的草稿" in admin.submit(f"{HERE}/{rule_id}/publish")

    def test_asks_for_tags_chosen_by_name_and_follows_their_names(
        self, admin: Browser, session: Session, at: datetime
    ) -> None:
        chosen, archived = make_tag(session, name="企业客户"), make_tag(session, name="旧标签", is_archived=True)
        session.commit()

        offered = admin.text(f"{HERE}/new?template=amount_gift")
        page = admin.submit(HERE, **FILLED | {"tags": [str(chosen), str(archived)]})
        rule_id = only_rule(session, at)
        rename_tag(session, tag_id=chosen, name="大客户", note=None, actor=MARKETER, at=at)
        session.commit()

        assert ("企业客户" in offered, "旧标签" in offered) == (True, False)
        assert "限有企业客户、旧标签标签的会员" in page
        assert "限有大客户、旧标签标签的会员" in admin.text(f"{HERE}/{rule_id}")
        editor = admin.text(f"{HERE}/{rule_id}/edit")
        assert re.findall(r'name="tags" value="(\d+)" checked', editor) == [str(chosen), str(archived)]

    def test_refuses_a_tag_that_does_not_exist(self, admin: Browser, session: Session, at: datetime) -> None:
        for unknown, reason in (("987654321", "会员标签里有已不存在的标签"), ("企业客户", "会员标签请从列表中选择")):
            response = admin.post(HERE, **FILLED | {"tags": unknown})
            assert (response.status_code, reason in response.text) == (422, True)
        assert list_rules(session, at=at) == []

    def test_names_everything_wrong_and_keeps_what_was_typed(
        self, admin: Browser, session: Session, at: datetime
    ) -> None:
        response = admin.post(HERE, **FILLED | {"points_value": "0", "member_day": "5", "pending_days": "9999"})

        assert response.status_code == 422
        assert "奖励数量须为 1–1,000,000" in response.text
        assert "待入账天数须为 0–365" in response.text
        assert 'value="9999"' in response.text
        assert list_rules(session, at=at) == []

    @pytest.mark.parametrize("kind", ["shared", "followed", "subscribed"])
    def test_refuses_value_for_following_and_sharing(self, admin: Browser, kind: str) -> None:
        fields = {"event": "custom", "name": "好礼", "points_kind": "fixed", "points_value": "5", "custom_kind": kind}

        assert "微信禁止奖励关注、订阅或分享行为" in admin.post(HERE, **fields).text
        assert admin.post(HERE, **fields | {"event": kind}).status_code == 422

    def test_throws_a_draft_away(self, admin: Browser, session: Session, at: datetime) -> None:
        admin.submit(HERE, **FILLED)

        assert "草稿已删除" in admin.submit(f"{HERE}/{only_rule(session, at)}/discard")
        assert list_rules(session, at=at) == []

    @pytest.mark.parametrize("path", ["", "/edit", "/overrides/1/edit"])
    def test_finds_no_rule_that_does_not_exist(self, admin: Browser, path: str) -> None:
        assert admin.get(f"{HERE}/{2**62}{path}").status_code == 404


class TestTryingOut:
    def test_says_what_a_basket_would_earn_and_keeps_nothing(
        self, admin: Browser, session: Session, at: datetime
    ) -> None:
        make_rule(session, BASE, name="消费积分", at=at)
        session.commit()
        page = admin.post(f"{HERE}/preview", **FILLED, sample_amount="120.50").text

        assert "这单可得 <strong>130</strong> 积分" in page
        assert "满百送：得 10 积分" in page
        assert "消费积分：消费 ¥120.50" in page
        assert 'name="points_value"' in page, "without scripts the whole form comes back"
        assert len(list_rules(session, at=at)) == 1

    def test_says_what_is_lacking(self, admin: Browser) -> None:
        page = admin.post(f"{HERE}/preview", **FILLED, sample_amount="88").text

        assert "这单可得 <strong>0</strong> 积分" in page
        assert "满百送：差 ¥12.00 可得 10 积分" in page

    def test_answers_scripts_with_the_result_alone(self, admin: Browser) -> None:
        admin.client.environ_base["HTTP_HX_REQUEST"] = "true"
        page = admin.post(f"{HERE}/preview", **FILLED).text

        assert "这单可得 <strong>10</strong> 积分" in page
        assert "<form" not in page

    def test_counts_a_changed_rule_once(self, admin: Browser, session: Session, at: datetime) -> None:
        rule_id = make_rule(session, BASE, at=at)
        session.commit()
        changed = {"event": "purchase", "points_kind": "per_amount", "points_value": "3", "points_each": "1"}

        page = admin.post(f"{HERE}/preview", **changed, rule_id=rule_id, sample_amount="10").text

        assert "这单可得 <strong>30</strong> 积分" in page

    @pytest.mark.parametrize(
        ("name", "text"), [("sample_amount", "-1"), ("sample_store", "999999"), ("sample_at", "gestern")]
    )
    def test_refuses_a_basket_that_cannot_be(self, admin: Browser, name: str, text: str) -> None:
        assert "还不能保存" in admin.post(f"{HERE}/preview", **FILLED | {name: text}).text


class TestTheList:
    def test_is_filtered_by_state_event_and_text(self, admin: Browser, session: Session, at: datetime) -> None:
        make_rule(session, BASE, name="消费积分", at=at)
        make_rule(session, Definition(event=EarningEvent.REVIEW, points=Fixed(5)), name="评价礼", at=at)
        session.commit()

        assert "消费，每 ¥1.00 得 1 积分（不足部分舍去）。" in admin.text(HERE)
        for query in ("event=review", "text=评价", "state=live&event=review"):
            page = admin.text(f"{HERE}?{query}")
            assert ("评价礼" in page, ">消费积分<" in page) == (True, False)
        assert "没有符合条件的规则" in admin.text(f"{HERE}?state=draft")
        assert "评价礼,评价" in admin.text("/console/earning-rules.csv?event=review")


class TestOverrides:
    def test_are_proposed_by_the_region_and_approved_by_headquarters(
        self, log_in: LogIn, admin: Browser, session: Session, at: datetime
    ) -> None:
        region, elsewhere = make_region(session), make_store(session)
        store = make_store(session, parent=region)
        rule_id = make_rule(session, BASE, at=at)
        set_override_policy(session, rule_id=rule_id, policy=OverridePolicy.OVERRIDE, actor=ACTOR, at=at)
        manager = log_in(Role.REGION_MANAGER, stores=[region])
        path = f"{HERE}/{rule_id}/overrides"

        assert "已提交，总部复核后生效" in manager.submit(path, node_id=store.id, wish="exclude")
        assert manager.post(f"{path}/{store.id}/publish").status_code == 403
        assert manager.post(path, node_id=elsewhere.id, wish="exclude").status_code == 404
        assert "待复核</span>" in admin.text(f"{HERE}/{rule_id}")
        assert len(live_revisions(session, event=PURCHASE, at=at, store_id=store.id)) == 1
        assert "已复核并发布" in admin.submit(f"{path}/{store.id}/publish")

        assert live_revisions(session, event=PURCHASE, at=at, store_id=store.id) == []
        assert "恢复使用总部规则" in admin.submit(f"{path}/{store.id}/end")

    def test_have_their_own_form(self, log_in: LogIn, session: Session, at: datetime) -> None:
        store, rule_id = make_store(session), make_rule(session, BASE, at=at)
        set_override_policy(session, rule_id=rule_id, policy=OverridePolicy.OVERRIDE, actor=ACTOR, at=at)
        manager = log_in(Role.STORE_MANAGER, stores=[store])
        path = f"{HERE}/{rule_id}/overrides"

        page = manager.submit(path, node_id=store.id, wish="change")
        assert f"{store.name}的调整" in page
        assert 'name="included_nodes"' not in page
        manager.submit(f"{path}/{store.id}/draft", **FILLED)

        assert get_rule(session, rule_id=rule_id, at=at).draft(store.id) is not None
        assert "申请已删除" in manager.submit(f"{path}/{store.id}/discard")

    def test_are_refused_where_headquarters_does_not_permit_them(
        self, admin: Browser, session: Session, at: datetime
    ) -> None:
        store, rule_id = make_store(session), make_rule(session, BASE, at=at)
        session.commit()

        page = admin.submit(f"{HERE}/{rule_id}/overrides", node_id=store.id, wish="exclude")

        assert "总部没有允许" in page
        assert "已保存" in admin.submit(f"{HERE}/{rule_id}/override-policy", policy="exclude")
        assert admin.post(f"{HERE}/{rule_id}/override-policy", policy="all").status_code == 422

    def test_other_places_are_not_shown(self, log_in: LogIn, session: Session, at: datetime) -> None:
        own, other = make_store(session, name="自己店"), make_store(session, name="别家店")
        make_rule(session, BASE, at=at)
        rule_id = only_rule(session, at)
        set_override_policy(session, rule_id=rule_id, policy=OverridePolicy.EXCLUDE, actor=ACTOR, at=at)
        page = log_in(Role.STORE_MANAGER, stores=[own]).text(f"{HERE}/{rule_id}")

        assert own.name in page
        assert other.name not in page


class TestPermissions:
    def test_a_rule_of_headquarters_is_not_for_those_who_see_a_part(
        self, log_in: LogIn, session: Session, at: datetime
    ) -> None:
        make_headquarters(session)
        browser = log_in(Role.MARKETER, stores=[make_store(session)])

        assert browser.post(HERE, **FILLED).status_code == 403
        assert list_rules(session, at=at) == []

    def test_an_auditor_reads_only(self, log_in: LogIn, session: Session, at: datetime) -> None:
        rule_id = make_rule(session, BASE, at=at)
        browser = log_in(Role.AUDITOR)

        assert "新建规则" not in browser.text(HERE)
        assert "确认结束" not in browser.text(f"{HERE}/{rule_id}")
        for path in ("", "/preview", f"/{rule_id}/draft", f"/{rule_id}/publish", f"/{rule_id}/end"):
            assert browser.post(f"{HERE}{path}", **FILLED).status_code == 403


def test_tells_how_often_a_rule_was_missed_or_cut_and_what_its_budgets_have_left(
    admin: Browser, session: Session, at: datetime
) -> None:
    rule_id = make_rule(
        session,
        replace(BASE, conditions=Conditions(minimum_amount_fen=5_000), budgets=Budgets(rule_budget=150)),
    )
    for amount_fen in (10_000, 10_000, 4_000):
        buy(session, make_purchase(make_member(session).id, line(amount_fen=amount_fen), paid_at=at), at=at)
    session.commit()
    path = f"{HERE}/{rule_id}/outcomes"

    assert f'hx-get="{path}"' in admin.text(f"{HERE}/{rule_id}")
    told = re.sub(r"<[^>]*>", " ", admin.text(path)).split()

    assert " ".join(told) == (
        "发放 2 次，共 150 积分 没有发放或没有发全的原因 次数 少发积分 已到规则总预算 1 50 消费金额不够 1 — "
        "预算 门店 已用 预算积分 规则总预算 全部 150 150"
    )
