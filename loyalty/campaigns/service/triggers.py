"""Triggers (触发): what members set off one by one, by what happens to them or by coming through an entrance."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import DateTime, Text, Update, and_, bindparam, cast, func, select, update
from sqlalchemy.orm import Session

from loyalty.campaigns.entrants import Reached, entrants
from loyalty.campaigns.models import Campaign, CampaignEntrance, CampaignEntry, CampaignRevision
from loyalty.campaigns.queries.campaigns import read_terms
from loyalty.campaigns.queries.pauses import was_paused
from loyalty.campaigns.rules.entries import EntryState, MissReason
from loyalty.campaigns.rules.taking_part import (
    CampaignCouponHeld,
    CampaignNotByVisit,
    CampaignNotForMember,
    CampaignTakenAlready,
    CampaignUsedUp,
)
from loyalty.campaigns.rules.terms import CampaignEvent, CampaignState, OnEvent, Visit
from loyalty.campaigns.rules.works import reference_of
from loyalty.campaigns.service.acting import act_on
from loyalty.campaigns.service.entering import Entering, enter, open_run
from loyalty.campaigns.service.holding import HeldCampaign, hold_campaign
from loyalty.campaigns.service.recipients import Entry
from loyalty.coupons.models import Coupon
from loyalty.kernel.clock import business_date
from loyalty.kernel.crypto import Vault
from loyalty.members.queries import family_ids, require_living, survivor_of
from loyalty.risk.queries.blocklist import is_blocked
from loyalty.risk.rules.subjects import Subject
from loyalty.segments.service.snapshots import written
from loyalty.segments.sources.parts import IdSpan

_REFUSALS = {
    MissReason.MEMBER_TIMES: CampaignTakenAlready,
    MissReason.MEMBER_GONE: CampaignTakenAlready,
    MissReason.COUPON_LIMIT: CampaignCouponHeld,
    MissReason.COUPON_NOT_FOR_MEMBER: CampaignNotForMember,
}
"""What a member who comes is told; any other limit means that it is used up."""


@dataclass(frozen=True, slots=True)
class TakenPart:
    """What a member got by taking part; whoever is held out gets nothing, and is counted all the same."""

    state: EntryState
    occurrence: str
    points: int = 0
    coupon_ids: tuple[int, ...] = ()


def note_event(
    session: Session,
    *,
    vault: Vault,
    event: CampaignEvent,
    member_id: int,
    key: str,
    occurred_at: datetime,
    at: datetime,
    zone: ZoneInfo,
) -> int:
    """Let a member enter every campaign that follows an event and is for them at this moment; return how many.

    ``key`` names what happened, for ever: told again, it counts once. However late it is told, what happened while a
    campaign ran sets it off, unless it has ended by now, and what happened before it began or in a pause does not. A
    delay counts from what happened.
    """
    owner_id, entered = survivor_of(session, member_id=member_id), 0
    happened = {"event": event.value, "occurred_at": occurred_at}
    for campaign_id, revision_id, document in session.execute(_FOLLOWING, happened):
        terms = read_terms(document)
        assert isinstance(terms.trigger, OnEvent)
        due_at = max(at, occurred_at + timedelta(minutes=terms.trigger.delay_minutes))
        run_id = open_run(session, campaign_id=campaign_id, revision_id=revision_id, at=at)
        found = entrants(
            terms, occurrence=f"event:{key}", reached=Reached(at, zone, vault), span=IdSpan(owner_id - 1, owner_id)
        )
        entered += enter(session, Entering(campaign_id, run_id, revision_id, terms, due_at, at), found)
    return entered


def take_part(
    session: Session,
    *,
    vault: Vault,
    campaign_id: int,
    member_id: int,
    entrance_id: int,
    at: datetime,
    zone: ZoneInfo,
) -> TakenPart:
    """Give a member who comes through an entrance of a campaign what it gives, at once: once a business date.

    A caller that is refused rolls back, and calls ``note_late`` if it was for want of anything to give. Whoever is held
    out is told no more than that nothing came of it.

    Raises:
        CampaignNotFound: there is no such campaign, or it was never published.
        CampaignNotByVisit: nobody takes part in it by an entrance.
        CampaignNotYet, CampaignPaused, CampaignOver: it gives nothing now.
        MemberNotFound, MemberGone, MemberProvisional: the member can take part in nothing.
        CampaignNotForMember: the member is not in its audience or not among those of its coupons, or is on the
            blocklist.
        CampaignTakenAlready: the member took part today, or as often as one may.
        CampaignCouponHeld: the member has as many of its coupon as one may have.
        CampaignUsedUp: a limit of the campaign or of its coupons has nothing left; the details name it.
    """
    campaign = hold_campaign(session, campaign_id=campaign_id)
    if not isinstance(campaign.terms.trigger, Visit):
        raise CampaignNotByVisit
    campaign.check_giving(at)
    require_living(session, member_id=member_id)
    if is_blocked(session, subject=Subject(member_id), at=at):
        raise CampaignNotForMember
    visit = _Visit(session, campaign, member_id, entrance_id, Reached(at, zone, vault))
    entry = visit.entry()
    if entry is None:
        return TakenPart(EntryState.HELD_OUT, visit.occurrence)
    act_on(session, campaign=campaign, run_id=visit.run_id, entries=[entry], zone=zone, at=at)
    return _outcome(session, campaign, entry)


def note_late(
    session: Session,
    *,
    vault: Vault,
    campaign_id: int,
    member_id: int,
    entrance_id: int,
    reason: MissReason,
    at: datetime,
    zone: ZoneInfo,
) -> None:
    """Write down who came through an entrance when nothing was left; in a transaction that the refusal leaves alone.

    Whoever is held out is written down however late they come, and both groups are compared by who came. So nobody is
    written down more often than one may take part, and nobody who would not have been given it otherwise.
    """
    campaign = hold_campaign(session, campaign_id=campaign_id)
    visit = _Visit(session, campaign, member_id, entrance_id, Reached(at, zone, vault))
    came = select(func.count()).where(CampaignEntry.campaign_id == campaign_id, CampaignEntry.member_id == member_id)
    if session.scalars(came).one() < campaign.terms.caps.times_a_member and visit.enter():
        missed = {"state": EntryState.MISSED, "missed": reason, "done_at": at}
        session.execute(visit.change(EntryState.WAITING, missed))


class _Visit:
    """A member who comes through an entrance on a business date."""

    def __init__(
        self, session: Session, campaign: HeldCampaign, member_id: int, entrance_id: int, reached: Reached
    ) -> None:
        self._session, self._member_id, self._at = session, member_id, reached.at
        self._campaign, self._entrance = campaign, session.get_one(CampaignEntrance, entrance_id)
        self.occurrence = f"visit:{business_date(reached.at, reached.zone).isoformat()}"
        span = IdSpan(member_id - 1, member_id)
        self._found = entrants(campaign.terms, occurrence=self.occurrence, reached=reached, span=span)
        entry = CampaignEntry
        self._is_it = and_(
            entry.campaign_id == campaign.id, entry.member_id == member_id, entry.occurrence == self.occurrence
        )

    @cached_property
    def run_id(self) -> int:
        """The run to which it belongs."""
        revision_id = self._campaign.revision_id
        return open_run(self._session, campaign_id=self._campaign.id, revision_id=revision_id, at=self._at)

    def enter(self) -> bool:
        """Write down that the member comes; whether it is the first time that day, and one more is open to them."""
        campaign, entrance, at = self._campaign, self._entrance, self._at
        entering = Entering(
            campaign.id, self.run_id, campaign.revision_id, campaign.terms, at, at,
            entrance_id=entrance.id, store_id=entrance.store_id,
        )  # fmt: skip
        return enter(self._session, entering, self._found) > 0

    def entry(self) -> Entry | None:
        """Enter; return the entry to be given what there is, or None for one that is held out.

        Who came that day when nothing was left tries again.

        Raises:
            CampaignTakenAlready, CampaignNotForMember: the member does not enter.
        """
        if not self.enter() and not self._try_again():
            raise CampaignTakenAlready
        row = self._session.execute(select(CampaignEntry.state, CampaignEntry.store_id).where(self._is_it)).one()
        if row.state == EntryState.HELD_OUT:
            return None
        return Entry(self._member_id, self.occurrence, self._campaign.revision_id, row.store_id, self._entrance.id)

    def change(self, before: EntryState, values: Mapping[str, Any]) -> Update:
        """Say how the member's entry changes, if that is how it stands."""
        return update(CampaignEntry).where(self._is_it, CampaignEntry.state == before).values(**values)

    def _try_again(self) -> bool:
        if self._session.execute(self._found).first() is None:
            raise CampaignNotForMember
        here = {"entrance_id": self._entrance.id, "store_id": self._entrance.store_id}
        waiting = {"state": EntryState.WAITING, "missed": None, "done_at": None}
        again = {**waiting, "revision_id": self._campaign.revision_id, **here}
        return written(self._session, self.change(EntryState.MISSED, again)) > 0


def _outcome(session: Session, campaign: HeldCampaign, entry: Entry) -> TakenPart:
    """Tell what came of an entry.

    Raises:
        CampaignTakenAlready, CampaignCouponHeld, CampaignNotForMember, CampaignUsedUp: the member went without.
    """
    mine = select(CampaignEntry.state, CampaignEntry.missed, CampaignEntry.points).where(
        CampaignEntry.campaign_id == campaign.id,
        CampaignEntry.member_id == entry.member_id,
        CampaignEntry.occurrence == entry.occurrence,
    )
    row = session.execute(mine).one()
    if row.missed is not None:
        refusal = _REFUSALS.get(MissReason(row.missed))
        raise refusal() if refusal is not None else CampaignUsedUp(limit=row.missed)
    references = [reference_of(campaign.id, entry.occurrence, number) for number in range(len(campaign.terms.actions))]
    coupons = select(Coupon.id).where(
        Coupon.member_id.in_(family_ids(entry.member_id)), Coupon.reference.in_(references)
    )
    return TakenPart(
        EntryState(row.state), entry.occurrence, row.points, tuple(session.scalars(coupons.order_by(Coupon.id)))
    )


_OCCURRED_AT = bindparam("occurred_at", type_=DateTime(timezone=True))
_FOLLOWING = (
    select(Campaign.id, CampaignRevision.id, cast(CampaignRevision.terms, Text))
    .join(CampaignRevision, CampaignRevision.id == Campaign.revision_id)
    .where(
        Campaign.state.in_([CampaignState.RUNNING, CampaignState.PAUSED]),
        Campaign.started_at <= _OCCURRED_AT,
        ~was_paused(_OCCURRED_AT),
        CampaignRevision.terms["trigger"]["event"].astext == bindparam("event", type_=Text),
    )
    .order_by(Campaign.id)
)
