"""Clerks under fire: one link binds one WeChat, and a coupon is taken once, whoever taps."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from loyalty.clerks.rules import VISIT_LIFETIME, Typed, Visit
from loyalty.clerks.service import take_coupon
from loyalty.coupons.queries.redemptions import RedemptionView
from loyalty.coupons.rules.errors import CouponNotUsable
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Database
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.staff.bindings import BoundStaff, find_bound
from loyalty.staff.rules import Role
from loyalty.staff.service.bindings import StaffBindingLinkInvalid, bind, make_link
from tests.factories.coupons import issue_to, make_template
from tests.factories.members import make_member, unused_openid
from tests.factories.staff import make_staff
from tests.factories.stores import make_store
from tests.support.races import at_once
from tests.support.settings import OA_APPID

AT = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
ACTOR = Actor("system:tests")


def bound_clerk(database: Database) -> tuple[BoundStaff, int]:
    """Return a clerk with a WeChat, and their store."""
    openid = unused_openid()
    store_id = run(database, lambda session: make_store(session).id)
    staff_id = run(database, lambda session: make_staff(session, Role.CLERK).id)
    token = run(database, lambda session: make_link(session, staff_id=staff_id, actor=ACTOR, at=AT))
    run(database, lambda session: _bind(session, token, openid))
    clerk = run(database, lambda session: find_bound(session, appid=OA_APPID, openid=openid))
    assert clerk is not None
    return clerk, store_id


def _bind(session: Session, token: str, openid: str) -> int:
    return bind(session, token=token, appid=OA_APPID, openid=openid, at=AT, ip=None, request_id=None)


def test_a_link_opened_in_ten_wechats_at_once_binds_one(committed_database: Database) -> None:
    staff_id = run(committed_database, lambda session: make_staff(session, Role.CLERK).id)
    token = run(committed_database, lambda session: make_link(session, staff_id=staff_id, actor=ACTOR, at=AT))
    openids = [unused_openid() for _ in range(10)]

    def confirm(openid: str) -> int | LoyaltyError:
        return run(committed_database, lambda session: _bind(session, token, openid))

    results = at_once([lambda openid=openid: confirm(openid) for openid in openids])

    assert [result for result in results if isinstance(result, int)] == [staff_id]
    assert sum(isinstance(result, StaffBindingLinkInvalid) for result in results) == 9


@pytest.mark.parametrize("is_same_form", [True, False])
def test_ten_taps_take_a_coupon_once(committed_database: Database, is_same_form: bool) -> None:
    clerk, store_id = bound_clerk(committed_database)
    member_id = run(committed_database, lambda session: make_member(session).id)
    coupon_id = run(
        committed_database, lambda session: issue_to(session, member_id, make_template(session), at=AT).coupon_id
    )
    visit = Visit(clerk.staff_id, store_id, member_id, coupon_id, AT + VISIT_LIFETIME)

    def tap(number: int) -> RedemptionView | LoyaltyError:
        key = "same" if is_same_form else f"form-{number}"
        return run(
            committed_database,
            lambda session: take_coupon(
                session,
                clerk=clerk,
                visit=visit,
                coupon_id=coupon_id,
                typed=Typed(goods_fen=12_000),
                key=key,
                actor=ACTOR,
                at=AT + timedelta(seconds=1),
                zone=ZONE,
            ),
        )

    results = at_once([lambda number=number: tap(number) for number in range(10)])

    taken = [result.id for result in results if isinstance(result, RedemptionView)]
    refused = [result for result in results if isinstance(result, CouponNotUsable)]
    assert len(set(taken)) == 1
    assert (len(taken), len(refused)) == ((10, 0) if is_same_form else (1, 9))
