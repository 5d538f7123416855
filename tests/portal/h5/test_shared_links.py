"""Opening what somebody shared in WeChat's browser, and the code that is typed instead."""

import re
from collections.abc import Callable
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from loyalty.gateways.answers import OAuthIdentity
from loyalty.members.models import Member
from loyalty.members.rules.consents import DRAFT_TEXTS
from loyalty.referrals.models import ShareOpening, ShareTouch
from loyalty.referrals.rules.sharing import Channel
from loyalty.risk.models import Sighting
from tests.factories.members import make_member, unused_phone
from tests.factories.referrals import attribute, link_of, referral_of
from tests.portal.h5.conftest import Browser, turn_off
from tests.support.containers import NullContainer
from tests.support.settings import OA_APPID

BrowserOf = Callable[[Member | None], Browser]


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
        own = re.findall(r"/h5/i/\w+", browser.open("/h5/invitations").text)[0]

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
