from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.members.rules.consents import DRAFT_TEXTS
from loyalty.points.service import earn
from loyalty.risk.models import Sighting
from tests.factories.check_ins import make_plan
from tests.factories.members import make_member, unused_phone
from tests.portal.h5.conftest import Browser
from tests.support.containers import NullContainer
from tests.support.statements import StatementCounter

PAGES = (
    "/h5/",
    "/h5/check-ins",
    "/h5/points",
    "/h5/points/lots",
    "/h5/coupon-centre",
    "/h5/coupon-code",
    "/h5/coupons",
    "/h5/inbox",
    "/h5/settings",
    "/h5/phone",
    "/h5/privacy",
    "/h5/closing",
    "/h5/member-code",
    "/h5/merge",
)


@pytest.fixture(autouse=True)
def _plan(session: Session) -> None:
    make_plan(session)
    session.commit()


class TestPages:
    @pytest.mark.parametrize("path", PAGES)
    def test_open_for_a_member_without_inline_script_or_style(self, browser: Browser, path: str) -> None:
        page = browser.open(path)

        assert page.status_code == 200
        assert "<style" not in page.text
        assert " style=" not in page.text
        assert "onclick" not in page.text

    @pytest.mark.parametrize("path", PAGES)
    def test_send_a_visitor_to_bind_a_phone(self, visitor: Browser, path: str) -> None:
        assert visitor.client.get(path).headers["Location"].startswith("/h5/binding")

    @pytest.mark.parametrize("path", PAGES)
    def test_send_a_stranger_through_wechat(self, client: FlaskClient, path: str) -> None:
        assert client.get(path).headers["Location"].startswith("/h5/login")

    def test_a_form_without_its_token_is_refused(self, browser: Browser) -> None:
        assert browser.client.post("/h5/check-ins").status_code == 400

    def test_the_card_shows_what_is_there_in_two_statements(
        self, browser: Browser, session: Session, at: datetime, statements: StatementCounter
    ) -> None:
        assert browser.member is not None
        earn(
            session,
            member_id=browser.member.id,
            points=66,
            reference="t:1",
            explanation={"rule": "purchase"},
            occurred_at=at,
            at=at,
        )
        session.commit()
        statements.clear()

        page = browser.open("/h5/")

        assert statements.count <= 2
        assert "66" in page.text
        assert browser.member.number in page.text


class TestCheckIn:
    def test_pays_and_shows_the_reason_in_the_statement(self, browser: Browser) -> None:
        page = browser.send("/h5/check-ins", key="a" * 24)
        assert "签到成功" in page.text
        assert "今日已签到" in page.text

        assert "连续签到第1天" in browser.open("/h5/points").text

    def test_a_second_tap_is_told_kindly(self, browser: Browser) -> None:
        page = browser.open("/h5/check-ins").text
        token = page.split('name="csrf_token" value="')[1].split('"')[0]
        for key in ("a" * 24, "b" * 24):
            answer = browser.client.post("/h5/check-ins", data={"csrf_token": token, "key": key}, follow_redirects=True)

        assert answer.status_code == 200
        assert "今天已经签到过了" in answer.text

    @pytest.mark.parametrize("month", ["2026-13", "abc", "", "9999-12", "0001-01", "2099-12", "2000-01", "2026-02"])
    def test_any_month_in_the_address_shows_a_calendar(self, browser: Browser, month: str) -> None:
        assert browser.open(f"/h5/check-ins?month={month}").status_code == 200


class TestBinding:
    def _consents(self) -> list[str]:
        return [f"{text.purpose}:{text.version}" for text in DRAFT_TEXTS if text.is_required]

    def test_makes_a_visitor_a_member(self, visitor: Browser, container: NullContainer) -> None:
        phone = unused_phone()
        page = visitor.send("/h5/binding/codes", page="/h5/binding?next=/h5/points", phone=phone)
        assert "验证码已发送" in page.text
        code = container.sms.sent[-1].code  # type: ignore[attr-defined]

        bound = visitor.send("/h5/binding", phone=phone, sms_code=code, consent=self._consents(), next="/h5/points")

        assert "入会成功" in bound.text
        assert "积分明细" in bound.text

    def test_lets_risk_know_the_phone_it_came_from_and_minds_no_code_that_nobody_has(
        self, visitor: Browser, container: NullContainer, session: Session
    ) -> None:
        phone = unused_phone()
        visitor.send("/h5/binding/codes", page="/h5/binding", phone=phone)
        code = container.sms.sent[-1].code  # type: ignore[attr-defined]

        bound = visitor.send(
            "/h5/binding", phone=phone, sms_code=code, consent=self._consents(), referral_code="\U0001f600 ABC"
        )

        assert "入会成功" in bound.text
        seen = session.scalars(select(Sighting)).one()
        assert seen.device_index is not None
        assert seen.ip_index is not None

    def test_keeps_the_phone_in_the_form_when_the_code_is_wrong(self, visitor: Browser) -> None:
        phone = unused_phone()
        page = visitor.send("/h5/binding", phone=phone, sms_code="000000", consent=self._consents())

        assert page.status_code == 422
        assert "验证码不正确或已过期" in page.text
        assert phone in page.text

    def test_needs_the_consents(self, visitor: Browser) -> None:
        page = visitor.send("/h5/binding", phone=unused_phone(), sms_code="000000")

        assert "请先阅读并同意" in page.text

    def test_a_contested_phone_asks_for_a_second_proof(
        self, visitor: Browser, container: NullContainer, session: Session, at: datetime
    ) -> None:
        phone = unused_phone()
        make_member(session, phone=phone, last_active_at=at - timedelta(days=181))
        session.commit()
        visitor.send("/h5/binding/codes", page="/h5/binding", phone=phone)
        code = container.sms.sent[-1].code  # type: ignore[attr-defined]

        page = visitor.send("/h5/binding", phone=phone, sms_code=code, consent=self._consents())
        assert "身份核验" in page.text

        wrong = visitor.send("/h5/second-proof", code="000001")
        assert "核验码不正确" in wrong.text
        declined = visitor.send("/h5/second-proof/decline", page="/h5/second-proof")
        assert "入会成功" in declined.text


class TestMe:
    def test_saves_the_profile(self, browser: Browser) -> None:
        page = browser.send("/h5/settings", nickname="小红😀", birthday="1990-05-17")

        assert "小红😀" in page.text

    @pytest.mark.parametrize("birthday", ["2020-01-01", "not-a-day", "1800-01-01"])
    def test_refuses_a_birthday_that_cannot_be(self, browser: Browser, birthday: str) -> None:
        assert browser.send("/h5/settings", nickname="小红", birthday=birthday).status_code in (403, 422)

    def test_closing_can_be_taken_back(self, browser: Browser) -> None:
        assert "已申请注销" in browser.send("/h5/closing", agree="yes").text
        assert "已撤回" in browser.send("/h5/closing/take-back", page="/h5/closing").text

    def test_exports_everything(self, browser: Browser) -> None:
        export = browser.open("/h5/export")

        assert export.json["data"]["members"][0]["nickname"] == "小明"  # type: ignore[index]
        assert "attachment" in export.headers["Content-Disposition"]

    def test_marketing_consent_is_given_and_withdrawn(self, browser: Browser) -> None:
        version = next(text.version for text in DRAFT_TEXTS if text.purpose == "marketing")
        given = browser.send("/h5/privacy/consents/marketing", page="/h5/privacy", answer="give", version=version)
        assert "撤回同意" in given.text

        withdrawn = browser.send("/h5/privacy/consents/marketing", page="/h5/privacy", answer="withdraw")
        assert "撤回同意" not in withdrawn.text

    def test_the_inbox_is_read_by_being_shown(self, browser: Browser, session: Session, at: datetime) -> None:
        assert browser.member is not None
        assert "还没有消息" in browser.open("/h5/inbox").text
