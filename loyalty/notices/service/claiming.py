"""Choosing how a notice goes out next, and marking it ``sending`` before WeChat is called.

A claim is one transaction: it holds the notice's row, so that two workers never send the same one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from loyalty.channels import queries as channels
from loyalty.channels.rules.templates import FilledTemplate
from loyalty.kernel.clock import business_date, start_of
from loyalty.members import queries as members
from loyalty.members.models import Identity
from loyalty.notices import queries, rules
from loyalty.notices.models import Notice, NoticeDelivery
from loyalty.notices.rules import POLICY, Channel, DeliveryState, NoticeKind, NoticeState
from loyalty.notices.service.grants import take_grant


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery marked ``sending``, with all that the call to WeChat needs."""

    delivery_id: int
    channel: Channel
    appid: str
    openid: str
    message: FilledTemplate

    @property
    def client_msg_id(self) -> str:
        """What WeChat recognises a repeated template message by; the same for every attempt."""
        return f"delivery-{self.delivery_id}"


@dataclass(frozen=True, slots=True)
class _Route:
    channel: Channel
    identity: Identity
    message: FilledTemplate


def claim_next(session: Session, *, notice_id: int, zone: ZoneInfo, at: datetime) -> Claim | None:
    """Take the next way a notice can go and mark it ``sending``.

    None when there is nothing to do now: it is finished, held back until later, being sent by
    another worker, or left to the inbox because no way is open.
    """
    notice = _lock(session, notice_id)
    if notice is None or notice.state != NoticeState.QUEUED:
        return None
    tried = _deliveries_of(session, notice)
    if any(delivery.state == DeliveryState.SENDING for delivery in tried):
        return None
    if _is_held(session, notice, zone, at):
        return None
    if members.wants(session, member_id=notice.member_id, kind=notice.kind):
        for route in _routes(session, notice, tried, zone):
            claim = _take(session, notice, route, tried, at)
            if claim is not None:
                return claim
    finish(session, notice, at=at)
    return None


def claim_stale(session: Session, *, delivery_id: int, zone: ZoneInfo, at: datetime) -> Claim | None:
    """Decide on an attempt that has had no answer for too long.

    A template message is sent once more while WeChat still recognises its ``client_msg_id``;
    anything else becomes ``unknown`` and is never sent again, since two messages are worse than one
    that may be missing: the inbox message stands.
    """
    locked = lock_delivery(session, delivery_id)
    if locked is None:
        return None
    notice, delivery = locked
    if delivery.state != DeliveryState.SENDING:
        return None
    if (delivery.resent_at or delivery.started_at) > at - POLICY.stale_after:
        return None
    route = _route_again(session, notice, delivery, zone) if _may_resend(delivery, at) else None
    if route is None:
        delivery.state, delivery.settled_at = DeliveryState.UNKNOWN.value, at
        finish(session, notice, at=at)
        return None
    delivery.resent_at = at
    delivery.attempts += 1
    session.flush()
    return _claim_of(delivery, route)


def lock_delivery(session: Session, delivery_id: int) -> tuple[Notice, NoticeDelivery] | None:
    """Return a notice and its delivery, locked in this order as everywhere."""
    notice_id = session.scalar(select(NoticeDelivery.notice_id).where(NoticeDelivery.id == delivery_id))
    notice = _lock(session, notice_id) if notice_id is not None else None
    if notice is None:
        return None
    delivery = session.get_one(NoticeDelivery, delivery_id, with_for_update={"key_share": True}, populate_existing=True)
    return notice, delivery


def finish(session: Session, notice: Notice, *, at: datetime) -> None:
    """Note that nothing more is tried over WeChat; the inbox message stands."""
    notice.state, notice.finished_at, notice.due_at = NoticeState.FINISHED.value, at, None
    session.flush()
    session.execute(
        update(NoticeDelivery)
        .where(NoticeDelivery.notice_id == notice.id, NoticeDelivery.state == DeliveryState.QUEUED)
        .values(state=DeliveryState.FAILED.value, settled_at=at)
    )


def _lock(session: Session, notice_id: int) -> Notice | None:
    return session.get(Notice, notice_id, with_for_update={"key_share": True}, populate_existing=True)


def _deliveries_of(session: Session, notice: Notice) -> Sequence[NoticeDelivery]:
    return session.scalars(
        select(NoticeDelivery).where(NoticeDelivery.notice_id == notice.id).execution_options(populate_existing=True)
    ).all()


def _is_held(session: Session, notice: Notice, zone: ZoneInfo, at: datetime) -> bool:
    if notice.due_at is not None and notice.due_at > at:
        return True
    if at - notice.requested_at > POLICY.held_at_most:
        finish(session, notice, at=at)
        return True
    today = start_of(business_date(at, zone), zone)
    sent_today = queries.count_messages_since(session, member_id=notice.member_id, since=today)
    quiet = queries.quiet_hours(session)
    notice.due_at = rules.held_until(acted_at=notice.acted_at, sent_today=sent_today, quiet=quiet, zone=zone, at=at)
    session.flush()
    return notice.due_at is not None


def _routes(session: Session, notice: Notice, tried: Sequence[NoticeDelivery], zone: ZoneInfo) -> Iterator[_Route]:
    """Yield the ways that are open, in the order headquarters set; those tried in vain left out."""
    closed = {(delivery.channel, delivery.identity_id) for delivery in tried if delivery.state != DeliveryState.QUEUED}
    identities = members.identities_of(session, member_id=notice.member_id)
    for channel in queries.kind_settings(session, NoticeKind(notice.kind)).channels:
        for identity in identities:
            if (channel.value, identity.id) in closed or not _is_reachable(identity, channel):
                continue
            message = _filled(session, notice, identity.appid, channel, zone)
            if message is not None:
                yield _Route(channel, identity, message)


def _is_reachable(identity: Identity, channel: Channel) -> bool:
    if channel is Channel.TEMPLATE:
        return identity.kind == "oa" and identity.is_following
    return channel is Channel.SUBSCRIPTION and identity.kind == "mp"


def _filled(session: Session, notice: Notice, appid: str, channel: Channel, zone: ZoneInfo) -> FilledTemplate | None:
    facts = rules.display(NoticeKind(notice.kind), notice.facts, zone=zone)
    return channels.fill_template(session, appid=appid, kind=notice.kind, channel=channel.value, facts=facts)


def _take(
    session: Session, notice: Notice, route: _Route, tried: Sequence[NoticeDelivery], at: datetime
) -> Claim | None:
    ways = {(delivery.channel, delivery.identity_id): delivery for delivery in tried}
    earlier = ways.get((route.channel.value, route.identity.id))
    attempt = earlier.attempts + 1 if earlier else 1
    if route.channel is Channel.SUBSCRIPTION and not take_grant(
        session,
        identity_id=route.identity.id,
        template_id=route.message.template_id,
        reference=f"notice:{notice.id}:{attempt}",
        at=at,
    ):
        return None
    delivery = earlier or _new_delivery(session, notice, route)
    delivery.state, delivery.started_at, delivery.resent_at = DeliveryState.SENDING.value, at, None
    delivery.attempts, delivery.template_id = attempt, route.message.template_id
    session.flush()
    return _claim_of(delivery, route)


def _new_delivery(session: Session, notice: Notice, route: _Route) -> NoticeDelivery:
    delivery = NoticeDelivery(
        notice_id=notice.id,
        member_id=notice.member_id,
        identity_id=route.identity.id,
        channel=route.channel.value,
    )
    session.add(delivery)
    return delivery


def _claim_of(delivery: NoticeDelivery, route: _Route) -> Claim:
    return Claim(delivery.id, route.channel, route.identity.appid, route.identity.openid, route.message)


def _may_resend(delivery: NoticeDelivery, at: datetime) -> bool:
    return (
        delivery.channel == Channel.TEMPLATE
        and delivery.resent_at is None
        and at - delivery.started_at < POLICY.resend_within
    )


def _route_again(session: Session, notice: Notice, delivery: NoticeDelivery, zone: ZoneInfo) -> _Route | None:
    identity = session.get_one(Identity, delivery.identity_id)
    message = _filled(session, notice, identity.appid, Channel(delivery.channel), zone)
    return _Route(Channel(delivery.channel), identity, message) if message is not None else None
