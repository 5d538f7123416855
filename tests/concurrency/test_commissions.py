"""Commissions under fire: jobs that run at once earn nothing twice, and no refund is lost beside them."""

from functools import partial

import pytest
from sqlalchemy import func, select

from loyalty.commissions.models import Commission
from loyalty.commissions.service import accrue_page, approve_page, first_place, follow_refund
from loyalty.earnings import service as earnings
from loyalty.earnings.queries import balance
from loyalty.kernel.database import Database, Session
from loyalty.kernel.transaction import run
from loyalty.members.models import Member
from loyalty.orders.rules import RefundLine
from tests.factories.checkout import give_back
from tests.factories.commissions import (
    AT,
    LAST_MONTH,
    SHANGHAI,
    WINDOW_OVER,
    accrue,
    bought,
    commission_of,
    invite_friend,
    make_referrer,
    publish_plan,
)
from tests.factories.orders import make_refund
from tests.factories.referrals import publish
from tests.support.races import at_once, beside
from tests.support.settings import SEAL_KEY

ORDERS = 12
DAY_CAP_FEN = 1_200


@pytest.fixture
def bought_by_friends(committed_database: Database) -> tuple[int, list[int]]:
    """A referrer, and the orders of two friends; looked at by nobody yet."""

    def prepare(session: Session) -> tuple[int, list[int]]:
        publish(session, at=LAST_MONTH)
        publish_plan(session)
        referrer = make_referrer(session)
        friends = [invite_friend(session, referrer) for _ in range(2)]
        numbers = (f"race-{referrer.id}-{number}" for number in range(ORDERS))
        orders = [bought(session, friends[n % 2], order_number=number) for n, number in enumerate(numbers)]
        return referrer.id, orders

    return run(committed_database, prepare)


def test_jobs_that_run_at_once_earn_every_order_once(
    committed_database: Database, bought_by_friends: tuple[int, list[int]]
) -> None:
    referrer_id, orders = bought_by_friends

    at_once([partial(_accrue_all, committed_database)] * 4)
    at_once([partial(_approve_all, committed_database)] * 4)

    count = select(func.count()).where(Commission.order_id.in_(orders), Commission.state == "approved")
    assert run(committed_database, lambda session: session.scalar(count)) == ORDERS
    held = run(committed_database, lambda session: balance(session, member_id=referrer_id))
    assert (held.pending_fen, held.available_fen) == (0, ORDERS * 500)


def test_a_page_that_was_never_committed_is_earned_by_the_next_run(
    committed_database: Database, bought_by_friends: tuple[int, list[int]]
) -> None:
    referrer_id, _orders = bought_by_friends

    def killed(session: Session) -> None:
        accrue(session)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(committed_database, killed)
    assert run(committed_database, lambda session: balance(session, member_id=referrer_id)).pending_fen == 0

    for _ in range(2):
        _accrue_all(committed_database)
    assert run(committed_database, lambda session: balance(session, member_id=referrer_id)).pending_fen == ORDERS * 500


def test_a_refund_that_waits_for_the_approval_takes_what_it_made_available(
    committed_database: Database, bought_by_friends: tuple[int, list[int]]
) -> None:
    referrer_id, orders = bought_by_friends
    _accrue_all(committed_database)
    number = f"race-{referrer_id}-0"

    def refund(session: Session) -> None:
        give_back(session, make_refund(number, RefundLine(1, 0, 4_000)))
        follow_refund(session, order_id=orders[0], at=AT)

    beside(committed_database, partial(approve_page, after=None, at=WINDOW_OVER), refund)
    _approve_all(committed_database)

    assert run(committed_database, lambda session: commission_of(session, orders[0]).reversed_fen) == 200
    held = run(committed_database, lambda session: balance(session, member_id=referrer_id))
    assert (held.pending_fen, held.available_fen) == (0, ORDERS * 500 - 200)
    proof = partial(earnings.verify, seal_key=SEAL_KEY, at=WINDOW_OVER, member_id=referrer_id)
    found = run(committed_database, proof)
    assert found.discrepancies == []


class TestTheCapOfADay:
    def test_is_kept_to_the_fen_by_jobs_that_run_at_once(
        self, committed_database: Database, bought_by_friends: tuple[int, list[int]]
    ) -> None:
        referrer_id, orders = bought_by_friends
        run(committed_database, partial(publish_plan, day_cap_fen=DAY_CAP_FEN))

        at_once([partial(_accrue_all, committed_database)] * 4)

        assert run(committed_database, partial(_earned_by, orders)) == [200, 500, 500]
        assert run(committed_database, lambda session: balance(session, member_id=referrer_id)).pending_fen == 1_200

    def test_has_room_again_for_a_page_that_waited_for_the_refund(
        self, committed_database: Database, bought_by_friends: tuple[int, list[int]]
    ) -> None:
        referrer_id, orders = bought_by_friends
        run(committed_database, partial(publish_plan, day_cap_fen=DAY_CAP_FEN))
        _accrue_all(committed_database)
        late = run(committed_database, partial(_bought_late, referrer_id))

        def refund(session: Session) -> None:
            give_back(session, make_refund(f"race-{referrer_id}-0"))
            follow_refund(session, order_id=orders[0], at=AT)

        beside(committed_database, refund, accrue)

        assert run(committed_database, partial(_earned_by, [*orders, late])) == [200, 500, 500, 500]
        assert run(committed_database, lambda session: commission_of(session, late).limited_by) is None
        assert run(committed_database, lambda session: balance(session, member_id=referrer_id)).pending_fen == 1_200


def _bought_late(referrer_id: int, session: Session) -> int:
    """Let another friend buy once the cap is used up; return the order."""
    friend = invite_friend(session, session.get_one(Member, referrer_id))
    return bought(session, friend, order_number=f"race-{referrer_id}-late")


def _earned_by(orders: list[int], session: Session) -> list[int]:
    """What orders earned before any refund, the least first."""
    earned = select(Commission.amount_fen).where(Commission.order_id.in_(orders), Commission.amount_fen > 0)
    return list(session.scalars(earned.order_by(Commission.amount_fen)))


def _accrue_all(database: Database) -> None:
    place = run(database, first_place)
    while (page := run(database, partial(accrue_page, after=place, at=AT, zone=SHANGHAI))).last is not None:
        place = page.last


def _approve_all(database: Database) -> None:
    last = None
    while (page := run(database, partial(approve_page, after=last, at=WINDOW_OVER))).last is not None:
        last = page.last
