"""Events beside purchases, when the member is merged or closed between the report and its delivery."""

from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.earning import service
from loyalty.earning.rules import Definition, EarningEvent, Fixed
from loyalty.merging.service import merge
from tests.factories.checkout import SHANGHAI
from tests.factories.earning import ACTOR, make_rule
from tests.factories.members import make_member
from tests.factories.points import assert_books_fit, balance_of
from tests.support.settings import VAULT


def reward(session: Session, member_id: int, at: datetime) -> service.Outcome:
    happening = service.Happening(event=EarningEvent.REVIEW, member_id=member_id, occurred_at=at)
    return service.reward(session, VAULT, happening=happening, reference="partner:7:1", at=at, zone=SHANGHAI)


def test_of_somebody_merged_since_the_report_pays_the_survivor(session: Session, at: datetime) -> None:
    make_rule(session, Definition(event=EarningEvent.REVIEW, points=Fixed(9)))
    survivor, other = make_member(session), make_member(session)
    merge(session, survivor_id=survivor.id, other_id=other.id, actor=ACTOR, at=at)

    assert reward(session, other.id, at).points == 9

    assert (balance_of(session, survivor.id), balance_of(session, other.id)) == (9, 0)


def test_delivered_again_after_a_merge_pays_nothing_more(session: Session, at: datetime) -> None:
    make_rule(session, Definition(event=EarningEvent.REVIEW, points=Fixed(9)))
    survivor, other = make_member(session), make_member(session)
    reward(session, other.id, at)
    merge(session, survivor_id=survivor.id, other_id=other.id, actor=ACTOR, at=at)

    again = reward(session, other.id, at)

    assert (again.points, again.is_replay) == (9, True)
    assert balance_of(session, survivor.id) == 9
    assert_books_fit(session, survivor.id)
