"""Through which accounts of WeChat members are known, and by which ways they can be reached now."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, select, union_all
from sqlalchemy.orm import aliased

from loyalty.channels.models import MessageTemplate
from loyalty.members.models import Consent, Identity, Member, NoticePreference
from loyalty.members.rules.consents import Purpose
from loyalty.members.rules.identities import IdentityKind
from loyalty.notices.models import CustomerWindow, SubscriptionGrant
from loyalty.segments.rules import fact_types as types
from loyalty.segments.sources.parts import Asked, Who

NOTICE_KIND = "campaign"
"""The kind under which members refuse messages of campaigns, and under which templates are mapped for them."""

_IS_FOLLOWING = and_(Identity.kind == IdentityKind.OFFICIAL_ACCOUNT, Identity.is_following)


def bound_through(fact: types.BoundThrough, _asked: Asked) -> Who:
    """Who is bound through an account of one of these kinds."""
    return Who(_identities(Identity.kind.in_(sorted(fact.kinds))))


def following(fact: types.Following, _asked: Asked) -> Who:
    """Who follows one of these accounts, or any."""
    followed = _identities(_IS_FOLLOWING)
    return Who(followed.where(Identity.appid.in_(sorted(fact.appids))) if fact.appids else followed)


def reachable(fact: types.Reachable, asked: Asked) -> Who:
    """Who can be reached now by one of these ways, and has not refused messages of campaigns."""
    ways = union_all(*(_WAYS[way](asked) for way in sorted(fact.ways))).subquery()
    member_id = ways.c.member_id
    return Who(select(member_id).where(*(~refused for refused in _refusals(member_id))))


def _identities(which: ColumnElement[bool]) -> Select[Any]:
    return select(Identity.member_id).where(Identity.member_id.is_not(None), which)


def _granted(_asked: Asked) -> Select[Any]:
    grant, template = SubscriptionGrant, MessageTemplate
    return (
        _identities(Identity.kind == IdentityKind.MINI_PROGRAM)
        .join(grant, and_(grant.identity_id == Identity.id, grant.balance > 0))
        .join(
            template,
            and_(
                template.appid == Identity.appid,
                template.template_id == grant.template_id,
                template.channel == "subscription",
                template.notice_kind == NOTICE_KIND,
                template.is_enabled,
            ),
        )
    )


def _within_windows(asked: Asked) -> Select[Any]:
    window = CustomerWindow
    return _identities(
        exists().where(window.identity_id == Identity.id, window.expires_at > asked.at, window.remaining > 0)
    )


_WAYS: Mapping[types.Way, Callable[[Asked], Select[Any]]] = {
    types.Way.SUBSCRIPTION: _granted,
    types.Way.CUSTOMER: _within_windows,
    types.Way.TEMPLATE: lambda _asked: _identities(_IS_FOLLOWING),
    types.Way.INBOX: lambda _asked: select(Member.id.label("member_id")),
}


def _refusals(member_id: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    """Return what stands against any message of a campaign: the kind refused, or the consent withdrawn."""
    preference, withdrawn, standing = NoticePreference, Consent, aliased(Consent)
    is_marketing = withdrawn.purpose == Purpose.MARKETING
    stands = exists().where(
        standing.member_id == withdrawn.member_id,
        standing.purpose == withdrawn.purpose,
        standing.withdrawn_at.is_(None),
    )
    return [
        exists().where(
            preference.member_id == member_id, preference.kind == NOTICE_KIND, preference.is_wanted.is_(False)
        ),
        exists().where(withdrawn.member_id == member_id, is_marketing, withdrawn.withdrawn_at.is_not(None), ~stands),
    ]
