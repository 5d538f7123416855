"""Preview of an undo (撤回预览): what would be taken back at this moment, and what has been used."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Select, and_, func, literal, literal_column, select, true
from sqlalchemy.orm import Session

from loyalty.campaigns.models import CampaignEntry
from loyalty.campaigns.queries.campaigns import list_revisions
from loyalty.campaigns.rules.entries import EntryState
from loyalty.campaigns.rules.terms import Action, GiveCoupon, GivePoints, PutTag
from loyalty.campaigns.rules.works import giver
from loyalty.campaigns.service.given import OWNER, numbers_of
from loyalty.coupons.models import Coupon
from loyalty.coupons.rules.issue_jobs import Kept, kept_because
from loyalty.coupons.rules.states import CouponState, standing
from loyalty.members.models import Member
from loyalty.points.lots import FREE
from loyalty.points.moved_lots import list_moved_lots
from loyalty.points.posting import ENTRIES, LOTS
from loyalty.points.rules import EntryKind
from loyalty.tags.models import MemberTag

_MOMENT = timedelta(microseconds=1)
_ZERO = literal_column("0", BigInteger)


@dataclass(frozen=True, slots=True)
class UndoPreview:
    """What undoing would find at this moment."""

    members: int
    points_given: int
    points_left: int
    coupons_left: int
    coupons_kept: Mapping[Kept, int]
    """How many would stay as they are, and why."""
    tags: int

    @property
    def points_used(self) -> int:
        """What cannot be taken back any more: spent, held or expired."""
        return self.points_given - self.points_left

    @property
    def coupons_used(self) -> int:
        """How many coupons would stay as they are."""
        return sum(self.coupons_kept.values())


def preview_undo(session: Session, *, campaign_id: int, at: datetime) -> UndoPreview:
    """Tell what undoing a campaign would take back, and what has been used."""
    mine = CampaignEntry.campaign_id == campaign_id, CampaignEntry.state == EntryState.DONE
    given, left = _points(session, campaign_id)
    coupons = _coupons(session, campaign_id, at)
    return UndoPreview(
        members=session.scalars(select(func.count(CampaignEntry.member_id.distinct())).where(*mine)).one(),
        points_given=given,
        points_left=left,
        coupons_left=coupons.pop(None, 0),
        coupons_kept={kept: coupons[kept] for kept in Kept if coupons[kept]},
        tags=_tags(session, campaign_id),
    )


def _points(session: Session, campaign_id: int) -> tuple[int, int]:
    is_lot = and_(LOTS.c.member_id == ENTRIES.c.member_id, LOTS.c.entry_id == ENTRIES.c.id)
    sums = select(func.coalesce(func.sum(ENTRIES.c.points), _ZERO), func.coalesce(func.sum(FREE), _ZERO))
    given, left = session.execute(_with_postings(session, sums, campaign_id).outerjoin(LOTS, is_lot)).one()
    of_merged = select(LOTS.c.member_id, LOTS.c.id).where(Member.merged_into_id.is_not(None))
    owned = _with_postings(session, of_merged, campaign_id).join(Member, Member.id == ENTRIES.c.member_id)
    lots = session.execute(owned.join(LOTS, is_lot)).all()
    moved = list_moved_lots(session, member_ids=[lot.member_id for lot in lots], lot_ids=[lot.id for lot in lots])
    return int(given), int(left) + sum(lot.remaining for lot in moved)


def _with_postings(session: Session, found: Select[Any], campaign_id: int) -> Select[Any]:
    owner_id, reference, entries = _references(session, campaign_id, GivePoints)
    is_posting = and_(
        ENTRIES.c.member_id == owner_id,
        ENTRIES.c.kind == EntryKind.ADJUST.value,
        ENTRIES.c.reference == reference,
    )
    return found.select_from(entries).join(ENTRIES, is_posting)


def _coupons(session: Session, campaign_id: int, at: datetime) -> Counter[Kept | None]:
    owner_id, reference, entries = _references(session, campaign_id, GiveCoupon)
    is_bound, is_over = func.coalesce(Coupon.locked_until_at > at, False), Coupon.expires_at <= at
    counted = (
        select(Coupon.state, is_bound.label("is_bound"), is_over.label("is_over"), func.count().label("coupons_count"))
        .select_from(entries)
        .join(Coupon, and_(Coupon.member_id == owner_id, Coupon.reference == reference))
        .group_by(Coupon.state, is_bound, is_over)
    )
    found: Counter[Kept | None] = Counter()
    for row in session.execute(counted):
        stands = standing(
            state=CouponState(row.state),
            usable_at=at,
            expires_at=at if row.is_over else at + _MOMENT,
            locked_until_at=at + _MOMENT if row.is_bound else None,
            at=at,
        )
        found[kept_because(stands)] += row.coupons_count
    return found


def _tags(session: Session, campaign_id: int) -> int:
    put = {action.tag_id for action in _actions(session, campaign_id) if isinstance(action, PutTag)}
    mine = MemberTag.tag_id.in_(put), MemberTag.tagged_by == giver(campaign_id)
    return session.scalars(select(func.count()).where(*mine)).one() if put else 0


def _references(session: Session, campaign_id: int, kind: type[Action]) -> tuple[Any, Any, Any]:
    """Return who was given something of a kind, under which reference, and from where these are selected."""
    numbers = {
        number
        for revision in list_revisions(session, campaign_id=campaign_id)
        for number in numbers_of(revision.terms.actions, kind)
    }
    listed = literal(sorted(numbers), ARRAY(BigInteger))
    numbered = func.unnest(listed).table_valued("number", name="numbered").render_derived()
    found = (
        select(
            OWNER.label("owner_id"),
            func.concat(giver(campaign_id), ":", CampaignEntry.occurrence, ":", numbered.c.number).label("reference"),
        )
        .select_from(CampaignEntry)
        .join(numbered, true())
        .where(CampaignEntry.campaign_id == campaign_id, CampaignEntry.state == EntryState.DONE)
        .subquery("given")
    )
    return found.c.owner_id, found.c.reference, found


def _actions(session: Session, campaign_id: int) -> Sequence[Action]:
    return [
        action for revision in list_revisions(session, campaign_id=campaign_id) for action in revision.terms.actions
    ]
