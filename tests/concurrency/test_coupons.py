"""Coupons under fire: issued is never more than the stock, nor more than one member may have."""

from collections.abc import Callable
from datetime import datetime

from loyalty.coupons.rules.errors import CouponLimitReached, CouponSoldOut
from loyalty.coupons.rules.states import IssuePath
from loyalty.coupons.rules.terms import Claiming, MemberLimits
from loyalty.coupons.service.issuing import Issued
from loyalty.kernel.database import Database
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from tests.factories.coupons import issue_to, issued_of, make_template, terms_of
from tests.factories.members import make_member
from tests.factories.points import assert_books_fit, balance_of, earn
from tests.support.races import at_once

CLIENTS = 50


def members(database: Database, count: int) -> list[int]:
    return run(database, lambda session: [make_member(session).id for _ in range(count)])


def claims(database: Database, member_ids: list[int], template_id: int, at: datetime) -> list[Issued | LoyaltyError]:
    """Let each of them claim at the same moment, and return what each was answered."""

    def claim(member_id: int, number: int) -> Callable[[], Issued | LoyaltyError]:
        reference = f"claim:{number}"
        return lambda: run(
            database,
            lambda session: issue_to(session, member_id, template_id, path=IssuePath.CLAIM, reference=reference, at=at),
        )

    return at_once([claim(member_id, number) for number, member_id in enumerate(member_ids)])


def test_a_flash_sale_issues_its_stock_exactly(committed_database: Database, at: datetime) -> None:
    template_id = run(committed_database, lambda session: make_template(session, stock=20))

    answers = claims(committed_database, members(committed_database, CLIENTS), template_id, at)

    assert sum(isinstance(answer, Issued) for answer in answers) == 20
    assert sum(isinstance(answer, CouponSoldOut) for answer in answers) == CLIENTS - 20
    assert issued_of(committed_database, template_id) == (20, 20)


def test_of_the_last_coupon_there_is_one(committed_database: Database, at: datetime) -> None:
    template_id = run(committed_database, lambda session: make_template(session, stock=1))

    answers = claims(committed_database, members(committed_database, CLIENTS), template_id, at)

    assert sum(isinstance(answer, Issued) for answer in answers) == 1
    assert sum(isinstance(answer, CouponSoldOut) for answer in answers) == CLIENTS - 1
    assert issued_of(committed_database, template_id) == (1, 1)


def test_one_member_claiming_fifty_times_gets_one(committed_database: Database, at: datetime) -> None:
    terms = terms_of(member_limits=MemberLimits(total=1), claiming=Claiming(is_in_centre=True, points_price=10))
    template_id = run(committed_database, lambda session: make_template(session, terms))
    (member_id,) = members(committed_database, 1)
    run(committed_database, lambda session: earn(session, member_id, 1_000))

    answers = claims(committed_database, [member_id] * CLIENTS, template_id, at)

    assert sum(isinstance(answer, Issued) for answer in answers) == 1
    assert sum(isinstance(answer, CouponLimitReached) for answer in answers) == CLIENTS - 1
    assert issued_of(committed_database, template_id) == (1, 1)
    assert run(committed_database, lambda session: balance_of(session, member_id)) == 990
    run(committed_database, lambda session: assert_books_fit(session, member_id))


def test_one_request_sent_fifty_times_is_one_coupon(committed_database: Database, at: datetime) -> None:
    template_id = run(committed_database, lambda session: make_template(session))
    (member_id,) = members(committed_database, 1)

    answers = at_once(
        [
            lambda: run(
                committed_database,
                lambda session: issue_to(session, member_id, template_id, reference="claim:same", at=at),
            )
            for _ in range(CLIENTS)
        ]
    )

    assert len({answer.coupon_id for answer in answers}) == 1
    assert sum(not answer.is_replay for answer in answers) == 1
    assert issued_of(committed_database, template_id) == (1, 1)
