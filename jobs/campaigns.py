"""Campaigns (活动): what events set off, what the clock begins and ends, and the pages of their work."""

from datetime import datetime
from functools import partial

from jobs.pages import steps_of, steps_of_matching
from jobs.periodic import PeriodicRun
from loyalty.campaigns.rules.terms import CampaignEvent
from loyalty.campaigns.service import acting, entering, starting, telling, undoing
from loyalty.campaigns.service.triggers import note_event
from loyalty.container import Container
from loyalty.kernel.database import Json, Session
from loyalty.kernel.outbox import OutboxEvent
from loyalty.kernel.transaction import run
from loyalty.orders import queries as orders

enter = steps_of_matching(entering.enter_page)
"""Write down whom a run reaches."""
act = steps_of(acting.act_page)
"""Give the members of a run what the campaign gives."""
undo = steps_of(undoing.undo_page)
"""Take back what a campaign gave, as far as it is unused."""


def keep_time(periodic: PeriodicRun) -> Json:
    """End, start and resume what is due, and begin the runs of today; each of them in a transaction of its own."""
    database, zone, at = periodic.container.database, periodic.container.zone, periodic.container.clock.now()
    ended = [
        *run(database, lambda session: starting.end_over(session, at=at)),
        *run(database, lambda session: starting.end_done(session, at=at)),
    ]
    started = run(database, lambda session: starting.start_scheduled(session, at=at))
    begun = run(database, lambda session: starting.begin_due_runs(session, zone=zone, at=at))
    resumed = run(database, lambda session: starting.resume_held(session, at=at))
    return {
        "campaigns_ended": len(ended),
        "campaigns_started": len(started),
        "campaign_runs": len(begun),
        "campaigns_resumed": len(resumed),
    }


def act_on_due(periodic: PeriodicRun) -> Json:
    """Give what is due to those whom events have set off."""
    container = periodic.container
    at = container.clock.now()
    runs = run(container.database, lambda session: acting.runs_with_due(session, at=at))
    return {"entries": sum(periodic.in_pages(partial(_act, container, run_id)) for run_id in runs)}


def tell_given(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Tell members what a campaign gave them."""
    telling.tell_given(session, **payload, zone=container.zone, at=at)


def note_enrolment(session: Session, container: Container, told: OutboxEvent, at: datetime) -> None:
    """Follow a new member, once in its life."""
    _note(session, container, CampaignEvent.ENROLLED, told.payload["member_id"], "enrolled", told.recorded_at, at)


def note_order(session: Session, container: Container, told: OutboxEvent, at: datetime) -> None:
    """Follow a purchase, once however often it is corrected; what was paid before a campaign does not count."""
    order = orders.get_order(session, order_id=told.payload["order_id"])
    if order.member_id is not None and order.paid_at is not None:
        key = f"order:{order.id}"
        _note(session, container, CampaignEvent.PURCHASED, order.member_id, key, order.paid_at, at)


def note_check_in(session: Session, container: Container, told: OutboxEvent, at: datetime) -> None:
    """Follow a check-in of a business date."""
    payload = told.payload
    key, checked_in_at = f"check_in:{payload['checked_in_on']}", datetime.fromisoformat(payload["checked_in_at"])
    _note(session, container, CampaignEvent.CHECKED_IN, payload["member_id"], key, checked_in_at, at)


def note_redemption(session: Session, container: Container, told: OutboxEvent, at: datetime) -> None:
    """Follow the use of a coupon, once however often it is undone and done again."""
    key = f"coupon:{told.payload['coupon_id']}"
    _note(session, container, CampaignEvent.COUPON_REDEEMED, told.payload["member_id"], key, told.recorded_at, at)


def note_promotion(session: Session, container: Container, told: OutboxEvent, at: datetime) -> None:
    """Follow a member to a higher level."""
    key = f"tier_change:{told.payload['change_id']}:{told.payload['to_level']}"
    _note(session, container, CampaignEvent.TIER_PROMOTED, told.payload["member_id"], key, told.recorded_at, at)


def note_friend(session: Session, container: Container, told: OutboxEvent, at: datetime) -> None:
    """Follow whoever invited a friend."""
    key = f"referral:{told.payload['referral_id']}"
    _note(session, container, CampaignEvent.FRIEND_QUALIFIED, told.payload["referrer_id"], key, told.recorded_at, at)


def note_follow(session: Session, container: Container, told: OutboxEvent, at: datetime) -> None:
    """Follow a member who follows an Official Account, once for each."""
    if told.payload["member_id"] is not None:
        key = f"identity:{told.payload['identity_id']}"
        _note(session, container, CampaignEvent.FOLLOWED, told.payload["member_id"], key, told.recorded_at, at)


def _act(container: Container, run_id: int, session: Session) -> int:
    at = container.clock.now()
    return acting.act_on_due(session, run_id=run_id, vault=container.vault, zone=container.zone, at=at)


def _note(
    session: Session,
    container: Container,
    event: CampaignEvent,
    member_id: int,
    key: str,
    occurred_at: datetime,
    at: datetime,
) -> None:
    note_event(
        session,
        vault=container.vault,
        event=event,
        member_id=member_id,
        key=key,
        occurred_at=occurred_at,
        at=at,
        zone=container.zone,
    )
