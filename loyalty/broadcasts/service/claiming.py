"""Claiming a group of members and marking them ``sending``, before WeChat is called.

Everything that may stand against a message is asked in this transaction, at this instant: the member's word, quiet
hours, caps, grants, windows and quotas. Locks: broadcast, recipients, counts, grants, windows, limits.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, select, update
from sqlalchemy.orm import Session

from loyalty.broadcasts.models import Attempt, Broadcast, MarketingCount, Recipient
from loyalty.broadcasts.queries.broadcasts import BroadcastView
from loyalty.broadcasts.queries.caps import is_full
from loyalty.broadcasts.queries.refusals import refusal_of
from loyalty.broadcasts.rules.channels import Channel
from loyalty.broadcasts.rules.policy import PushPolicy, is_quiet, marketing_quota
from loyalty.broadcasts.rules.states import AttemptState, BroadcastState, Reason, RecipientState
from loyalty.broadcasts.service.counting import count, uncount
from loyalty.broadcasts.service.leaving import leave_to_inbox, put_off
from loyalty.broadcasts.service.routing import Router, Way
from loyalty.channels.rules.templates import FilledTemplate
from loyalty.kernel.clock import business_date
from loyalty.kernel.database import AnyRow
from loyalty.limits import service as limits
from loyalty.notices import queries as notices
from loyalty.notices.rules import NoticeKind
from loyalty.notices.service.granted_pages import GrantUse, take_grants
from loyalty.notices.service.windows import take_windows


@dataclass(frozen=True, slots=True)
class Claim:
    """An attempt marked ``sending``, with all that the call to WeChat needs."""

    attempt_id: int
    channel: Channel
    appid: str
    openid: str
    message: FilledTemplate | None
    token: UUID


@dataclass(frozen=True, slots=True)
class Group:
    """What a claim found: how many members it dealt with, and which messages go now."""

    looked_at: int
    claims: Sequence[Claim]


NOTHING = Group(0, ())
_Chosen = dict[int, tuple[AnyRow, Way, int]]
"""By recipient: the member, the way, and the attempts made so far."""


def claim_group(
    session: Session, *, broadcast: BroadcastView, size: int, policy: PushPolicy, zone: ZoneInfo, at: datetime
) -> Group:
    """Take up to ``size`` members who are ready and mark those whose message goes now.

    Raises:
        LimitExhausted: another worker has just used what was left of a quota; nothing has changed.
    """
    if is_quiet(at, zone, notices.quiet_hours(session)):
        return NOTHING
    if not _hold_running(session, broadcast.id):
        return NOTHING
    people = _lock_ready(session, broadcast.id, size, is_full(policy, today=business_date(at, zone)), at)
    willing = _willing(session, people, at)
    router = Router(session, broadcast, willing, policy=policy, zone=zone, at=at)
    chosen = _routed(session, router, willing)
    chosen = _within_caps(session, chosen, policy, zone, at)
    chosen = _paid_for(session, chosen, zone, at)
    claims = _mark(session, chosen, at)
    _use_quota(session, chosen, policy, at)
    return Group(len(people), claims)


def _hold_running(session: Session, broadcast_id: int) -> bool:
    """Keep whoever pauses waiting until this transaction is over."""
    running = select(Broadcast.id).where(Broadcast.id == broadcast_id, Broadcast.state == BroadcastState.RUNNING)
    return session.scalar(running.with_for_update(read=True)) is not None


def _lock_ready(
    session: Session, broadcast_id: int, size: int, has_full_count: ColumnElement[bool], at: datetime
) -> Sequence[AnyRow]:
    row = Recipient
    picked = (
        select(row.id, row.member_id, row.token, row.counted_on, row.give_up_at)
        .where(row.broadcast_id == broadcast_id, row.state == RecipientState.READY, row.due_at <= at)
        .order_by(row.due_at, row.id)
        .limit(size)
        .with_for_update(skip_locked=True, key_share=True)
        .cte("picked")
    )
    is_capped = exists().where(picked.c.counted_on.is_(None), MarketingCount.member_id == picked.c.member_id)
    return session.execute(
        select(
            picked,
            refusal_of(picked.c.member_id, at=at).label("refusal"),
            is_capped.where(has_full_count).label("is_capped"),
        )
    ).all()


def _willing(session: Session, people: Sequence[AnyRow], at: datetime) -> Sequence[AnyRow]:
    """Leave to the inbox whom nothing may be sent any more; return the rest."""
    off = not notices.kind_settings(session, NoticeKind.CAMPAIGN).is_enabled
    left: dict[Reason, list[int]] = {}
    willing = []
    for one in people:
        reason = one.refusal or (Reason.SWITCHED_OFF if off else Reason.TOO_LATE if one.give_up_at <= at else None)
        if reason is None:
            willing.append(one)
        else:
            left.setdefault(Reason(reason), []).append(one.id)
    for reason, recipient_ids in left.items():
        leave_to_inbox(session, recipient_ids=recipient_ids, reason=reason)
    return willing


def _routed(session: Session, router: Router, people: Sequence[AnyRow]) -> _Chosen:
    """Choose a way for each; put off whose ways are all closed or used up for the day."""
    chosen: _Chosen = {}
    left: dict[Reason, list[int]] = {Reason.NO_WAY: [], Reason.NOT_SENT: []}
    later: dict[datetime, list[int]] = {}
    for one in people:
        route = router.route(recipient_id=one.id, member_id=one.member_id, is_capped=one.is_capped)
        if route.way is not None:
            chosen[one.id] = (one, route.way, route.steps)
        elif route.opens_at is not None:
            later.setdefault(route.opens_at, []).append(one.id)
        else:
            left[Reason.NOT_SENT if route.steps else Reason.NO_WAY].append(one.id)
    for reason, recipient_ids in left.items():
        leave_to_inbox(session, recipient_ids=recipient_ids, reason=reason)
    for opens_at, recipient_ids in later.items():
        put_off(session, recipient_ids=recipient_ids, until=opens_at)
    return chosen


def _within_caps(session: Session, chosen: _Chosen, policy: PushPolicy, zone: ZoneInfo, at: datetime) -> _Chosen:
    today = business_date(at, zone)
    uncounted = {recipient_id: one.member_id for recipient_id, (one, _way, _n) in chosen.items() if not one.counted_on}
    counted = count(session, member_ids=list(uncounted.values()), policy=policy, today=today)
    new = [recipient_id for recipient_id, member_id in uncounted.items() if member_id in counted]
    capped = uncounted.keys() - set(new)
    session.execute(
        update(Recipient)
        .where(Recipient.id.in_(new))
        .values(counted_on=today)
        .execution_options(synchronize_session=False)
    )
    leave_to_inbox(session, recipient_ids=capped, reason=Reason.CAPPED)
    return {recipient_id: row for recipient_id, row in chosen.items() if recipient_id not in capped}


def _paid_for(session: Session, chosen: _Chosen, zone: ZoneInfo, at: datetime) -> _Chosen:
    """Keep those whose grant or window is ours now; who lost it to another message looks for another way later."""
    uses, writes = [], []
    for recipient_id, (_one, way, _steps) in chosen.items():
        if way.message is None:
            writes.append(way.identity_id)
        else:
            uses.append(GrantUse(way.identity_id, way.message.template_id, _reference(recipient_id, at)))
    granted = take_grants(session, uses=uses, at=at)
    written = take_windows(session, identity_ids=writes, at=at) if writes else set()
    paid = {
        recipient_id: (one, way, steps)
        for recipient_id, (one, way, steps) in chosen.items()
        if (way.identity_id in written if way.message is None else _reference(recipient_id, at) in granted)
    }
    lost = {recipient_id: row for recipient_id, (row, _way, _n) in chosen.items() if recipient_id not in paid}
    _uncount(session, lost, business_date(at, zone))
    return paid


def _uncount(session: Session, lost: Mapping[int, AnyRow], today: date) -> None:
    if not lost:
        return
    uncount(session, counted={one.member_id: one.counted_on or today for one in lost.values()})
    session.execute(
        update(Recipient)
        .where(Recipient.id.in_(lost))
        .values(counted_on=None)
        .execution_options(synchronize_session=False)
    )


def _reference(recipient_id: int, at: datetime) -> str:
    """Return what a grant is taken for: a try, of which there is one at an instant."""
    return f"broadcast_recipient:{recipient_id}:{at.isoformat()}"


def _mark(session: Session, chosen: _Chosen, at: datetime) -> Sequence[Claim]:
    attempts = {
        recipient_id: _attempt(recipient_id, way, steps, at) for recipient_id, (_, way, steps) in chosen.items()
    }
    session.add_all(attempts.values())
    session.flush()
    for channel in {way.channel for _one, way, _steps in chosen.values()}:
        going = [recipient_id for recipient_id, (_one, way, _n) in chosen.items() if way.channel is channel]
        session.execute(
            update(Recipient)
            .where(Recipient.id.in_(going))
            .values(state=RecipientState.SENDING, channel=channel, reason=None)
            .execution_options(synchronize_session=False)
        )
    return [
        Claim(attempts[recipient_id].id, way.channel, way.appid, way.openid, way.message, one.token)
        for recipient_id, (one, way, _steps) in chosen.items()
    ]


def _attempt(recipient_id: int, way: Way, steps: int, at: datetime) -> Attempt:
    template_id = way.message.template_id if way.message else None
    if way.earlier is None:
        return Attempt(
            recipient_id=recipient_id,
            step=steps + 1,
            channel=way.channel.value,
            identity_id=way.identity_id,
            template_id=template_id,
            state=AttemptState.SENDING.value,
            tries=1,
            started_at=at,
        )
    way.earlier.state, way.earlier.tries = AttemptState.SENDING.value, way.earlier.tries + 1
    way.earlier.template_id, way.earlier.started_at, way.earlier.settled_at = template_id, at, None
    return way.earlier


def _use_quota(session: Session, chosen: _Chosen, policy: PushPolicy, at: datetime) -> None:
    used: Mapping[tuple[Channel, str], int] = Counter((way.channel, way.appid) for _one, way, _n in chosen.values())
    for (channel, appid), amount in sorted(used.items()):
        limits.reserve(session, limits=[marketing_quota(policy, channel, appid=appid, at=at)], amount=amount)
