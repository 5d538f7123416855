"""What friends' purchases did not earn, on a fan's phone."""

from sqlalchemy.orm import Session

from loyalty.commissions.rules.plan import Rate
from tests.factories.commissions import LAST_MONTH, accrue, bought, invite_friend, publish_plan
from tests.factories.referrals import publish
from tests.portal.h5.conftest import Browser


def test_a_purchase_of_goods_that_earn_nothing_says_so(browser: Browser, session: Session) -> None:
    assert browser.member is not None
    publish(session, at=LAST_MONTH)
    publish_plan(session, first=(Rate(basis_points=500, categories=frozenset({"cake"})),))
    bought(session, invite_friend(session, browser.member))
    accrue(session)
    session.commit()

    earnings, missed = browser.open("/h5/earnings").text, browser.open("/h5/earnings/missed").text

    assert 'href="/h5/earnings/missed"' in earnings
    assert "没有计佣的商品" in missed


def test_nothing_missed_says_so_and_a_cursor_that_is_not_ours_is_refused(browser: Browser) -> None:
    assert "没有未获得的佣金" in browser.open("/h5/earnings/missed").text
    assert browser.open("/h5/earnings/missed?cursor=x!").status_code == 422
