"""Inviting in WeChat's browser: what is shared, and what came of it."""

import io
import re
from datetime import datetime, timedelta

import pytest
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.channels.models import Scene
from loyalty.members.models import Member
from loyalty.missions.rules.terms import MissionEvent
from loyalty.referrals.models import ShareToken
from loyalty.referrals.rules.sharing import SCENE_KIND, Channel, Purpose
from loyalty.referrals.service.sharing import mint
from tests.factories.missions import make_mission
from tests.factories.referrals import invite, open_for_pay, referral_of, settle
from tests.portal.h5.conftest import Browser, turn_off
from tests.support.containers import NullContainer
from tests.support.settings import OA_APPID

PAGE = "/h5/invitations"


class TestInvitePage:
    def test_without_a_programme_says_so_and_mints_nothing(self, browser: Browser) -> None:
        page = browser.open(PAGE).text

        assert "现在没有邀请活动" in page
        assert "/h5/i/" not in page

    def test_says_what_it_brings_and_how_often_and_shows_link_code_and_poster(
        self, browser: Browser, offer: int
    ) -> None:
        page = browser.open(PAGE).text

        assert "好友绑定手机号成为新会员，您得 100 积分，好友得 50 积分。" in page
        assert "您的奖励每天最多 5 位；好友不受影响。" in page
        assert re.search(r'data-testid="link">\S+/h5/i/[0-9A-Za-z]{20}<', page)
        assert re.search(r'data-testid="code">[2-9A-Z]{8}<', page)
        assert "/h5/invitations/poster" in page

    def test_shows_the_same_link_again(self, browser: Browser, offer: int) -> None:
        first, second = (re.findall(r"/h5/i/\w+", browser.open(PAGE).text)[0] for _ in range(2))

        assert first == second

    @pytest.mark.parametrize(
        ("channel", "gone"),
        [
            (Channel.OFFICIAL_ACCOUNT, 'data-testid="link"'),
            (Channel.CODE, 'data-testid="code"'),
            (Channel.POSTER, "/h5/invitations/poster"),
        ],
    )
    def test_a_channel_that_is_off_is_not_offered(
        self, browser: Browser, offer: int, session: Session, at: datetime, channel: Channel, gone: str
    ) -> None:
        assert gone in browser.open(PAGE).text

        turn_off(session, channel, at)

        assert gone not in browser.open(PAGE).text

    def test_tells_of_each_friend_what_it_paid_or_why_not(
        self, browser: Browser, member: Member, offer: int, session: Session, at: datetime
    ) -> None:
        paid, refused = invite(session, member, at=at), invite(session, member, at=at)
        settle(session, referral_of(session, paid.id).id, at=at + timedelta(hours=25))
        referral = referral_of(session, refused.id)
        referral.state, referral.reason, referral.is_standing = "refused", "device_farm", False
        session.commit()

        page = browser.open(PAGE).text

        assert "奖励已发放" in page
        assert "得 100 积分" in page
        assert "未获得奖励：未通过安全校验" in page
        assert "device_farm" not in page

    def test_a_cursor_that_is_not_ours_is_refused(self, browser: Browser, offer: int) -> None:
        assert browser.open(f"{PAGE}?cursor=x!").status_code == 422


def test_openings_that_paid_and_that_did_not_are_told_with_the_reason(
    browser: Browser, member: Member, session: Session, at: datetime
) -> None:
    assert "打开奖励" not in browser.open(PAGE).text
    open_for_pay(session, member, "phone-1", "phone-2", at=at)
    session.commit()

    page = browser.open(f"{PAGE}/openings").text

    assert f'href="{PAGE}/openings"' in browser.open(PAGE).text
    assert re.findall(r'data-testid="opening"><span class="weui-cell__bd">(.+?)</span>', page) == [
        "没有奖励：已达每天打开奖励上限", "得 2 积分"
    ]  # fmt: skip


class TestAMission:
    @pytest.fixture
    def mission_id(self, session: Session, offer: int) -> int:
        mission_id = make_mission(session, title="带三位好友", event=MissionEvent.INVITED_FRIEND)
        session.commit()
        return mission_id

    def test_leads_to_its_own_link_code_and_poster(
        self, browser: Browser, member: Member, mission_id: int, container: NullContainer, session: Session
    ) -> None:
        here = f"{PAGE}?mission_id={mission_id}"
        assert f'href="{here}"' in browser.open("/h5/missions").text

        page = browser.open(here).text
        browser.open(f"{PAGE}/poster.png?code=mini_program&mission_id={mission_id}")

        assert "带三位好友" in page
        assert f"{PAGE}/poster?mission_id={mission_id}" in page
        shares = session.scalars(select(ShareToken).where(ShareToken.member_id == member.id)).all()
        assert {(row.channel, row.mission_id) for row in shares} == {
            (channel, mission_id) for channel in (Channel.OFFICIAL_ACCOUNT, Channel.CODE, Channel.POSTER)
        }
        assert all(row.token in f"{page}{container.mp.drawn_scenes}" for row in shares)

    def test_is_kept_on_the_way_through_the_poster(self, browser: Browser, mission_id: int) -> None:
        page = browser.open(f"{PAGE}/poster?mission_id={mission_id}").text

        assert f"/poster.png?code=link&amp;mission_id={mission_id}" in page
        assert f"/poster?code=oa&amp;mission_id={mission_id}" in page

    @pytest.mark.parametrize(("sent", "status"), [("x", 404), ("9" * 30, 404), ("{review}", 409)])
    def test_that_is_none_of_friends_is_refused(
        self, browser: Browser, offer: int, session: Session, sent: str, status: int
    ) -> None:
        sent = sent.format(review=make_mission(session))
        session.commit()

        assert browser.open(f"{PAGE}?mission_id={sent}").status_code == status
        assert browser.open(f"{PAGE}/poster.png?mission_id={sent}").status_code == status


class TestPoster:
    @pytest.mark.parametrize("code", ["link", "oa", "mini_program", "nonsense"])
    def test_is_a_picture_whatever_its_code_leads_to(self, browser: Browser, offer: int, code: str) -> None:
        answer = browser.open(f"{PAGE}/poster.png?code={code}")

        assert answer.content_type == "image/png"
        assert Image.open(io.BytesIO(answer.data)).format == "PNG"

    def test_its_mini_program_code_carries_the_share_of_the_poster_channel(
        self, browser: Browser, member: Member, offer: int, container: NullContainer, session: Session, at: datetime
    ) -> None:
        browser.open(f"{PAGE}/poster.png?code=mini_program")

        token = mint(session, member_id=member.id, channel=Channel.POSTER, purpose=Purpose.REFERRAL, at=at).token
        assert container.mp.drawn_scenes == [f"r={token}"]

    def test_its_account_code_is_made_once_while_it_lives(self, browser: Browser, offer: int, session: Session) -> None:
        for _ in range(2):
            browser.open(f"{PAGE}/poster.png?code=oa")

        scenes = session.scalars(select(Scene).where(Scene.appid == OA_APPID, Scene.subject_kind == SCENE_KIND))
        assert len(scenes.all()) == 1

    def test_is_not_drawn_while_the_channel_is_off(
        self, browser: Browser, offer: int, session: Session, at: datetime
    ) -> None:
        turn_off(session, Channel.POSTER, at)

        assert browser.open(f"{PAGE}/poster.png").status_code == 409
        assert "现在不能生成海报" in browser.open(f"{PAGE}/poster").text
