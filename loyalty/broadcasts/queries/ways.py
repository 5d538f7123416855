"""Ways: through which identity and on which channel members can be written to now."""

from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Select, and_, cast, exists, literal_column, null, select, union_all
from sqlalchemy.types import String

from loyalty.broadcasts.rules.channels import Channel
from loyalty.channels.models import MessageTemplate
from loyalty.channels.rules.templates import TemplateChannel
from loyalty.members.models import Identity
from loyalty.members.rules.identities import IdentityKind
from loyalty.notices.models import CustomerWindow, SubscriptionGrant
from loyalty.notices.rules import NoticeKind

Instant = datetime | BindParameter[Any]


def ways(channels: tuple[Channel, ...], *, at: Instant) -> Select[Any]:
    """Select the ways that are open: member, identity, appid, openid, channel, its rank in the order, template.

    A member stands there once for each open way.
    """
    selects = {Channel.SUBSCRIPTION: _granted, Channel.CUSTOMER: _within_windows}
    parts = [selects[channel](rank, at) for rank, channel in enumerate(channels) if channel in selects] or [
        _granted(0, at).where(literal_column("false"))
    ]
    together = union_all(*parts).subquery("ways")
    return select(*together.c)


def accounts(channels: tuple[Channel, ...]) -> Select[Any]:
    """Select the members who are known through any account that one of the channels could use."""
    kinds = {IdentityKind.MINI_PROGRAM} if Channel.SUBSCRIPTION in channels else set()
    kinds |= set(IdentityKind) if Channel.CUSTOMER in channels else set()
    listed = [literal_column(f"'{kind}'", String) for kind in sorted(kinds)]
    return select(Identity.member_id).where(Identity.member_id.is_not(None), Identity.kind.in_(listed))


def _granted(rank: int, _at: Instant) -> Select[Any]:
    template, grant = MessageTemplate, SubscriptionGrant
    carries = and_(
        template.appid == Identity.appid,
        template.notice_kind == literal_column(f"'{NoticeKind.CAMPAIGN}'"),
        template.channel == literal_column(f"'{TemplateChannel.SUBSCRIPTION}'"),
        template.is_enabled,
    )
    pays = and_(
        grant.identity_id == Identity.id, grant.template_id == template.template_id, grant.balance > literal_column("0")
    )
    return (
        select(*_way(Channel.SUBSCRIPTION, rank), template.template_id.label("template_id"))
        .join(template, carries)
        .join(grant, pays)
        .where(Identity.kind == literal_column(f"'{IdentityKind.MINI_PROGRAM}'"), Identity.member_id.is_not(None))
    )


def _within_windows(rank: int, at: Instant) -> Select[Any]:
    window = CustomerWindow
    is_open = exists().where(
        window.identity_id == Identity.id, window.expires_at > at, window.remaining > literal_column("0")
    )
    return select(*_way(Channel.CUSTOMER, rank), cast(null(), String).label("template_id")).where(
        Identity.member_id.is_not(None), is_open
    )


def _way(channel: Channel, rank: int) -> tuple[Any, ...]:
    return (
        Identity.member_id,
        Identity.id.label("identity_id"),
        Identity.appid,
        Identity.openid,
        literal_column(f"'{channel}'", String).label("channel"),
        literal_column(str(rank)).label("rank"),
    )
