"""The page of a campaign in WeChat's browser: from the code on the counter to what is in the wallet."""

import re
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.campaigns.models import CampaignEntry, CampaignVisit
from loyalty.campaigns.queries.results import results
from loyalty.campaigns.rules.entries import EntranceKind
from loyalty.campaigns.rules.results import Way
from loyalty.members.models import Member
from loyalty.stores.rules import EVERYTHING
from tests.factories.campaign_results import RunningCampaign
from tests.factories.coupons import make_template
from tests.factories.members import make_member
from tests.factories.points import spend
from tests.factories.stores import make_store
from tests.portal.h5.conftest import Browser

KEY = re.compile(r'name="key" value="([0-9a-z]+)"')
Hand = Callable[[Member | None], Browser]


@pytest.fixture
def campaign(session: Session, at: datetime) -> RunningCampaign:
    return RunningCampaign(session, make_template(session), holdout_percent=0, at=at)


@pytest.fixture
def path(session: Session, campaign: RunningCampaign) -> str:
    store = make_store(session)
    entrance = campaign.entrance(EntranceKind.QR, store.id)
    session.commit()
    return f"/h5/campaigns/{entrance.token}"


def test_a_member_takes_part_and_finds_everything(browser: Browser, path: str) -> None:
    offered = browser.open(path).text
    assert "100 积分" in offered
    assert "到店扫码，每人一次。" in offered

    told = browser.send(path, key=key_in(offered)).text

    assert "参加成功，已获得 100 积分和 1 张优惠券" in told
    assert 'href="/h5/coupons"' in told
    assert 'href="/h5/points"' in told
    assert "take-part" not in told


def test_what_is_given_for_real_is_what_the_results_count(
    browser: Browser, session: Session, campaign: RunningCampaign, path: str, at: datetime, zone: ZoneInfo
) -> None:
    browser.send(path)
    assert browser.member is not None
    spend(session, browser.member.id, 40, at=at)

    found = results(session, campaign_id=campaign.id, scope=EVERYTHING, zone=zone)

    assert list(found.ways) == [Way.QR]
    assert (found.total.points, found.total.coupons, found.total.points_used) == (100, 1, 40)


def test_the_same_form_twice_takes_part_once(browser: Browser, session: Session, path: str) -> None:
    page = browser.open(path).text
    fields = {"key": key_in(page), "csrf_token": browser.csrf_token(path)}

    answers = [browser.client.post(path, data=fields, follow_redirects=True).text for _ in range(2)]

    assert all("参加成功" in answer for answer in answers)
    assert session.scalar(select(func.count()).select_from(CampaignEntry)) == 1


def test_another_form_on_the_same_day_is_told_so(browser: Browser, path: str) -> None:
    token = browser.csrf_token(path)
    browser.send(path)

    told = browser.client.post(path, data={"csrf_token": token}, follow_redirects=True).text

    assert "您已参加过该活动" in told


def test_a_stranger_binds_first_and_comes_back(visitor: Browser, session: Session, path: str) -> None:
    page = visitor.open(path).text

    assert f'href="/h5/binding?next={path}"' in page
    assert "take-part" not in page
    assert session.scalars(select(CampaignVisit.member_id)).all() == [None]


def test_nothing_is_sent_without_a_token_of_the_form(browser: Browser, session: Session, path: str) -> None:
    answer = browser.client.post(path)

    assert answer.status_code == 400
    assert session.scalar(select(func.count()).select_from(CampaignEntry)) == 0


def test_what_is_paused_says_so(browser: Browser, session: Session, campaign: RunningCampaign, path: str) -> None:
    token = browser.csrf_token(path)
    campaign.stand("paused")
    session.commit()

    assert "活动暂停中" in browser.open(path).text
    assert "活动暂停中" in browser.client.post(path, data={"csrf_token": token}, follow_redirects=True).text


def test_a_member_who_is_held_out_is_thanked(browser_of: Hand, session: Session, at: datetime) -> None:
    campaign = RunningCampaign(session, make_template(session), holdout_percent=50, at=at)
    path = f"/h5/campaigns/{campaign.entrance().token}"
    session.commit()
    told = []
    while not any("本次没有奖励" in one for one in told):
        assert len(told) < 30, "half of them are held out"
        told.append(browser_of(make_member(session)).send(path).text)

    assert "take-part" not in told[-1]


def test_who_comes_when_nothing_is_left_is_told_so_and_stays_in_the_books(
    browser: Browser, session: Session, at: datetime
) -> None:
    campaign = RunningCampaign(session, make_template(session), holdout_percent=0, members_most=0, at=at)
    path = f"/h5/campaigns/{campaign.entrance().token}"
    session.commit()

    assert "活动名额或礼品已发完" in browser.send(path).text

    (entry,) = session.scalars(select(CampaignEntry)).all()
    assert (entry.state, entry.missed) == ("missed", "members_total")
    assert "活动名额或礼品已发完" in browser.send(path).text


def test_an_unknown_token_leads_to_a_page_that_says_so(browser: Browser) -> None:
    answer = browser.open("/h5/campaigns/nobody")

    assert answer.status_code == 404
    assert "没有找到这个活动" in answer.text


def key_in(page: str) -> str:
    found = KEY.search(page)
    assert found is not None
    return found[1]
