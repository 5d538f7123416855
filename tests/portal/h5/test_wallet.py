"""The wallet on the phone: its shelves, one coupon, and its code for the till."""

import re

from sqlalchemy.orm import Session

from loyalty.coupons.rules.terms import CashOff, DaysFromIssue, Windows
from loyalty.members.models import Member
from tests.factories.coupons import issue_to, make_template, terms_of
from tests.factories.members import make_member
from tests.portal.h5.conftest import Browser
from tests.support.containers import NullContainer, StandingClock


def test_shows_shelves_and_a_coupon_with_its_code(
    browser: Browser, session: Session, container: NullContainer, member: Member
) -> None:
    terms = terms_of(title="限时券", worth=CashOff(500), threshold_fen=0, validity=DaysFromIssue(1))
    coupon_id = issue_to(session, member.id, make_template(session, terms)).coupon_id
    session.commit()

    wallet, page = browser.open("/h5/coupons").text, browser.open(f"/h5/coupons/{coupon_id}").text
    assert "限时券" in wallet
    assert "立减 5 元" in wallet
    assert re.search(r'data-testid="coupon-code">66\d\d( \d{4}){3} \d\d<', page)
    assert re.search(r'data-testid="usable-coupons">1 张<', browser.open("/h5/").text)

    assert isinstance(container.clock, StandingClock)
    container.clock.advance(days=1)
    assert "没有可使用的优惠券" in browser.open("/h5/coupons").text
    assert "已过期" in browser.open("/h5/coupons?shelf=lapsed").text
    code = browser.open(f"/h5/coupons/{coupon_id}/code").text
    assert "本券已过期" in code
    assert "hx-get" not in code


def test_shows_no_code_outside_its_hours_but_when_they_come(browser: Browser, session: Session, member: Member) -> None:
    terms = terms_of(windows=Windows(weekdays=frozenset({6, 7})))
    coupon_id = issue_to(session, member.id, make_template(session, terms)).coupon_id
    session.commit()

    code = browser.open(f"/h5/coupons/{coupon_id}/code").text

    assert "本券仅限 周六、周日 使用，下次可用时间 3月14日 00:00" in code
    assert 'coupon-code"' in code
    assert "<svg" not in code


def test_keeps_others_out(browser: Browser, session: Session) -> None:
    coupon_id = issue_to(session, make_member(session).id, make_template(session)).coupon_id
    session.commit()

    assert browser.open(f"/h5/coupons/{coupon_id}").status_code == 404
