"""Connections that break in the middle of a claim: the same request again is one coupon, counted once."""

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.coupons.rules.terms import Claiming, MemberLimits
from loyalty.coupons.service import self_service
from loyalty.coupons.service.issuing import Issued
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import ATTEMPTS, DatabaseUnavailable, run
from tests.factories.coupons import SHANGHAI, issue_to, issued_of, make_template, terms_of
from tests.factories.members import make_member
from tests.factories.points import assert_books_fit, balance_of, earn
from tests.support.races import one_who_waits

PRICE = 10
_HOLD_THE_STOCK = text(
    "SELECT FROM limit_counters WHERE subject = 'coupon_template:' || :id AND entity = 'all' FOR NO KEY UPDATE"
)
_OF_THE_MEMBER = text(
    "SELECT used FROM limit_counters WHERE subject = 'coupon_template:' || :id AND entity = 'member:' || :member_id"
)
_HANG_UP = text("SELECT pg_terminate_backend(:pid, 10000)")


@pytest.fixture
def sale(committed_database: Database, at: datetime) -> tuple[int, int]:
    """A template in exchange for points, of which somebody has a coupon already, and a member who can pay."""

    def make(session: Session) -> tuple[int, int]:
        claiming = Claiming(is_in_centre=True, points_price=PRICE)
        terms = terms_of(member_limits=MemberLimits(total=1), claiming=claiming)
        template_id, member_id = make_template(session, terms, at=at), make_member(session).id
        issue_to(session, make_member(session).id, template_id, at=at)
        earn(session, member_id, 100, at=at)
        return template_id, member_id

    return run(committed_database, make)


def claim(database: Database, sale: tuple[int, int], at: datetime) -> Issued:
    template_id, member_id = sale
    return self_service.claim(
        database, template_id=template_id, member_id=member_id, key="tap-once-and-again", at=at, zone=SHANGHAI
    )


def claim_while_the_server_hangs_up(
    database: Database, sale: tuple[int, int], at: datetime, *, times: int
) -> "Future[Issued]":
    """Break the connection of a claim that has paid and taken its own limit, and waits for the stock."""
    with ThreadPoolExecutor(1) as pool, database.session() as holder:
        holder.execute(_HOLD_THE_STOCK, {"id": sale[0]})
        answer = pool.submit(claim, database, sale, at)
        for _ in range(times):
            assert holder.scalar(_HANG_UP, {"pid": one_who_waits(holder)})
        holder.rollback()
    return answer


@pytest.mark.parametrize("times", range(1, ATTEMPTS + 1))
def test_a_claim_whose_connection_breaks_is_one_coupon_however_often_it_is_sent(
    committed_database: Database, sale: tuple[int, int], at: datetime, times: int
) -> None:
    broken = claim_while_the_server_hangs_up(committed_database, sale, at, times=times)

    if times < ATTEMPTS:
        assert not broken.result().is_replay
    else:
        assert isinstance(broken.exception(), DatabaseUnavailable)
        assert issued_of(committed_database, sale[0]) == (1, 1)
    again = claim(committed_database, sale, at)

    template_id, member_id = sale
    assert again.is_replay == (times < ATTEMPTS)
    assert issued_of(committed_database, template_id) == (2, 2)
    with committed_database.session() as session:
        assert session.scalars(_OF_THE_MEMBER, {"id": template_id, "member_id": member_id}).all() == [1]
        assert balance_of(session, member_id) == 100 - PRICE
        assert_books_fit(session, member_id)
