"""The statement on the phone: months, kinds, one entry and the lots."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.points import service as points
from tests.factories.earning import miss_review
from tests.factories.members import make_member
from tests.factories.points import earn, reverse, spend
from tests.factories.stores import make_store
from tests.portal.h5.conftest import Browser
from tests.support.statements import StatementCounter

DAY = timedelta(days=1)


@pytest.fixture
def member_id(browser: Browser) -> int:
    assert browser.member is not None
    return browser.member.id


class TestStatement:
    def test_is_narrowed_to_a_month_and_a_kind(
        self, browser: Browser, session: Session, member_id: int, at: datetime
    ) -> None:
        earn(session, member_id, 701, at=at - 40 * DAY)
        earn(session, member_id, 702, at=at)
        spend(session, member_id, 703, at=at)
        session.commit()

        whole, march = browser.open("/h5/points").text, browser.open("/h5/points?month=2026-03").text
        spent = browser.open("/h5/points?month=2026-03&kind=spend").text

        assert whole.index("2026年3月") < whole.index("2026年1月")
        assert ("+701" in march, "+702" in march) == (False, True)
        assert ("+702" in spent, "-703" in spent) == (False, True)
        assert "month=2026-02&amp;kind=spend" in spent
        assert "下月" not in march

    def test_says_when_an_entry_was_booked_later_than_it_happened(
        self, browser: Browser, session: Session, member_id: int, at: datetime
    ) -> None:
        earn(session, member_id, 50, at=at, occurred_at=at - 3 * DAY)
        session.commit()

        page = browser.open("/h5/points").text

        assert "2026-03-07 10:00，2026-03-10 入账" in page

    @pytest.mark.parametrize("query", ["month=2026-13", "month=abc", "kind=all", "month=1999-01", "month=2099-12"])
    def test_shows_something_for_any_address(self, browser: Browser, query: str) -> None:
        assert browser.open(f"/h5/points?{query}").status_code == 200


class TestEntry:
    def test_shows_where_it_drew_and_what_undid_it(
        self, browser: Browser, session: Session, member_id: int, at: datetime
    ) -> None:
        store = make_store(session, name="西湖店")
        earned = earn(session, member_id, 50, at=at, expires_at=at + 5 * DAY, store_id=store.id)
        spent = spend(session, member_id, 20, at=at)
        undone = reverse(session, member_id, spent.entry_id, points=5)
        session.commit()

        page = browser.open(f"/h5/points/{spent.entry_id}").text

        for shown in ("使用了这些批次的积分", "西湖店", "这笔记录已部分撤销", "2026-03-15 到期"):
            assert shown in page
        assert f"/h5/points/{earned.entry_id}" in page
        assert "退回到这些批次" in browser.open(f"/h5/points/{undone.entry_id}").text

    def test_does_not_call_it_use_when_points_are_taken_back(
        self, browser: Browser, session: Session, member_id: int, at: datetime
    ) -> None:
        earned = earn(session, member_id, 50, at=at)
        undone = reverse(session, member_id, earned.entry_id, points=50)
        session.commit()

        taken_back = browser.open(f"/h5/points/{undone.entry_id}").text

        assert "从这些批次扣减" in taken_back
        assert "使用了这些批次" not in taken_back
        assert "这笔记录已全部撤销" in browser.open(f"/h5/points/{earned.entry_id}").text

    def test_tells_each_rule_and_what_is_left(
        self, browser: Browser, session: Session, member_id: int, at: datetime
    ) -> None:
        posted = points.earn(
            session,
            member_id=member_id,
            points=30,
            reference="order:992",
            explanation={"rule": "purchase", "awards": [{"name": "首单礼", "points": 30, "growth": 0}]},
            occurred_at=at,
            at=at,
        )
        spend(session, member_id, 10, at=at)
        session.commit()

        page = browser.open(f"/h5/points/{posted.entry_id}").text

        assert "首单礼：得 30 积分" in page
        assert "20 / 30" in page

    def test_of_somebody_else_is_not_found(self, browser: Browser, session: Session) -> None:
        theirs = earn(session, make_member(session).id, 50)
        session.commit()

        assert browser.open(f"/h5/points/{theirs.entry_id}").status_code == 404


class TestLots:
    def test_come_by_the_last_day_on_which_they_can_be_used(
        self, browser: Browser, session: Session, member_id: int, at: datetime
    ) -> None:
        midnight = at.replace(hour=16) + 4 * DAY
        earn(session, member_id, 55, at=at)
        earn(session, member_id, 44, at=at, expires_at=midnight)
        earn(session, member_id, 33, at=at, expires_at=midnight, available_at=at + DAY)
        session.commit()

        page = browser.open("/h5/points/lots").text

        assert page.count("2026-03-14 到期") == 1
        assert page.index("2026-03-14 到期") < page.index("长期有效")
        assert 'data-testid="expiring-soon">77<' in page
        assert "待入账，2026-03-11 10:00 可用" in page

    def test_lead_from_the_card(self, browser: Browser, session: Session, member_id: int, at: datetime) -> None:
        earn(session, member_id, 44, at=at, expires_at=at.replace(hour=16) + 4 * DAY)
        session.commit()

        page = browser.open("/h5/").text

        assert "44 积分将于 2026-03-14 到期" in page
        assert "/h5/points/lots" in page


@pytest.mark.parametrize(("path", "most"), [("/h5/points", 3), ("/h5/points/lots", 3), ("/h5/points/{entry_id}", 3)])
def test_each_page_sends_few_statements(
    browser: Browser,
    session: Session,
    member_id: int,
    at: datetime,
    statements: StatementCounter,
    path: str,
    most: int,
) -> None:
    entry_id = earn(session, member_id, 50, at=at).entry_id
    session.commit()
    statements.clear()

    assert browser.open(path.format(entry_id=entry_id)).status_code == 200

    assert statements.count <= most, "\n".join(statements.sent)


def test_tells_what_events_brought_and_what_they_lacked_also_when_nothing_was_paid(
    browser: Browser, session: Session, member_id: int, at: datetime
) -> None:
    miss_review(session, member_id, at)

    page = browser.open("/h5/points/evaluations").text

    assert 'href="/h5/points/evaluations"' in browser.open("/h5/points").text
    assert "评价" in page
    assert "这次没有得到的" in page
    assert "评价有礼：不在活动的星期" in page
