"""Reminders of coupons: one message a member and day, each coupon once, late rather than never."""

from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.coupons.rules.terms import DaysFromIssue
from loyalty.coupons.service.expiring import expire_coupons
from loyalty.coupons.service.reminding import plan_reminders
from loyalty.coupons.service.voiding import void
from loyalty.members.rules.members import MemberStatus
from loyalty.notices.models import InboxMessage, Notice
from tests.factories.coupon_uses import lock_up, undo, use_of, use_up
from tests.factories.coupons import ACTOR, SHANGHAI, issue_to, make_template, terms_of
from tests.factories.members import make_member
from tests.factories.points import AT

DAY = timedelta(days=1)


def plan(session: Session, at: datetime, limit: int = 1_000) -> int:
    """Plan all reminders of a day; return how many messages there are."""
    after, notices_count = None, 0
    while (page := plan_reminders(session, after=after, at=at, zone=SHANGHAI, limit=limit)) is not None:
        after, notices_count = page.cursor, notices_count + page.notices_count
    return notices_count


def bodies(session: Session, member_id: int) -> list[str]:
    query = select(InboxMessage.body).where(InboxMessage.member_id == member_id)
    return list(session.scalars(query.order_by(InboxMessage.id)))


def coupon_for(session: Session, member_id: int, *, days: int = 10, reminder_days: int | None = 3, **told: str) -> int:
    """Give a coupon whose last day is ``days - 1`` days from now."""
    terms = terms_of(validity=DaysFromIssue(days), reminder_days=reminder_days, **told)
    return issue_to(session, member_id, make_template(session, terms)).coupon_id


def test_come_once_so_many_days_before_the_last(session: Session, member_id: int) -> None:
    coupon_for(session, member_id)

    assert [day for day in range(12) if plan(session, AT + day * DAY)] == [6]


def test_are_made_up_for_when_their_day_was_missed_but_not_once_the_coupon_has_lapsed(
    session: Session, member_id: int
) -> None:
    coupon_for(session, member_id, days=10)
    coupon_for(session, member_id, days=8)

    assert [plan(session, AT + day * DAY) for day in (8, 8, 9)] == [1, 0, 0]
    assert "您有 1 张优惠券" in bodies(session, member_id)[0]


def test_sum_all_coupons_of_a_member_in_one_message_whatever_the_page(session: Session, member_id: int) -> None:
    for days, title in ((2, "满减券"), (2, "满减券"), (4, "咖啡券"), (9, "以后的券")):
        coupon_for(session, member_id, days=days, title=title)
    other_id = make_member(session).id
    coupon_for(session, other_id, days=3, title="咖啡券")

    assert (plan(session, AT, limit=1), plan(session, AT)) == (2, 0)

    told = "您有 3 张优惠券即将到期：3月11日「满减券」2张、3月13日「咖啡券」1张，到期后不能使用。"
    assert (bodies(session, member_id), len(bodies(session, other_id))) == ([told], 1)
    facts = session.scalars(select(Notice.facts).where(Notice.member_id == member_id)).one()
    assert (facts["expires_on"], facts["coupons_count"]) == (date(2026, 3, 11).isoformat(), 3)


def test_name_three_sorts_at_most(session: Session, member_id: int) -> None:
    for title in "甲乙丙丁":
        coupon_for(session, member_id, days=1, title=title)

    plan(session, AT)

    assert (
        "您有 4 张优惠券即将到期：3月10日「甲」1张、3月10日「乙」1张、3月10日「丙」1张等，"
        in bodies(session, member_id)[0]
    )


def test_leave_out_what_was_used_voided_or_lapsed_and_templates_without_reminder(
    session: Session, member_id: int
) -> None:
    used, voided = (coupon_for(session, member_id, days=2) for _ in range(2))
    use_up(session, member_id, used)
    void(session, coupon_ids=[voided], reason="试发", actor=ACTOR, at=AT)
    coupon_for(session, member_id, days=2, reminder_days=None)
    coupon_for(session, member_id, days=1)
    expire_coupons(session, at=AT + DAY)

    assert plan(session, AT + DAY) == 0


def test_tell_of_a_coupon_again_that_came_back_with_a_new_end(session: Session, member_id: int) -> None:
    coupon_id = coupon_for(session, member_id, days=1)
    assert plan(session, AT) == 1
    redemption = use_up(session, member_id, coupon_id).redemptions[0]

    undo(session, redemption.id, at=AT + DAY)

    assert plan(session, AT + DAY) == 1


def test_tell_of_a_coupon_that_waits_for_an_order(session: Session, member_id: int) -> None:
    lock_up(session, member_id, coupon_for(session, member_id, days=2), use=use_of())

    assert plan(session, AT) == 1


def test_go_to_the_survivor_of_a_merge_and_to_nobody_who_is_provisional_or_gone(session: Session) -> None:
    survivor, merged, provisional, closed = (make_member(session) for _ in range(4))
    for member in (merged, provisional, closed):
        coupon_for(session, member.id, days=2)
    merged.merged_into_id, merged.status = survivor.id, MemberStatus.MERGED
    provisional.provisional_until_at, provisional.status = AT + DAY, MemberStatus.PROVISIONAL
    closed.status = MemberStatus.CLOSED
    session.flush()

    assert plan(session, AT) == 1
    assert len(bodies(session, survivor.id)) == 1
