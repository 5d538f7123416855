"""What became of a member's events, whatever they were and whether or not they paid."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from loyalty.earning import service
from loyalty.earning.evaluations import list_evaluations
from loyalty.earning.rules import Conditions, Definition, EarningEvent, Fixed
from loyalty.merging.service import merge
from tests.factories.checkout import SHANGHAI
from tests.factories.earning import ACTOR, make_rule
from tests.factories.members import make_member
from tests.support.settings import VAULT

SUNDAYS_ONLY = Conditions(weekdays=frozenset({7}))


def happen(session: Session, member_id: int, event: EarningEvent, reference: str, at: datetime) -> None:
    happening = service.Happening(event=event, member_id=member_id, occurred_at=at)
    service.reward(session, VAULT, happening=happening, reference=reference, at=at, zone=SHANGHAI)


def test_holds_events_that_paid_nothing_with_what_was_lacking(session: Session, at: datetime) -> None:
    make_rule(session, Definition(event=EarningEvent.REVIEW, points=Fixed(9)), name="评价有礼")
    make_rule(
        session, Definition(event=EarningEvent.CHECK_IN, points=Fixed(5), conditions=SUNDAYS_ONLY), name="签到加赠"
    )
    member = make_member(session)
    happen(session, member.id, EarningEvent.CHECK_IN, "check_in:1", at)
    happen(session, member.id, EarningEvent.REVIEW, "review:1", at)

    items = list_evaluations(session, member_id=member.id).items

    told = [(one.event, one.points, one.told_awards, one.told_misses) for one in items]
    assert told == [
        ("review", 9, ["评价有礼：得 9 积分"], []),
        ("check_in", 0, [], ["签到加赠：不在活动的星期"]),
    ]
    reviews = list_evaluations(session, member_id=member.id, event=EarningEvent.REVIEW)
    assert [one.event for one in reviews.items] == ["review"]


def test_is_read_through_the_survivor_page_by_page(session: Session, at: datetime) -> None:
    make_rule(session, Definition(event=EarningEvent.REVIEW, points=Fixed(9)))
    survivor, other = make_member(session), make_member(session)
    for number, member in enumerate((survivor, other, survivor, other)):
        happen(session, member.id, EarningEvent.REVIEW, f"review:{number}", at + timedelta(minutes=number))
    merge(session, survivor_id=survivor.id, other_id=other.id, actor=ACTOR, at=at)

    first = list_evaluations(session, member_id=survivor.id, limit=3)
    rest = list_evaluations(session, member_id=survivor.id, limit=3, cursor=first.next_cursor)

    assert [one.reference[-1] for one in (*first.items, *rest.items)] == ["3", "2", "1", "0"]
    assert (len(first.items), rest.next_cursor) == (3, None)
