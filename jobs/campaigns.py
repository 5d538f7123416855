"""Campaigns (活动): what events set off, what the clock begins and ends, and the pages of their work."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from jobs.pages import steps_of
from jobs.periodic import PeriodicRun
from loyalty.campaigns.rules.terms import CampaignEvent
from loyalty.campaigns.service import acting, entering, starting, telling, undoing
from loyalty.campaigns.service.triggers import note_event
from loyalty.container import Container
from loyalty.kernel.bulk import BulkRun, Page
from loyalty.kernel.database import Json, Session
from loyalty.kernel.transaction import run
from loyalty.orders import queries as orders

act = steps_of(acting.act_page)
"""Give the members of a run what the campaign gives."""
undo = steps_of(undoing.undo_page)
"""Take back what a campaign gave, as far as it is unused."""


def enter(container: Container, _started: BulkRun) -> Iterator[Page]:
    """Write down whom a run reaches."""
    while True:
        yield partial(entering.enter_page, vault=container.vault, zone=container.zone, at=container.clock.now())


def keep_time(periodic: PeriodicRun) -> Json:
    """End, start and resume what is due, and begin the runs of today; each of them in a transaction of its own."""
    database, zone, at = periodic.container.database, periodic.container.zone, periodic.container.clock.now()
    ended = run(database, lambda session: starting.end_over(session, at=at))
    started = run(database, lambda session: starting.start_scheduled(session, at=at))
    begun = run(database, lambda session: starting.begin_due_runs(session, zone=zone, at=at))
    resumed = run(database, lambda session: starting.resume_held(session, at=at))
    return {"ended": len(ended), "started": len(started), "runs": len(begun), "resumed": len(resumed)}


def act_on_due(periodic: PeriodicRun) -> Json:
    """Give what is due to those whom events have set off."""
    container = periodic.container
    at = container.clock.now()
    runs = run(container.database, lambda session: acting.runs_with_due(session, at=at))
    return {"entries": sum(periodic.in_pages(partial(_act, container, run_id)) for run_id in runs)}


def tell_given(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Tell members what a campaign gave them."""
    telling.tell_given(session, **payload, zone=container.zone, at=at)


def note_enrolment(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Follow a new member, once in its life."""
    _note(session, container, CampaignEvent.ENROLLED, payload["member_id"], "enrolled", at)


def note_order(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Follow a purchase, once however often it is corrected; what was paid before a campaign does not count."""
    order = orders.get_order(session, order_id=payload["order_id"])
    if order.member_id is not None and order.paid_at is not None:
        key = f"order:{order.id}"
        _note(session, container, CampaignEvent.PURCHASED, order.member_id, key, at, occurred_at=order.paid_at)


def note_check_in(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Follow a check-in of a business date."""
    key, occurred_at = f"check_in:{payload['checked_in_on']}", datetime.fromisoformat(payload["checked_in_at"])
    _note(session, container, CampaignEvent.CHECKED_IN, payload["member_id"], key, at, occurred_at=occurred_at)


def note_redemption(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Follow the use of a coupon, once however often it is undone and done again."""
    key = f"coupon:{payload['coupon_id']}"
    _note(session, container, CampaignEvent.COUPON_REDEEMED, payload["member_id"], key, at)


def note_promotion(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Follow a member to a higher level."""
    key = f"tier_change:{payload['change_id']}:{payload['to_level']}"
    _note(session, container, CampaignEvent.TIER_PROMOTED, payload["member_id"], key, at)


def note_friend(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Follow whoever invited a friend."""
    key = f"referral:{payload['referral_id']}"
    _note(session, container, CampaignEvent.FRIEND_QUALIFIED, payload["referrer_id"], key, at)


def note_follow(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Follow a member who follows an Official Account, once for each."""
    if payload["member_id"] is not None:
        key = f"identity:{payload['identity_id']}"
        _note(session, container, CampaignEvent.FOLLOWED, payload["member_id"], key, at)


def _act(container: Container, run_id: int, session: Session) -> int:
    at = container.clock.now()
    return acting.act_on_due(session, run_id=run_id, vault=container.vault, zone=container.zone, at=at)


def _note(
    session: Session,
    container: Container,
    event: CampaignEvent,
    member_id: int,
    key: str,
    at: datetime,
    *,
    occurred_at: datetime | None = None,
) -> None:
    note_event(
        session,
        vault=container.vault,
        event=event,
        member_id=member_id,
        key=key,
        occurred_at=occurred_at or at,
        at=at,
        zone=container.zone,
    )
