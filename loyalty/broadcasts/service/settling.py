"""Writing down what became of attempts: WeChat's answers, answers that never came, and later its reports."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.broadcasts.models import Attempt, Broadcast, ChannelClosure, Recipient
from loyalty.broadcasts.rules.channels import Channel
from loyalty.broadcasts.rules.policy import AGAIN_AFTER, ATTEMPTS_MAX, STALE_AFTER, next_quota_at
from loyalty.broadcasts.rules.states import AttemptState, BroadcastState, RecipientState
from loyalty.broadcasts.service.counting import uncount
from loyalty.broadcasts.service.waking import wake
from loyalty.gateways.answers import SendOutcome, SendReason, SendState
from loyalty.members.models import Identity
from loyalty.notices.service.granted_pages import GrantUse, return_grants
from loyalty.notices.service.grants import GrantSource, empty_grants
from loyalty.notices.service.windows import close_windows

log = structlog.get_logger("broadcasts")

_CLOSING = frozenset({SendReason.QUOTA_USED, SendReason.NOT_PERMITTED})
"""The platform lets nothing more through on this channel of this account."""
_WRONG_FOR_ALL = frozenset({SendReason.TEMPLATE_UNKNOWN, SendReason.VALUE_REFUSED, SendReason.PAGE_UNKNOWN})
"""What everybody's message has wrong: the broadcast stands still until somebody looks."""


def settle(session: Session, *, outcomes: Mapping[int, SendOutcome], at: datetime) -> None:
    """Write down WeChat's answers, by attempt.

    What was accepted, or may have been, is done. What was surely not sent gives back its grant and its count, and
    goes again or the next way. An answer that comes after the attempt was given up counts only if it is good.
    """
    rows = session.execute(
        select(Attempt, Recipient, Identity.appid)
        .join(Recipient, Recipient.id == Attempt.recipient_id)
        .join(Identity, Identity.id == Attempt.identity_id)
        .where(Attempt.id.in_(outcomes), Attempt.state.in_((AttemptState.SENDING, AttemptState.UNKNOWN)))
        .order_by(Recipient.id)
        .with_for_update(of=(Recipient, Attempt), key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    unsent = []
    for attempt, recipient, appid in rows:
        outcome = outcomes[attempt.id]
        if outcome.state in (SendState.ACCEPTED, SendState.UNKNOWN):
            _conclude(attempt, recipient, outcome, at)
        elif attempt.state == AttemptState.SENDING:
            _go_on(session, attempt, recipient, appid, outcome, at)
            unsent.append((attempt, recipient, outcome))
    session.flush()
    _give_back(session, unsent, at)


def resolve_stale(session: Session, *, at: datetime) -> int:
    """Give up attempts whose worker died: they may have gone, and are never made again; return how many."""
    given_up = session.scalars(
        update(Attempt)
        .where(Attempt.state == AttemptState.SENDING, Attempt.started_at < at - STALE_AFTER)
        .values(state=AttemptState.UNKNOWN, settled_at=at)
        .returning(Attempt.recipient_id)
        .execution_options(synchronize_session=False)
    ).all()
    session.execute(
        update(Recipient)
        .where(Recipient.id.in_(given_up), Recipient.state == RecipientState.SENDING)
        .values(state=RecipientState.SENT)
        .execution_options(synchronize_session=False)
    )
    return len(given_up)


def note_report(
    session: Session,
    *,
    appid: str,
    openid: str,
    provider_message_id: str,
    is_delivered: bool,
    detail: str,
    at: datetime,
) -> bool:
    """Close an attempt by WeChat's report (``subscribe_msg_sent_event``); False when the message is none of ours.

    What was accepted and could not be delivered goes the next way. A second report changes nothing.
    """
    found = session.execute(
        select(Attempt, Recipient)
        .join(Recipient, Recipient.id == Attempt.recipient_id)
        .join(Identity, Identity.id == Attempt.identity_id)
        .where(Attempt.provider_message_id == provider_message_id, Identity.appid == appid, Identity.openid == openid)
        .with_for_update(of=(Recipient, Attempt), key_share=True)
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        return False
    attempt, recipient = found
    if attempt.state not in (AttemptState.SENT, AttemptState.UNKNOWN):
        return True
    attempt.state = AttemptState.DELIVERED if is_delivered else AttemptState.FAILED
    attempt.settled_at = at
    if not is_delivered:
        attempt.detail, recipient.state = detail[:200] or None, RecipientState.READY
        session.flush()
        _uncount(session, [recipient])
        wake(session, broadcast_id=recipient.broadcast_id, at=at)
    session.flush()
    return True


def _conclude(attempt: Attempt, recipient: Recipient, outcome: SendOutcome, at: datetime) -> None:
    is_sent = outcome.state is SendState.ACCEPTED
    attempt.state = AttemptState.SENT if is_sent else AttemptState.UNKNOWN
    attempt.provider_message_id, attempt.settled_at = outcome.provider_message_id, at
    _describe(attempt, outcome)
    recipient.state = RecipientState.SENT


def _go_on(
    session: Session, attempt: Attempt, recipient: Recipient, appid: str, outcome: SendOutcome, at: datetime
) -> None:
    """Decide what follows an attempt that was surely not sent."""
    attempt.settled_at, recipient.state = at, RecipientState.READY
    _describe(attempt, outcome)
    if outcome.reason in _CLOSING:
        attempt.state = AttemptState.AGAIN
        _close(session, appid, attempt.channel, outcome, at)
    elif outcome.state is SendState.FAILED_RETRY and attempt.tries < ATTEMPTS_MAX:
        attempt.state, recipient.state, recipient.due_at = AttemptState.AGAIN, RecipientState.WAITING, at + AGAIN_AFTER
    elif outcome.reason in _WRONG_FOR_ALL:
        attempt.state, attempt.tries = AttemptState.AGAIN, 0
        _stand_still(session, recipient.broadcast_id, outcome)
    else:
        is_refusal = outcome.state is SendState.REFUSED
        attempt.state = AttemptState.REFUSED if is_refusal else AttemptState.FAILED


def _describe(attempt: Attempt, outcome: SendOutcome) -> None:
    attempt.reason = outcome.reason.value if outcome.reason else None
    attempt.errcode, attempt.detail = outcome.errcode, outcome.detail[:200] or None


def _close(session: Session, appid: str, channel: str, outcome: SendOutcome, at: datetime) -> None:
    """Send nothing more over a channel of an account until the platform's next day."""
    values = {"reopens_at": next_quota_at(at), "reason": outcome.reason, "closed_at": at}
    session.execute(
        insert(ChannelClosure)
        .values(appid=appid, channel=channel, **values)
        .on_conflict_do_update(index_elements=["appid", "channel"], set_=values)
    )
    log.critical("channel_closed", appid=appid, channel=channel, reason=outcome.reason, errcode=outcome.errcode)


def _stand_still(session: Session, broadcast_id: int, outcome: SendOutcome) -> None:
    session.execute(
        update(Broadcast)
        .where(Broadcast.id == broadcast_id, Broadcast.state == BroadcastState.RUNNING)
        .values(state=BroadcastState.PAUSED, error=outcome.reason)
        .execution_options(synchronize_session=False)
    )
    log.critical("broadcast_refused", broadcast_id=broadcast_id, reason=outcome.reason, errcode=outcome.errcode)


def _give_back(session: Session, unsent: Sequence[tuple[Attempt, Recipient, SendOutcome]], at: datetime) -> None:
    _uncount(session, [recipient for _attempt, recipient, _outcome in unsent])
    by_grant = [(attempt, outcome) for attempt, _r, outcome in unsent if attempt.channel == Channel.SUBSCRIPTION]
    for attempt, outcome in sorted(by_grant, key=lambda one: one[0].identity_id):
        if outcome.reason is SendReason.NO_GRANT:
            empty_grants(
                session,
                identity_id=attempt.identity_id,
                template_id=str(attempt.template_id),
                source=GrantSource.WITHDRAWN,
                reference=_reference(attempt),
                at=at,
            )
    uses = [
        GrantUse(attempt.identity_id, str(attempt.template_id), _reference(attempt))
        for attempt, outcome in by_grant
        if outcome.reason is not SendReason.NO_GRANT
    ]
    return_grants(session, uses=uses, at=at)
    closed = [attempt.identity_id for attempt, _r, outcome in unsent if outcome.reason is SendReason.WINDOW_CLOSED]
    close_windows(session, identity_ids=closed)


def _reference(attempt: Attempt) -> str:
    return f"broadcast_attempt:{attempt.id}:{attempt.started_at.isoformat()}"


def _uncount(session: Session, recipients: Sequence[Recipient]) -> None:
    uncount(session, counted={one.member_id: one.counted_on for one in recipients if one.counted_on is not None})
    for one in recipients:
        one.counted_on = None
    session.flush()
