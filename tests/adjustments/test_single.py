"""One adjustment by one person."""

from datetime import date

import pytest
from sqlalchemy.orm import Session

from loyalty.adjustments import service
from loyalty.adjustments.rules.single import AdjustmentTooLarge, InvalidAdjustmentExpiry, Reason
from loyalty.members.rules.members import MemberGone, MemberStatus
from loyalty.points.rules import InsufficientPoints, InvalidPoints
from loyalty.points.service import Posting
from tests.factories.adjustments import AT, MAKER, SHANGHAI
from tests.factories.members import make_member
from tests.factories.points import assert_books_fit, balance_of


def adjust(session: Session, member_id: int, change: int, **values: object) -> Posting:
    given: dict[str, object] = {"reason": Reason.CORRECTION, "key": "one", "expires_on": None}
    return service.adjust_one(
        session,
        member_id=member_id,
        change=change,
        zone=SHANGHAI,
        actor=MAKER,
        at=AT,
        **(given | values),  # type: ignore[arg-type]
    )


def test_the_same_key_moves_points_once(session: Session) -> None:
    member = make_member(session)

    postings = [adjust(session, member.id, 50) for _ in range(2)]

    assert [posting.is_replay for posting in postings] == [False, True]
    assert balance_of(session, member.id) == 50
    assert_books_fit(session, member.id)


@pytest.mark.parametrize(
    ("change", "values", "refusal"),
    [
        (10_001, {}, AdjustmentTooLarge),
        (-10_001, {}, AdjustmentTooLarge),
        (0, {}, InvalidPoints),
        (-1, {}, InsufficientPoints),
        (1, {"expires_on": date(2026, 3, 9)}, InvalidAdjustmentExpiry),
        (1, {"expires_on": date(9999, 12, 31)}, InvalidAdjustmentExpiry),
    ],
)
def test_what_one_person_may_not_do_is_refused(
    session: Session, change: int, values: dict[str, object], refusal: type[Exception]
) -> None:
    member = make_member(session)

    with pytest.raises(refusal):
        adjust(session, member.id, change, **values)


def test_nothing_is_given_to_who_has_left(session: Session) -> None:
    member = make_member(session, status=MemberStatus.CLOSED, phone=None)

    with pytest.raises(MemberGone):
        adjust(session, member.id, 5)
