"""The coupon centre tells of a template exactly what claiming it then does."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from loyalty.coupons.queries.centre import see_template
from loyalty.coupons.rules.claiming import ClaimState, state_of
from loyalty.coupons.rules.terms import Claiming, Eligibility, FixedDates, MemberLimits, Stock
from loyalty.coupons.service.claiming import claim
from loyalty.coupons.service.templates import pause, stop
from loyalty.kernel.errors import LoyaltyError
from tests.factories.coupons import ACTOR, SHANGHAI, issue_to, make_template, terms_of
from tests.factories.members import make_member
from tests.factories.points import AT, earn
from tests.factories.tiers import make_ladder

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
Prepare = Callable[[Session, int, int], object]


def nothing(_session: Session, _template_id: int, _member_id: int) -> None:
    """Leave everything as it is."""


def centre(**changes: Any) -> dict[str, Any]:
    return {"claiming": Claiming(is_in_centre=True, **changes)}


def take_one(session: Session, template_id: int, member_id: int) -> None:
    issue_to(session, member_id, template_id)


def others_take(how_many: int) -> Prepare:
    def take(session: Session, template_id: int, _member_id: int) -> None:
        for _ in range(how_many):
            issue_to(session, make_member(session).id, template_id)

    return take


SITUATIONS: list[tuple[ClaimState, dict[str, Any], Prepare]] = [
    (ClaimState.CLAIMABLE, {}, nothing),
    (ClaimState.CLAIMABLE, centre(opens_at=AT, closes_at=AT + HOUR), nothing),
    (ClaimState.UPCOMING, centre(opens_at=AT + HOUR), nothing),
    (ClaimState.CLOSED, centre(closes_at=AT), nothing),
    (ClaimState.CLOSED, {}, lambda session, one, _: pause(session, template_id=one, actor=ACTOR, at=AT)),
    (ClaimState.CLOSED, {}, lambda session, one, _: stop(session, template_id=one, actor=ACTOR, at=AT)),
    (ClaimState.CLOSED, {"validity": FixedDates(date(2026, 1, 1), date(2026, 3, 9))}, nothing),
    (ClaimState.CLAIMABLE, {"validity": FixedDates(date(2026, 1, 1), date(2026, 3, 10))}, nothing),
    (ClaimState.CLAIMED, {"member_limits": MemberLimits(total=1)}, take_one),
    (ClaimState.CLAIMABLE, {"member_limits": MemberLimits(total=2)}, take_one),
    (ClaimState.CLAIMED, {"member_limits": MemberLimits(total=2, per_day=1)}, take_one),
    (ClaimState.CLAIMABLE, {}, others_take(2)),
    (ClaimState.SOLD_OUT, {}, others_take(3)),
    (ClaimState.SOLD_OUT, {"stock": Stock(per_day=1)}, others_take(1)),
    (ClaimState.NOT_FOR_MEMBER, {"eligibility": Eligibility(tier_levels=frozenset({2}))}, nothing),
    (ClaimState.POINTS_SHORT, centre(points_price=101), nothing),
    (ClaimState.CLAIMABLE, centre(points_price=100), nothing),
]


@pytest.mark.parametrize(("state", "terms", "prepare"), SITUATIONS)
def test_tells_what_a_claim_would_meet(
    session: Session, state: ClaimState, terms: dict[str, Any], prepare: Prepare
) -> None:
    member_id = make_member(session).id
    earn(session, member_id, 100)
    make_ladder(session, at=AT)
    template_id = make_template(session, terms_of(**terms), stock=3, at=AT - 60 * DAY)
    prepare(session, template_id, member_id)

    view = see_template(session, template_id=template_id, member_id=member_id, at=AT, zone=SHANGHAI)
    with session.begin_nested() as attempt:
        try:
            claim(session, template_id=template_id, member_id=member_id, key="k" * 8, at=AT, zone=SHANGHAI)
            met = None
        except LoyaltyError as refusal:
            met = refusal
        attempt.rollback()

    assert (view.state, state_of(met)) == (state, state)
    assert (view.reason is None) == (state is ClaimState.CLAIMABLE)


def test_pending_points_buy_nothing_until_they_are_there(session: Session) -> None:
    member_id = make_member(session).id
    earn(session, member_id, 100, available_at=AT + HOUR)
    template_id = make_template(session, terms_of(**centre(points_price=100)))

    for at, state in ((AT, ClaimState.POINTS_SHORT), (AT + HOUR, ClaimState.CLAIMABLE)):
        view = see_template(session, template_id=template_id, member_id=member_id, at=at, zone=SHANGHAI)
        assert view.state is state
