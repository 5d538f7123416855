"""The life of a campaign in the console: submitted, approved by another, watched, paused, ended and undone."""

import re
from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from loyalty.campaigns.rules.settings import CampaignSettings
from loyalty.campaigns.rules.terms import Caps, Sleeping
from loyalty.campaigns.service.settings import save_settings
from loyalty.campaigns.service.starting import begin_due_runs
from loyalty.kernel import audit, bulk
from loyalty.kernel.audit import Actor
from tests.factories.adjustments import work_off
from tests.factories.campaign_runs import tick
from tests.factories.campaigns import SHANGHAI, campaign_of, draft_campaign, make_campaign
from tests.factories.members import make_member
from tests.factories.tags import put_tag
from tests.portal.console.campaign_pages import HERE, newest, path_of, typed
from tests.portal.console.conftest import Browser
from tests.support.containers import NullContainer


@pytest.fixture
def everything_is_approved(session: Session, at: datetime) -> None:
    """Whatever costs anything waits for a second person."""
    settings = CampaignSettings(approval_above_fen=0)
    save_settings(session, settings=settings, actor=Actor("cli"), at=at)
    session.commit()


class TestTheLife:
    def test_of_what_is_cheap_begins_when_it_is_submitted(
        self, marketer: Browser, session: Session, tag_id: int, at: datetime
    ) -> None:
        draft_campaign(session, campaign_of(tag_id), at=at)
        session.commit()

        page = marketer.submit(f"{path_of(session)}/submit")

        assert "已发布，活动进行中" in page
        assert "/undo" not in page

    @pytest.mark.usefixtures("everything_is_approved")
    def test_goes_from_the_maker_to_a_checker_to_the_members_and_back(
        self,
        marketer: Browser,
        finance: Browser,
        admin: Browser,
        container: NullContainer,
        session: Session,
        tag_id: int,
    ) -> None:
        marketer.submit(HERE, **typed(campaign_of(tag_id, title="三月礼")))
        here = path_of(session)
        assert "等待其他有复核权限的同事处理" in marketer.submit(f"{here}/submit")
        assert "不能复核自己的活动" in marketer.text(f"{here}/decision")
        assert marketer.post(f"{here}/decide", decision="approve").status_code == 403

        page = finance.text(f"{here}/decision")
        assert "发布后立即执行一次" in page
        assert "当时预计 2 人、成本 ¥0.20" in page
        assert "已通过，活动生效" in finance.submit(f"{here}/decide", decision="approve")

        tick(container)
        page = marketer.text(here)
        assert "一次性" in page
        assert re.search(r"积分 20(?!\d)", page)

        assert "没有得到" in page
        assert "已结束，不再发放" in marketer.submit(f"{here}/end")
        assert marketer.post(f"{here}/undo").status_code == 403
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
        self, marketer: Browser, finance: Browser, session: Session, tag_id: int
    ) -> None:
        marketer.submit(HERE, **typed(campaign_of(tag_id)))
        here = path_of(session)
        marketer.submit(f"{here}/submit")
        assert marketer.get(f"{here}/edit").status_code == 303

        assert "已退回" in finance.submit(f"{here}/decide", decision="refuse")
        assert "保存草稿" in marketer.text(f"{here}/edit")
        assert "没有待复核的内容" in finance.text(f"{here}/decision")

    @pytest.mark.usefixtures("everything_is_approved")
    def test_that_costs_more_by_now_is_approved_by_its_figure_of_now(
        self, marketer: Browser, finance: Browser, session: Session, tag_id: int
    ) -> None:
        marketer.submit(HERE, **typed(campaign_of(tag_id)))
        here = path_of(session)
        marketer.submit(f"{here}/submit")
        seen = {"decision": "approve", "most_fen": "20"}
        put_tag(session, tag_id, make_member(session).id)
        session.commit()

        assert "比复核页上显示的多" in finance.submit(f"{here}/decide", **seen)
        page = finance.text(f"{here}/decision")
        assert "成本 ¥0.20，最多 ¥0.20" in page
        assert 'name="most_fen" value="30"' in page
        assert finance.post(f"{here}/decide", **seen | {"most_fen": "x"}).status_code == 422
        assert "已通过，活动生效" in finance.submit(f"{here}/decide", **seen | {"most_fen": "30"})

    def test_of_one_in_force_changes_only_by_a_revision_that_says_what_it_changed(
        self, marketer: Browser, session: Session, tag_id: int, at: datetime
    ) -> None:
        make_campaign(session, campaign_of(tag_id, trigger=Sleeping(30), caps=Caps(points=100)), at=at)
        session.commit()
        here, before = path_of(session), newest(session).terms

        changed = typed(before, **{"sleeping.days": "60"})
        marketer.submit(f"{here}/draft", **changed)
        page = marketer.text(here)
        assert "有一份还没有提交的修订" in page
        assert "会员满 30 天没有消费时" in page
        assert newest(session).terms == before
        assert "触发方式不能修改" in marketer.post(f"{here}/draft", **changed | {"trigger": "now"}).text

        marketer.submit(f"{here}/submit")
        page = marketer.text(here)
        assert re.search(r"<del[^>]*>会员满 30 天没有消费时，10:00</del> → 会员满 60 天", page)

    def test_is_paused_resumed_and_its_draft_thrown_away(
        self, marketer: Browser, session: Session, tag_id: int, at: datetime
    ) -> None:
        make_campaign(session, campaign_of(tag_id, trigger=Sleeping(30), caps=Caps(points=100)), at=at)
        session.commit()
        here = path_of(session)

        states = [newest(session).state for step in ("pause", "resume") if marketer.submit(f"{here}/{step}")]
        marketer.submit(f"{here}/draft", **typed(newest(session).terms, title="改个名"))
        marketer.submit(f"{here}/discard")

        assert states == ["paused", "running"]
        assert newest(session).draft is None


def test_work_that_an_error_stopped_goes_on_when_somebody_says_so(
    marketer: Browser, session: Session, tag_id: int, at: datetime
) -> None:
    make_campaign(session, campaign_of(tag_id), at=at)
    begin_due_runs(session, zone=SHANGHAI, at=at)
    (run_id,) = bulk.list_running(session)
    bulk.pause(session, run_id=run_id, error="DiskFull")
    session.commit()
    here = path_of(session)

    assert "执行出错（DiskFull）" in marketer.text(here)
    assert "修正后继续执行" not in marketer.submit(f"{here}/resume-work")

    assert list(bulk.list_running(session)) == [run_id]
