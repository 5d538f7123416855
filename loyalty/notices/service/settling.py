"""Writing down what became of a delivery: WeChat's answer, and later its report.

The answer of the call and the report of the push may come in either order.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.gateways.answers import SendOutcome, SendReason, SendState
from loyalty.kernel import outbox
from loyalty.members.models import Identity
from loyalty.members.service import note_unfollow
from loyalty.notices.models import Notice, NoticeDelivery
from loyalty.notices.rules import (
    POLICY,
    Channel,
    DeliveryNotYetKnown,
    DeliveryState,
    NoticeState,
)
from loyalty.notices.service.claiming import finish, lock_delivery
from loyalty.notices.service.grants import GrantSource, empty_grants, return_grant

REPORT_WAITS = timedelta(minutes=10)
"""A report whose message is still unknown after this long is not about a message of ours."""


class Verdict(StrEnum):
    """What to do after an answer."""

    DONE = "done"
    NEXT_WAY = "next_way"
    AGAIN_LATER = "again_later"


def settle(session: Session, *, delivery_id: int, outcome: SendOutcome, at: datetime) -> Verdict:
    """Write down WeChat's answer to an attempt and say what follows.

    A template message without an answer stays ``sending``: it is sent again once, under the same
    ``client_msg_id``, when it has become stale. A subscription message without an answer is
    ``unknown`` for good.
    """
    locked = lock_delivery(session, delivery_id)
    if locked is None or locked[1].state != DeliveryState.SENDING:
        return Verdict.DONE
    notice, delivery = locked
    delivery.provider_message_id = outcome.provider_message_id or delivery.provider_message_id
    delivery.reason = outcome.reason.value if outcome.reason else None
    delivery.errcode, delivery.detail = outcome.errcode, outcome.detail[:200] or None
    verdict = _concluded(session, notice, delivery, outcome, at)
    session.flush()
    return verdict


def note_report(
    session: Session,
    *,
    appid: str,
    openid: str,
    provider_message_id: str,
    is_delivered: bool,
    detail: str,
    reported_at: datetime,
    at: datetime,
) -> None:
    """Close a delivery by WeChat's report (``TEMPLATESENDJOBFINISH``, ``subscribe_msg_sent_event``).

    What was accepted and could not be delivered goes the next way. A second report changes nothing;
    one about a message that is not ours is ignored after a while.

    Raises:
        DeliveryNotYetKnown: the answer that carries the message's number is not stored yet.
    """
    locked = _lock_reported(session, appid, openid, provider_message_id)
    if locked is None:
        if at - reported_at > REPORT_WAITS:
            return
        raise DeliveryNotYetKnown(appid=appid, provider_message_id=provider_message_id)
    notice, delivery = locked
    if delivery.state not in (DeliveryState.SENDING, DeliveryState.SENT):
        return
    _settle_as(delivery, DeliveryState.DELIVERED if is_delivered else DeliveryState.FAILED, at)
    if not is_delivered:
        delivery.detail = detail[:200] or None
        _queue_again(session, notice, at)
    session.flush()


def queue_again(session: Session, *, delivery_id: int, at: datetime) -> None:
    """Ask anew for the notice of a delivery that left it unfinished."""
    locked = lock_delivery(session, delivery_id)
    if locked is not None:
        _queue_again(session, locked[0], at)
        session.flush()


def _lock_reported(
    session: Session, appid: str, openid: str, provider_message_id: str
) -> tuple[Notice, NoticeDelivery] | None:
    delivery_id = session.scalar(
        select(NoticeDelivery.id)
        .join(Identity, Identity.id == NoticeDelivery.identity_id)
        .where(
            NoticeDelivery.provider_message_id == provider_message_id,
            Identity.appid == appid,
            Identity.openid == openid,
        )
    )
    return None if delivery_id is None else lock_delivery(session, delivery_id)


def _concluded(
    session: Session, notice: Notice, delivery: NoticeDelivery, outcome: SendOutcome, at: datetime
) -> Verdict:
    if outcome.state is SendState.ACCEPTED:
        _settle_as(delivery, DeliveryState.SENT, at)
        finish(session, notice, at=at)
        return Verdict.DONE
    if outcome.state is SendState.UNKNOWN:
        return _without_answer(session, notice, delivery, at)
    _undo_grant(session, delivery, outcome, at)
    if outcome.reason is SendReason.NOT_FOLLOWING:
        _mark_unfollowed(session, delivery, at)
    if _is_worth_another_try(delivery, outcome):
        delivery.state = DeliveryState.QUEUED.value
        return Verdict.AGAIN_LATER
    is_refusal = outcome.state is SendState.REFUSED
    _settle_as(delivery, DeliveryState.REFUSED if is_refusal else DeliveryState.FAILED, at)
    return Verdict.NEXT_WAY


def _without_answer(session: Session, notice: Notice, delivery: NoticeDelivery, at: datetime) -> Verdict:
    if delivery.channel == Channel.SUBSCRIPTION:
        _settle_as(delivery, DeliveryState.UNKNOWN, at)
        finish(session, notice, at=at)
    return Verdict.DONE


def _is_worth_another_try(delivery: NoticeDelivery, outcome: SendOutcome) -> bool:
    return (
        outcome.state is SendState.FAILED_RETRY
        and outcome.reason is not SendReason.QUOTA_USED  # nothing more on this channel today
        and delivery.attempts < POLICY.attempts_max
    )


def _undo_grant(session: Session, delivery: NoticeDelivery, outcome: SendOutcome, at: datetime) -> None:
    if delivery.channel != Channel.SUBSCRIPTION:
        return
    identity_id, template_id = delivery.identity_id, delivery.template_id
    reference = f"delivery:{delivery.id}:{delivery.attempts}"
    if outcome.reason is SendReason.NO_GRANT:
        empty_grants(
            session,
            identity_id=identity_id,
            template_id=template_id,
            source=GrantSource.WITHDRAWN,
            reference=reference,
            at=at,
        )
    else:
        return_grant(session, identity_id=identity_id, template_id=template_id, reference=reference, at=at)


def _mark_unfollowed(session: Session, delivery: NoticeDelivery, at: datetime) -> None:
    identity = session.get_one(Identity, delivery.identity_id)
    note_unfollow(session, appid=identity.appid, openid=identity.openid, at=at)


def _settle_as(delivery: NoticeDelivery, state: DeliveryState, at: datetime) -> None:
    delivery.state, delivery.settled_at = state.value, at


def _queue_again(session: Session, notice: Notice, at: datetime) -> None:
    notice.state, notice.finished_at = NoticeState.QUEUED.value, None
    outbox.record(session, "notice.requested", {"notice_id": notice.id}, at=at)
