"""Coupons: what follows from their use, what members hear of them, and what the clock does to them."""

from datetime import datetime

from jobs.periodic import PeriodicRun
from jobs.recipients import notify, recipient_of
from loyalty.checkout import queries as checkout
from loyalty.container import Container
from loyalty.coupons.queries.wallet import get_coupon
from loyalty.coupons.rules.issuing import BY_THE_MEMBER
from loyalty.coupons.rules.sentences import told_on_arrival
from loyalty.coupons.rules.states import IssuePath, Standing
from loyalty.coupons.service import bonus, expiring, reminding
from loyalty.coupons.service.reminding import Cursor, ReminderPage
from loyalty.kernel.database import Json, Session
from loyalty.kernel.transaction import run
from loyalty.notices.rules import NoticeKind

_TO_BE_USED = (Standing.UPCOMING, Standing.USABLE)


def tell_issued(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Tell a member of a coupon that somebody gave them; who claimed it has seen it come."""
    member = recipient_of(session, container, payload["member_id"])
    if member is None or IssuePath(payload["path"]) in BY_THE_MEMBER:
        return
    coupon = get_coupon(session, coupon_id=payload["coupon_id"], at=at)
    if coupon.standing not in _TO_BE_USED:
        return
    notify(
        session,
        container,
        member,
        kind=NoticeKind.COUPON_ISSUED,
        subject=f"coupon:{coupon.id}",
        facts=told_on_arrival(coupon.terms, expires_at=coupon.expires_at, zone=container.zone),
        at=at,
    )


def pay_bonus(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Credit what using a coupon early brings."""
    if payload["bonus_points"]:
        bonus.pay_bonus(session, redemption_id=payload["redemption_id"], at=at, zone=container.zone)


def take_back_bonus(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Take back what a reversed redemption brought; of points already spent as refunds do."""
    if payload["bonus_points"]:
        bonus.take_back_bonus(
            session,
            redemption_id=payload["redemption_id"],
            shortfall=checkout.current_policy(session).shortfall,
            at=at,
            zone=container.zone,
        )


def expire_coupons(periodic: PeriodicRun) -> Json:
    """Note lapsed coupons as such."""
    clock = periodic.container.clock
    return {"coupons": periodic.in_pages(lambda session: expiring.expire_coupons(session, at=clock.now()))}


def release_run_out_locks(periodic: PeriodicRun) -> Json:
    """Free coupons that wait for orders which were not paid in time."""
    clock = periodic.container.clock
    return {"locks": periodic.in_pages(lambda session: expiring.release_run_out(session, at=clock.now()))}


def plan_reminders(periodic: PeriodicRun) -> Json:
    """Owe members the message about coupons that lapse soon."""
    container, notices_count = periodic.container, 0
    after: Cursor | None = None

    def work(session: Session) -> ReminderPage | None:
        return reminding.plan_reminders(session, after=after, at=container.clock.now(), zone=container.zone)

    while (page := run(container.database, work)) is not None:
        after, notices_count = page.cursor, notices_count + page.notices_count
        periodic.beat()
    return {"notices": notices_count}
