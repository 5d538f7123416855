"""What a partner sees of a member (会员卡片), in one statement: masked, and nothing before they are introduced."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, bindparam, select, true
from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member
from loyalty.members.queries import LIVING, read_member
from loyalty.members.rules.members import MemberNotFound, MemberStatus
from loyalty.partners.rules.references import NamedMember, masked_name
from loyalty.points.queries import SUMMARY, PointsSummary, read_summary
from loyalty.tiers.queries import TIER, TierView, read_tier

MEMBERS = Member.__table__
_POINTS, _TIER = SUMMARY.subquery("points_now"), TIER.subquery("tier_now")
_CARD = (
    select(*MEMBERS.columns, *_POINTS.c, *_TIER.c)
    .select_from(MEMBERS.outerjoin(_POINTS, true()).join(_TIER, true()))
    .where(MEMBERS.c.id == bindparam("member_id", type_=BigInteger))
)
NOBODY = 0
"""No member's id: whose tier is the lowest and who has no points."""


@dataclass(frozen=True, slots=True)
class MemberCard:
    """A member as a till may see one."""

    status: MemberStatus
    name_masked: str | None
    phone_masked: str | None
    tier: TierView
    points_available: int
    can_spend: bool


def member_card(session: Session, *, vault: Vault, member: NamedMember, at: datetime) -> MemberCard:
    """Return what a key may see of a member; one not introduced looks like a newcomer, whoever it is.

    Raises:
        MemberNotFound: the member is gone.
    """
    row = session.execute(_CARD, {"member_id": member.member_id, "at": at}).first()
    if row is None:
        raise MemberNotFound
    view = read_member(row, vault)
    if not member.is_introduced:
        return MemberCard(
            MemberStatus.PROVISIONAL, None, view.phone_masked, _lowest_tier(session, at), 0, can_spend=False
        )
    points = PointsSummary() if row.balance is None else read_summary(row)
    return MemberCard(
        status=view.status,
        name_masked=masked_name(view.nickname),
        phone_masked=view.phone_masked,
        tier=read_tier(row),
        points_available=points.available,
        can_spend=view.status in LIVING,
    )


def _lowest_tier(session: Session, at: datetime) -> TierView:
    return read_tier(session.execute(TIER, {"member_id": NOBODY, "at": at}).one())
