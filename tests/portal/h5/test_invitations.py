"""Inviting and being invited in WeChat's browser: what is shared, what opening it does, what came of it."""

import io
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from loyalty.channels.models import Scene
from loyalty.gateways.protocols import OAuthIdentity
from loyalty.members.models import Member
from loyalty.members.rules.consents import DRAFT_TEXTS
from loyalty.missions.rules.terms import MissionEvent
from loyalty.referrals.models import ShareOpening, ShareToken, ShareTouch
from loyalty.referrals.rules.programme import Caps
from loyalty.referrals.rules.sharing import SCENE_KIND, Channel, Purpose
from loyalty.referrals.service import switches
from loyalty.referrals.service.sharing import mint
from loyalty.risk.models import Sighting
from tests.factories.members import make_member, unused_phone
from tests.factories.missions import make_mission
from tests.factories.referrals import ACTOR, attribute, invite, link_of, open_for_pay, publish, referral_of, settle
from tests.portal.h5.conftest import Browser
from tests.support.containers import NullContainer
from tests.support.settings import OA_APPID

BrowserOf = Callable[[Member | None], Browser]
PAGE = "/h5/invitations"


@pytest.fixture
def offer(session: Session, at: datetime) -> int:
    programme_id = publish(session, caps=Caps(per_day=5), at=at)
    session.commit()
    return programme_id


def turn_off(session: Session, channel: Channel, at: datetime) -> None:
    switches.turn_off(session, channel=channel, reason="异常", actor=ACTOR, at=at)
    session.commit()


def bind(visitor: Browser, container: NullContainer, session: Session, **fields: str) -> Member:
    """Let a visitor become a member by the form."""
    phone = unused_phone()
    visitor.send("/h5/binding/codes", page="/h5/binding", phone=phone)
    code = container.sms.sent[-1].code  # type: ignore[attr-defined]
    consents = [f"{text.purpose}:{text.version}" for text in DRAFT_TEXTS if text.is_required]
    visitor.send("/h5/binding", phone=phone, sms_code=code, consent=consents, **fields)
    session.refresh(visitor.identity)
    return session.get_one(Member, visitor.identity.member_id)


def openings(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(ShareOpening)) or 0


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


class TestOpeningALink:
    @pytest.fixture
    def link(self, session: Session, offer: int, at: datetime) -> str:
        token = link_of(session, make_member(session).id, channel=Channel.OFFICIAL_ACCOUNT, at=at)
        session.commit()
        return f"/h5/i/{token}"

    def test_is_counted_once_told_to_risk_and_leads_to_binding(
        self, visitor: Browser, link: str, session: Session
    ) -> None:
        pages = [visitor.open(link).text for _ in range(3)]

        assert "绑定手机号成为新会员，得 50 积分" in pages[0]
        assert 'href="/h5/binding"' in pages[0]
        assert openings(session) == 1
        seen = session.scalars(select(Sighting).where(Sighting.identity_id == visitor.identity.id)).one()
        assert seen.device_index is not None
        assert seen.ip_index is not None

    def test_a_friend_who_binds_afterwards_came_by_it(
        self, visitor: Browser, link: str, container: NullContainer, session: Session, at: datetime
    ) -> None:
        visitor.open(link)

        friend = bind(visitor, container, session)

        attribute(session, friend, at)
        assert referral_of(session, friend.id).channel == Channel.OFFICIAL_ACCOUNT

    def test_a_stranger_goes_through_the_silent_authorisation_and_comes_back_to_it(
        self, client: FlaskClient, container: NullContainer, link: str, session: Session
    ) -> None:
        answer = self._through_wechat(client, container, link, is_snapshot=False)

        assert answer.headers["Location"] == link
        client.get(link)
        assert openings(session) == 1

    def test_a_snapshot_page_counts_for_nobody(
        self, client: FlaskClient, container: NullContainer, link: str, session: Session
    ) -> None:
        answer = self._through_wechat(client, container, link, is_snapshot=True)

        assert "使用完整服务" in answer.text
        client.get(link)
        assert openings(session) == 0

    def test_ones_own_link_is_told_so(self, browser: Browser, member: Member, offer: int, session: Session) -> None:
        own = re.findall(r"/h5/i/\w+", browser.open(PAGE).text)[0]

        assert "这是您自己的邀请" in browser.open(own).text
        assert session.scalar(select(ShareTouch)) is None

    def test_a_member_is_told_that_they_are_one(self, browser_of: BrowserOf, link: str, session: Session) -> None:
        page = browser_of(make_member(session)).open(link).text

        assert "您已经是会员了" in page
        assert "打开会员卡" in page

    @pytest.mark.parametrize("token", ["x", "A" * 20, "%00", "%F0%9F%98%80"])
    def test_a_link_that_nobody_shared_is_a_page_not_found(self, visitor: Browser, token: str) -> None:
        assert visitor.open(f"/h5/i/{token}").status_code == 404

    def test_a_channel_that_is_off_counts_nothing_and_still_leads_to_membership(
        self, visitor: Browser, link: str, session: Session, at: datetime
    ) -> None:
        turn_off(session, Channel.OFFICIAL_ACCOUNT, at)

        page = visitor.open(link).text

        assert "这个邀请暂时无效" in page
        assert 'href="/h5/binding"' in page
        assert session.scalar(select(ShareTouch)) is None

    def _through_wechat(
        self, client: FlaskClient, container: NullContainer, link: str, *, is_snapshot: bool
    ) -> TestResponse:
        container.oa.identities["code"] = OAuthIdentity("o_friend", "u_friend", is_snapshot, "t", "snsapi_base")
        to_wechat = client.get(client.get(link).headers["Location"]).headers["Location"]
        assert parse_qs(urlsplit(to_wechat).query)["scope"] == ["snsapi_base"]
        state = parse_qs(urlsplit(to_wechat).query)["state"][0]
        return client.get(f"/h5/oauth/{OA_APPID}", query_string={"code": "code", "state": state})


class TestReferralCode:
    def test_is_asked_for_at_binding_while_codes_are_taken(
        self, visitor: Browser, offer: int, session: Session, at: datetime
    ) -> None:
        assert 'name="referral_code"' in visitor.open("/h5/binding").text

        turn_off(session, Channel.CODE, at)

        assert 'name="referral_code"' not in visitor.open("/h5/binding").text

    def test_typed_in_small_letters_counts_for_who_gave_it(
        self, visitor: Browser, offer: int, container: NullContainer, session: Session, at: datetime
    ) -> None:
        sharer = make_member(session)
        code = link_of(session, sharer.id, channel=Channel.CODE, at=at)
        session.commit()

        friend = bind(visitor, container, session, referral_code=code.lower())

        attribute(session, friend, at)
        assert referral_of(session, friend.id).referrer_id == sharer.id

    def test_stays_in_the_form_when_something_else_was_wrong(
        self, visitor: Browser, offer: int, session: Session, at: datetime
    ) -> None:
        answer = visitor.send("/h5/binding", phone="13800001234", sms_code="000000", referral_code="abc23456")

        assert answer.status_code == 422
        assert 'value="abc23456"' in answer.text
