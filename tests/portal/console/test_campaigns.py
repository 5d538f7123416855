"""Campaigns in the console: the list of them, their settings, and none."""

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from loyalty.campaigns.queries.settings import current_settings
from loyalty.campaigns.rules.settings import CampaignSettings
from loyalty.campaigns.rules.terms import Caps, Now, Trigger, Visit
from loyalty.staff.rules import Role
from loyalty.stores.models import Store
from tests.factories.campaigns import campaign_of, draft_campaign, make_campaign
from tests.portal.console.campaign_pages import HERE, path_of
from tests.portal.console.conftest import Browser, LogIn, download


class TestTheList:
    def test_is_filtered_and_exported_in_words(
        self, marketer: Browser, session: Session, tag_id: int, at: datetime
    ) -> None:
        make_campaign(session, campaign_of(tag_id, title="甲活动"), at=at)
        draft_campaign(session, campaign_of(tag_id, title="乙活动", caps=Caps(points=500)), at=at)
        session.commit()

        page = marketer.text(f"{HERE}?text=活动&state=draft")
        (row,) = download(marketer, "campaigns.csv?state=draft")

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


@pytest.mark.parametrize(("trigger", "has_entrances"), [(Visit(), True), (Now(), False)])
def test_only_a_campaign_that_members_come_to_leads_to_its_entrances(
    marketer: Browser, session: Session, tag_id: int, at: datetime, trigger: Trigger, has_entrances: bool
) -> None:
    campaign_id = make_campaign(session, campaign_of(tag_id, trigger=trigger), at=at)
    session.commit()

    assert (f"/console/campaigns/{campaign_id}/entrances" in marketer.text(f"{HERE}/{campaign_id}")) == has_entrances


class TestSettings:
    def test_are_changed_by_who_approves_and_hold_from_then_on(
        self, marketer: Browser, finance: Browser, session: Session
    ) -> None:
        here = "/console/campaign-settings"

        assert "已保存" in finance.submit(here, approval_above_fen="20.50", points_per_yuan="50")

        assert current_settings(session) == CampaignSettings(approval_above_fen=20_50, points_per_yuan=50)
        assert "50 积分 = 1 元" in marketer.text(here)
        assert 'name="points_per_yuan"' not in marketer.text(here)

    @pytest.mark.parametrize("changes", [{"approval_above_fen": "x"}, {"points_per_yuan": "0"}])
    def test_that_make_no_sense_are_refused_and_stay_as_typed(self, finance: Browser, changes: dict[str, str]) -> None:
        answer = finance.post(
            "/console/campaign-settings", **{"approval_above_fen": "7", "points_per_yuan": "8"} | changes
        )

        assert answer.status_code == 422
        assert all(f'value="{text}"' in answer.text for text in changes.values())


def test_a_campaign_that_does_not_exist_is_not_found(admin: Browser) -> None:
    for page in ("", "/edit", "/check", "/decision", "/undo", "/work"):
        assert admin.get(f"{HERE}/999999{page}").status_code == 404
