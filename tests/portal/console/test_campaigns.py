"""Campaigns in the console: from a ready one to the draft, checked, approved by another, watched, ended and undone."""

import html
import re
from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from loyalty.campaigns.queries.campaigns import CampaignView, list_campaigns
from loyalty.campaigns.queries.settings import current_settings
from loyalty.campaigns.rules.settings import CampaignSettings
from loyalty.campaigns.rules.templates import TEMPLATES
from loyalty.campaigns.rules.terms import Caps, GivePoints, SendMessage, Sleeping, Terms, Visit
from loyalty.campaigns.service.settings import save_settings
from loyalty.campaigns.service.starting import begin_due_runs
from loyalty.kernel import audit, bulk
from loyalty.kernel.audit import Actor
from loyalty.members.models import Member
from loyalty.segments.rules.conditions import All
from loyalty.segments.rules.fact_types import Tags
from loyalty.segments.service import save_segment
from loyalty.staff.rules import Role
from loyalty.stores.models import Store
from portal.console.campaign_form import form_of
from tests.factories.adjustments import work_off
from tests.factories.campaign_runs import tick
from tests.factories.campaigns import SHANGHAI, campaign_of, draft_campaign, make_campaign, tag_with
from tests.factories.members import make_member
from tests.portal.console.conftest import Browser, LogIn, download
from tests.support.containers import NullContainer

HERE = "/console/campaigns"
NOBODY = 10**12
"""A tag that nobody has."""
WRONG: dict[str, tuple[dict[str, object], str]] = {
    "title": ({"title": ""}, "活动名称须为 1–30 个字"),
    "actions[0].points": ({"actions[0].points": "x"}, "积分须为整数"),
    "sleeping.days": ({"trigger": "sleeping", "sleeping.days": ""}, "未消费天数须为"),
    "recurring.weekdays": ({"trigger": "recurring", "recurring.repetition": "weekly"}, "每周活动须选择"),
    "holdout_percent": ({"holdout_percent": "99"}, "对照组比例须为"),
    "caps.points": ({"caps.points": "5"}, "积分上限不够发放一次"),
    "segment_id": ({"source": "segment", "segment_id": "999999"}, "没有找到该分群"),
}
"""Changes to a form that could be saved, by the field at which they are told, and what is told there."""


@pytest.fixture
def maker(log_in: LogIn) -> Browser:
    return log_in(Role.MARKETER)


@pytest.fixture
def checker(log_in: LogIn) -> Browser:
    return log_in(Role.FINANCE)


@pytest.fixture
def tag_id(session: Session, member: Member) -> int:
    """A tag of two members."""
    return tag_with(session, member.id, make_member(session).id)


@pytest.fixture
def everything_is_approved(session: Session, at: datetime) -> None:
    """Whatever costs anything waits for a second person."""
    settings = CampaignSettings(approval_above_fen=0)
    save_settings(session, settings=settings, actor=Actor("cli"), at=at)
    session.commit()


def newest(session: Session) -> CampaignView:
    session.expire_all()
    return list_campaigns(session, limit=1).items[0]


def path_of(session: Session) -> str:
    return f"{HERE}/{newest(session).id}"


def typed(terms: Terms, **changes: object) -> dict[str, object]:
    return form_of(terms, SHANGHAI) | changes


def unescaped(page: str) -> str:
    return html.unescape(page)


class TestStartingACampaign:
    def test_is_offered_from_every_ready_one_and_from_nothing(self, maker: Browser) -> None:
        offered = re.findall(r'href="/console/campaigns/new\?template=(\w+)"', maker.text(f"{HERE}/new"))

        assert offered == [*TEMPLATES, "empty"]
        for key, template in TEMPLATES.items():
            assert f'value="{template.start().title}"' in maker.text(f"{HERE}/new?template={key}")
        assert 'id="title" name="title" type="text" value=""' in maker.text(f"{HERE}/new?template=empty")

    def test_may_give_a_coupon_instead_of_the_points(self, maker: Browser, session: Session, template_id: int) -> None:
        session.commit()

        page = maker.text(f"{HERE}/new?template=store_visits&coupon={template_id}")

        assert f'<option value="{template_id}" selected>早鸟券' in page
        assert "actions[0].points" not in page

    def test_is_kept_as_a_draft_that_remembers_where_it_began(self, maker: Browser, session: Session) -> None:
        terms = TEMPLATES["sleepers"].start()

        page = maker.submit(HERE, **typed(terms), template="sleepers")

        campaign = newest(session)
        assert "上线前检查" in page
        assert (campaign.template, campaign.title) == ("sleepers", "沉睡唤醒")
        assert campaign.terms == terms


class TestTheEditor:
    def test_without_script_changes_rows_of_actions_and_conditions_and_loses_nothing(
        self, maker: Browser, session: Session
    ) -> None:
        form = typed(campaign_of(NOBODY), title="还没写完", **{"actions[0].points": "一百", "caps.fen": "abc"})

        for edit, chosen, shown in (
            ("action-add", {"new_action": "message"}, 'name="actions[1].body"'),
            ("action-remove:0", {}, "还没有动作"),
            ("add:c", {"c.new": "recency"}, 'name="c-2.fact"'),
        ):
            page = maker.submit(HERE, **form | chosen | {"edit": edit})
            assert shown in page or edit.startswith("add:")
            assert 'value="还没写完"' in page
            assert 'value="abc"' in page
            assert ('value="一百"' in page) == (edit != "action-remove:0")
        assert list_campaigns(session).items == []

    def test_with_script_sends_back_only_the_rows(self, maker: Browser) -> None:
        page = maker.submit(f"{HERE}/actions", **typed(campaign_of(NOBODY), edit="action-add", new_action="coupon"))

        assert 'name="actions[1].template_id"' in page
        assert "<form" not in page

    def test_tells_what_is_wrong_at_its_field_and_keeps_what_was_typed(self, maker: Browser, session: Session) -> None:
        form = typed(campaign_of(NOBODY), rules_text="原样保留")

        for field, (changes, told) in WRONG.items():
            answer = maker.post(HERE, **form | changes)

            assert answer.status_code == 422, field
            at_field = re.search(rf'id="{re.escape(field)}-problem-1">([^<]*)<', answer.text)
            assert at_field is not None, field
            assert told in at_field[1]
            assert "原样保留" in answer.text
        assert list_campaigns(session).items == []

    def test_refuses_to_pay_for_following(self, maker: Browser, session: Session) -> None:
        answer = maker.post(
            HERE, **typed(campaign_of(NOBODY), **{"trigger": "event", "event.event": "followed", "event.unit": "days"})
        )

        assert answer.status_code == 422
        assert "微信禁止奖励关注、订阅或分享行为" in answer.text
        assert list_campaigns(session).items == []

    def test_copies_the_condition_of_a_saved_segment(
        self, maker: Browser, session: Session, tag_id: int, at: datetime
    ) -> None:
        condition = All((Tags(frozenset({tag_id})),))
        segment_id = save_segment(session, title="两位会员", condition=condition, actor=Actor("cli"), at=at)
        session.commit()

        maker.submit(HERE, **typed(campaign_of(NOBODY), source="segment", segment_id=str(segment_id)))

        terms = newest(session).terms
        assert (terms.segment_id, terms.audience) == (segment_id, condition)


class TestTheCheck:
    def test_says_reach_cost_and_debt_while_editing_and_keeps_nothing(
        self, maker: Browser, session: Session, tag_id: int
    ) -> None:
        message = SendMessage("会员日", "今天有礼。退订请到消息设置", ("subscription", "customer", "inbox"))
        terms = campaign_of(tag_id, actions=(GivePoints(300, 30), message))
        session.commit()

        page = unescaped(maker.submit(f"{HERE}/preview", **typed(terms)))

        assert "<strong>2</strong> 位会员" in page
        assert "2 人：订阅消息 0，客服窗口 0，站内消息 2；模板消息 0（营销内容不可用）；未推送 2，因为" in page
        assert "2 人，600 积分" in page
        assert "欠会员 600 积分（¥6.00）" in page
        assert "不超过 ¥1,000.00，提交后直接生效" in page
        assert list_campaigns(session).items == []

    def test_names_the_campaigns_that_share_members(
        self, maker: Browser, session: Session, tag_id: int, at: datetime
    ) -> None:
        make_campaign(session, campaign_of(tag_id, title="先来的", trigger=Visit()), at=at)
        session.commit()

        page = unescaped(maker.submit(f"{HERE}/preview", **typed(campaign_of(tag_id))))

        assert re.search(r"2 人也在“<a href=\"/console/campaigns/\d+\">先来的", page)

    def test_asks_for_a_cap_where_nothing_bounds_the_cost(self, maker: Browser) -> None:
        terms = campaign_of(NOBODY, trigger=Sleeping(30), caps=Caps(times_a_member=3))

        page = maker.submit(f"{HERE}/preview", **typed(terms))

        assert "没有封顶" in page
        assert "需要另一位同事复核（成本没有封顶）" in page

    def test_must_be_clean_before_the_button_and_before_the_server(
        self, maker: Browser, session: Session, at: datetime
    ) -> None:
        draft_campaign(session, campaign_of(NOBODY, rules_text=""), at=at)
        session.commit()
        here = path_of(session)

        page = maker.text(f"{here}/check")
        answer = maker.post(f"{here}/submit")

        assert "须修改后才能提交" in page
        assert "依据：" in page
        assert f'action="{here}/submit"' not in page
        assert answer.status_code == 422
        assert "不符合平台规则或法律" in answer.text
        assert newest(session).revision is None


class TestTheLife:
    def test_of_what_is_cheap_begins_when_it_is_submitted(
        self, maker: Browser, session: Session, tag_id: int, at: datetime
    ) -> None:
        draft_campaign(session, campaign_of(tag_id), at=at)
        session.commit()

        page = maker.submit(f"{path_of(session)}/submit")

        assert "已发布，活动进行中" in page
        assert "/undo" not in page

    @pytest.mark.usefixtures("everything_is_approved")
    def test_goes_from_the_maker_to_a_checker_to_the_members_and_back(
        self, maker: Browser, checker: Browser, admin: Browser, container: NullContainer, session: Session, tag_id: int
    ) -> None:
        maker.submit(HERE, **typed(campaign_of(tag_id, title="三月礼")))
        here = path_of(session)
        assert "等待其他有审批权限的同事复核" in maker.submit(f"{here}/submit")
        assert "不能复核自己的活动" in maker.text(f"{here}/decision")
        assert maker.post(f"{here}/decide", decision="approve").status_code == 403

        page = checker.text(f"{here}/decision")
        assert "发布后立即执行一次" in page
        assert "当时预计 2 人、成本 ¥0.20" in page
        assert "已通过，活动生效" in checker.submit(f"{here}/decide", decision="approve")

        tick(container)
        page = maker.text(here)
        assert "一次性" in page
        assert re.search(r"积分 20(?!\d)", page)

        assert "没有得到" in page
        assert "已结束，不再发放" in maker.submit(f"{here}/end")
        assert maker.post(f"{here}/undo").status_code == 403
        preview = admin.text(f"{here}/undo")
        assert re.search(r"<dt>积分</dt><dd>20</dd>", preview)
        assert "开始撤回" in admin.submit(f"{here}/undo")
        work_off(container)

        page = admin.text(here)
        assert "已撤回" in page
        assert "20，已用掉或过期未收回 0" in page
        subject = f"campaign:{newest(session).id}"
        actions = [entry.action for entry in audit.list_entries(session, subject=subject)]
        assert {"campaigns.submit", "approvals.approve", "campaigns.end", "campaigns.undo"} <= set(actions)

    @pytest.mark.usefixtures("everything_is_approved")
    def test_is_not_approved_by_its_maker_though_they_may_approve_others(
        self, admin: Browser, session: Session, tag_id: int
    ) -> None:
        admin.submit(HERE, **typed(campaign_of(tag_id)))
        here = path_of(session)
        admin.submit(f"{here}/submit")

        answer = admin.post(f"{here}/decide", decision="approve")

        assert "请由其他同事复核" in admin.text(answer.headers["Location"])
        assert newest(session).is_waiting

    @pytest.mark.usefixtures("everything_is_approved")
    def test_goes_back_to_the_maker_when_it_is_refused(
        self, maker: Browser, checker: Browser, session: Session, tag_id: int
    ) -> None:
        maker.submit(HERE, **typed(campaign_of(tag_id)))
        here = path_of(session)
        maker.submit(f"{here}/submit")
        assert maker.get(f"{here}/edit").status_code == 303

        assert "已退回" in checker.submit(f"{here}/decide", decision="refuse")
        assert "保存草稿" in maker.text(f"{here}/edit")
        assert "没有待复核的内容" in checker.text(f"{here}/decision")

    def test_of_one_in_force_changes_only_by_a_revision_that_says_what_it_changed(
        self, maker: Browser, session: Session, tag_id: int, at: datetime
    ) -> None:
        make_campaign(session, campaign_of(tag_id, trigger=Sleeping(30), caps=Caps(points=100)), at=at)
        session.commit()
        here, before = path_of(session), newest(session).terms

        changed = typed(before, **{"sleeping.days": "60"})
        maker.submit(f"{here}/draft", **changed)
        page = maker.text(here)
        assert "有一份还没有提交的修订" in page
        assert "会员满 30 天没有消费时" in page
        assert newest(session).terms == before
        assert "触发方式不能修改" in maker.post(f"{here}/draft", **changed | {"trigger": "now"}).text

        maker.submit(f"{here}/submit")
        page = maker.text(here)
        assert re.search(r"<del[^>]*>会员满 30 天没有消费时，10:00</del> → 会员满 60 天", page)

    def test_is_paused_resumed_and_its_draft_thrown_away(
        self, maker: Browser, session: Session, tag_id: int, at: datetime
    ) -> None:
        make_campaign(session, campaign_of(tag_id, trigger=Sleeping(30), caps=Caps(points=100)), at=at)
        session.commit()
        here = path_of(session)

        states = [newest(session).state for step in ("pause", "resume") if maker.submit(f"{here}/{step}")]
        maker.submit(f"{here}/draft", **typed(newest(session).terms, title="改个名"))
        maker.submit(f"{here}/discard")

        assert states == ["paused", "running"]
        assert newest(session).draft is None


def test_work_that_an_error_stopped_goes_on_when_somebody_says_so(
    maker: Browser, session: Session, tag_id: int, at: datetime
) -> None:
    make_campaign(session, campaign_of(tag_id), at=at)
    begin_due_runs(session, zone=SHANGHAI, at=at)
    (run_id,) = bulk.list_running(session)
    bulk.pause(session, run_id=run_id, error="DiskFull")
    session.commit()
    here = path_of(session)

    assert "执行出错（DiskFull）" in maker.text(here)
    assert "修正后继续执行" not in maker.submit(f"{here}/resume-work")

    assert list(bulk.list_running(session)) == [run_id]


class TestTheList:
    def test_is_filtered_and_exported_in_words(
        self, maker: Browser, session: Session, tag_id: int, at: datetime
    ) -> None:
        make_campaign(session, campaign_of(tag_id, title="甲活动"), at=at)
        draft_campaign(session, campaign_of(tag_id, title="乙活动", caps=Caps(points=500)), at=at)
        session.commit()

        page = maker.text(f"{HERE}?text=活动&state=draft")
        (row,) = download(maker, "campaigns.csv?state=draft")

        assert "乙活动" in page
        assert "甲活动" not in page
        assert (row["名称"], row["活动"], row["上限"]) == (
            "乙活动",
            "发布后立即执行一次：送 10 积分（30 天有效）",
            "积分 500，每人 1 次",
        )

    def test_is_read_by_a_store_without_figures_of_the_chain(
        self, log_in: LogIn, session: Session, store: Store, tag_id: int, at: datetime
    ) -> None:
        make_campaign(session, campaign_of(tag_id, title="甲活动"), at=at)
        manager = log_in(Role.STORE_MANAGER, stores=[store])
        here = path_of(session)

        page = manager.text(here)

        assert "送 10 积分" in page
        assert "执行情况" not in page
        assert manager.get(f"{here}/check").status_code == 403
        assert manager.get(f"{here}/work").status_code == 403


class TestSettings:
    def test_are_changed_by_who_approves_and_hold_from_then_on(
        self, maker: Browser, checker: Browser, session: Session
    ) -> None:
        here = "/console/campaign-settings"

        assert "已保存" in checker.submit(here, approval_above_fen="20.50", points_per_yuan="50")

        assert current_settings(session) == CampaignSettings(approval_above_fen=20_50, points_per_yuan=50)
        assert "50 积分 = 1 元" in maker.text(here)
        assert 'name="points_per_yuan"' not in maker.text(here)

    @pytest.mark.parametrize("changes", [{"approval_above_fen": "x"}, {"points_per_yuan": "0"}])
    def test_that_make_no_sense_are_refused_and_stay_as_typed(self, checker: Browser, changes: dict[str, str]) -> None:
        answer = checker.post(
            "/console/campaign-settings", **{"approval_above_fen": "7", "points_per_yuan": "8"} | changes
        )

        assert answer.status_code == 422
        assert all(f'value="{text}"' in answer.text for text in changes.values())


def test_a_campaign_that_does_not_exist_is_not_found(admin: Browser) -> None:
    for page in ("", "/edit", "/check", "/decision", "/undo", "/work"):
        assert admin.get(f"{HERE}/999999{page}").status_code == 404
