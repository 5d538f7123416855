"""Whom a message would reach: one statement over all of them, whether ten or a million."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    String,
    Subquery,
    and_,
    case,
    func,
    literal_column,
    or_,
    select,
    true,
    union,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from loyalty.broadcasts.models import MarketingCount
from loyalty.broadcasts.queries.caps import is_full
from loyalty.broadcasts.queries.policy import current_policy
from loyalty.broadcasts.queries.refusals import refusing
from loyalty.broadcasts.queries.ways import accounts, ways
from loyalty.broadcasts.rules.channels import Channel, checked_channels
from loyalty.broadcasts.rules.policy import PushPolicy, marketing_quota
from loyalty.broadcasts.rules.reach import Reach
from loyalty.broadcasts.rules.states import REFUSALS, Reason
from loyalty.channels.models import MessageTemplate
from loyalty.channels.rules.templates import TemplateChannel
from loyalty.kernel.clock import business_date
from loyalty.limits import service as limits
from loyalty.members.models import Identity, Member, NoticePreference
from loyalty.members.queries import LIVING
from loyalty.members.rules.identities import IdentityKind
from loyalty.notices import queries as notices
from loyalty.notices.models import SubscriptionGrant
from loyalty.notices.rules import NoticeKind

_LIVING = [literal_column(f"'{status}'", String) for status in LIVING]


def reach(
    session: Session,
    *,
    members: Select[Any],
    channels: Sequence[Channel | str],
    at: datetime,
    zone: ZoneInfo,
    service_kinds: Sequence[NoticeKind] = (),
) -> Reach:
    """Return whom a message would reach if it went now (触达预估).

    ``members`` selects their ids in its first column, each once. ``service_kinds`` are notices that what a campaign
    gives brings about, such as that of a coupon: who can be told of one over WeChat is counted apart.

    Raises:
        InvalidBroadcastChannels: a channel twice, or one that may not carry marketing.
    """
    order = checked_channels(channels)
    policy = current_policy(session)
    pushed, reasons, quota = Counter[str](), Counter[Reason](), dict[str, int]()
    for row in session.execute(_judged(members, order, policy, _nobody(session, order), at, zone)):
        if row.channel is None:
            reasons[Reason(row.reason)] += row.members
            continue
        pushed[row.channel] += row.members
        limit = marketing_quota(policy, Channel(row.channel), appid=row.appid, at=at)
        quota[limit.entity] = max(0, limit.ceiling - limits.used(session, limit=limit))
    total, unreached = pushed.total() + reasons.total(), reasons.total()
    by_channel: dict[Channel, int] = {channel: pushed[channel] for channel in order}
    by_channel[Channel.INBOX] = total - sum(reasons[reason] for reason in REFUSALS)
    served = _served(session, members, service_kinds)
    return Reach(total, by_channel, unreached, dict(reasons), served, quota)


def _judged(
    members: Select[Any],
    order: tuple[Channel, ...],
    policy: PushPolicy,
    nobody: Reason | None,
    at: datetime,
    zone: ZoneInfo,
) -> Select[Any]:
    """Count members by the first way that is open to them, or by why none is; ``nobody`` holds for everybody."""
    wanted = members.subquery("wanted")
    member_id = wanted.c[0]
    first = _first_way(order, at)
    living = select(Member.id.label("member_id")).where(Member.status.in_(_LIVING)).subquery("living")
    known = accounts(order).distinct().subquery("known")
    capped = _capped(policy, at, zone).subquery("capped")
    refused = [(some.distinct().subquery(f"refusing_{why}"), why) for why, some in refusing(at)]
    joined: FromClause = wanted
    for one in (living, first, known, capped, *(some for some, _why in refused)):
        joined = joined.outerjoin(one, one.c.member_id == member_id)
    found: list[tuple[ColumnElement[bool], Reason]] = [(living.c.member_id.is_(None), Reason.GONE)]
    found += [(some.c.member_id.is_not(None), why) for some, why in refused]
    if nobody is not None:
        found.append((true(), nobody))
    found.append((known.c.member_id.is_(None), Reason.NO_ACCOUNT))
    found.append((first.c.member_id.is_(None), Reason.NO_WAY))
    found.append((capped.c.member_id.is_not(None), Reason.CAPPED))
    reason = case(*((is_so, literal_column(f"'{why}'", String)) for is_so, why in found))
    judged = (
        select(
            reason.label("reason"),
            case((reason.is_(None), first.c.channel)).label("channel"),
            case((reason.is_(None), first.c.appid)).label("appid"),
        )
        .select_from(joined)
        .subquery("judged")
    )
    return select(*judged.c, func.count().label("members")).group_by(*judged.c)


def _first_way(order: tuple[Channel, ...], at: datetime) -> Subquery:
    """Select each member's first way that is open."""
    open_ways = ways(order, at=at).subquery()
    return (
        select(open_ways)
        .ext(distinct_on(open_ways.c.member_id))
        .order_by(open_ways.c.member_id, open_ways.c.rank, open_ways.c.identity_id)
        .subquery("first_way")
    )


def _capped(policy: PushPolicy, at: datetime, zone: ZoneInfo) -> Select[Any]:
    """Select who has had as many marketing messages as a day or a week allows."""
    if not policy.messages_a_day or not policy.messages_a_week:
        return select(Member.id.label("member_id"))
    return select(MarketingCount.member_id).where(is_full(policy, today=business_date(at, zone)))


def _nobody(session: Session, order: tuple[Channel, ...]) -> Reason | None:
    """Return why nobody at all gets a push, if so."""
    if not notices.kind_settings(session, NoticeKind.CAMPAIGN).is_enabled:
        return Reason.SWITCHED_OFF
    return Reason.INBOX_ONLY if order == (Channel.INBOX,) else None


def _served(session: Session, members: Select[Any], kinds: Sequence[NoticeKind]) -> int:
    """Count the members to whom a service notice of one of these kinds can go over WeChat."""
    ways_of_each = [_ways_of(kind) for kind in kinds if notices.kind_settings(session, kind).is_enabled]
    if not ways_of_each:
        return 0
    wanted, reached = members.subquery("wanted"), union(*ways_of_each).subquery("reached")
    found = select(func.count()).select_from(wanted.join(reached, reached.c.member_id == wanted.c[0]))
    return session.scalar(found) or 0


def _ways_of(kind: NoticeKind) -> Select[Any]:
    template, grant, refusal = MessageTemplate, SubscriptionGrant, NoticePreference
    carries = and_(template.appid == Identity.appid, template.notice_kind == kind, template.is_enabled)
    pays = and_(grant.identity_id == Identity.id, grant.template_id == template.template_id, grant.balance > 0)
    follows = and_(
        Identity.kind == IdentityKind.OFFICIAL_ACCOUNT,
        Identity.is_following,
        template.channel == TemplateChannel.TEMPLATE,
    )
    granted = and_(template.channel == TemplateChannel.SUBSCRIPTION, grant.identity_id.is_not(None))
    refused = select(refusal.member_id).where(
        refusal.member_id == Identity.member_id, refusal.kind == kind, refusal.is_wanted.is_(False)
    )
    return (
        select(Identity.member_id)
        .join(template, carries)
        .outerjoin(grant, pays)
        .where(Identity.member_id.is_not(None), or_(follows, granted), ~refused.exists())
    )
