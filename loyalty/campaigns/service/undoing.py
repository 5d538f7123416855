"""Undoing a campaign (整体撤回): what it gave is taken back as far as it is unused, as one unit, in pages.

Points go as far as they are left in the very lots that the campaign opened; other points of the members are not
touched, and nobody owes anything. Coupons go unless they were used, are locked for an order or have lapsed; a tag only
where the campaign itself put it. What is found is kept for each member. Messages are not unsent, and what the
campaign's own limits counted stays counted: it is over.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Text, and_, cast, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.campaigns.models import CampaignEntry, CampaignTaking
from loyalty.campaigns.queries.campaigns import get_campaign, terms_of
from loyalty.campaigns.rules.entries import EntryState, TakingKind
from loyalty.campaigns.rules.errors import CampaignNotInState
from loyalty.campaigns.rules.terms import CampaignState, GiveCoupon, GivePoints, PutTag
from loyalty.campaigns.rules.works import Work, campaign_id_of, giver, undo_reference
from loyalty.campaigns.service.drafting import subject_of
from loyalty.campaigns.service.given import DoneEntry, GivenThing, asked, list_done, things
from loyalty.campaigns.service.life import close_undone
from loyalty.campaigns.service.tagging import take_tags
from loyalty.coupons.looking import read_terms
from loyalty.coupons.models import Coupon, CouponTemplateRevision
from loyalty.coupons.queries.templates import get_template
from loyalty.coupons.service.owners import owners_of
from loyalty.coupons.service.voiding_many import HELD, give_back_limits, hold_coupons, void_unused
from loyalty.kernel import audit, bulk
from loyalty.kernel.audit import Actor
from loyalty.kernel.bulk import BulkRun, PageDone
from loyalty.kernel.database import AnyRow
from loyalty.points import service as points
from loyalty.points.queries import find_posting
from loyalty.points.rules import EntryKind
from loyalty.points.service.batches import TakeBack, lock_accounts, take_back_many

PAGE_ROWS = 500
"""Members of a page, each with all that they were given."""
_Found = Mapping[DoneEntry, tuple[int, int]]
"""Of each entry what was taken back, and what had been used before."""


def undo(session: Session, *, campaign_id: int, actor: Actor, at: datetime) -> int:
    """Begin to undo an ended campaign (撤回); return the bulk run. Asking again changes nothing.

    Raises:
        CampaignNotFound: there is no such campaign.
        CampaignNotInState: it has not ended.
    """
    campaign, subject = get_campaign(session, campaign_id=campaign_id), subject_of(campaign_id)
    known = bulk.find_run(session, kind=Work.UNDO, subject=subject)
    if known is not None:
        return known.id
    if campaign.state is not CampaignState.ENDED:
        raise CampaignNotInState(state=campaign.state.value)
    members = _count_members(session, campaign_id)
    audit.write(session, actor=actor, action="campaigns.undo", subject=subject, after={"members": members}, at=at)
    return bulk.start(session, kind=Work.UNDO, subject=subject, total=members, at=at)


def undo_page(session: Session, run: BulkRun, *, zone: ZoneInfo, at: datetime) -> PageDone:
    """Take back what the next members were given; after the last of them the campaign is undone."""
    campaign_id = campaign_id_of(run.subject)
    member_ids = _next_members(session, campaign_id, run.cursor)
    entries = _entries(session, campaign_id, member_ids)
    survivors = _survivors(session, entries)
    found = {
        TakingKind.POINTS: _take_points(session, entries, survivors, at),
        TakingKind.COUPONS: _take_coupons(session, entries, zone, at),
        TakingKind.TAG: _take_tags(session, campaign_id, entries, survivors),
    }
    _keep(session, found, at)
    is_last = len(member_ids) < PAGE_ROWS
    if is_last:
        close_undone(session, campaign_id=campaign_id)
    return PageDone(
        cursor=member_ids[-1] if member_ids else run.cursor,
        rows=len(member_ids),
        is_last=is_last,
        figures=_figures(found),
    )


def _count_members(session: Session, campaign_id: int) -> int:
    mine = CampaignEntry.campaign_id == campaign_id, CampaignEntry.state == EntryState.DONE
    return session.scalars(select(func.count(CampaignEntry.member_id.distinct())).where(*mine)).one()


def _next_members(session: Session, campaign_id: int, after: int) -> Sequence[int]:
    entry = CampaignEntry
    following = select(entry.member_id).where(
        entry.campaign_id == campaign_id, entry.state == EntryState.DONE, entry.member_id > after
    )
    return session.scalars(following.distinct().order_by(entry.member_id).limit(PAGE_ROWS)).all()


def _entries(session: Session, campaign_id: int, member_ids: Sequence[int]) -> Sequence[DoneEntry]:
    if not member_ids:
        return []
    between = CampaignEntry.member_id.between(member_ids[0], member_ids[-1])
    return list_done(session, CampaignEntry.campaign_id == campaign_id, between)


def _survivors(session: Session, entries: Sequence[DoneEntry]) -> Mapping[int, int]:
    """Return into whom those who were given something have been merged since; nobody else is until all is taken."""
    owner_ids = sorted({entry.owner_id for entry in entries})
    if not owner_ids:
        return {}
    owners = owners_of(session, member_ids=owner_ids)
    return {one: owner_id for one, owner_id in owners.items() if owner_id != one}


def _take_points(session: Session, entries: Sequence[DoneEntry], survivors: Mapping[int, int], at: datetime) -> _Found:
    """Take back what is left of points; what a merge has moved of them is brought back first."""
    given = things(session, entries, GivePoints)
    if not given:
        return {}
    lock_accounts(session, member_ids=sorted({one.entry.owner_id for one in given} | set(survivors.values())))
    found: dict[DoneEntry, tuple[int, int]] = {}
    for each in _rounds(given):
        for one in each:
            if one.entry.owner_id in survivors:
                _recall(session, one, survivors[one.entry.owner_id], at)
        asked_for = {
            one.entry: TakeBack(one.entry.owner_id, one.reference, undo_reference(one.reference)) for one in each
        }
        taken = take_back_many(
            session,
            take_backs=list(asked_for.values()),
            explanation={"rule": "campaign", **_told(session, each[0].entry)},
            actor=giver(each[0].entry.campaign_id),
            at=at,
        )
        for entry, one_back in asked_for.items():
            back = taken.get(one_back)
            if back is not None:
                found[entry] = back.taken, back.undone - back.taken
    return found


def _rounds(given: Sequence[GivenThing]) -> Sequence[Sequence[GivenThing]]:
    """Split things so that each round names an account once, and one revision of the campaign."""
    places: Counter[tuple[int, int]] = Counter()
    rounds: defaultdict[tuple[int, int], list[GivenThing]] = defaultdict(list)
    for one in given:
        kind = one.entry.revision_id, one.entry.owner_id
        rounds[one.entry.revision_id, places[kind]].append(one)
        places[kind] += 1
    return list(rounds.values())


def _recall(session: Session, one: GivenThing, survivor_id: int, at: datetime) -> None:
    owner_id = one.entry.owner_id
    posting = find_posting(session, member_id=owner_id, kind=EntryKind.ADJUST, reference=one.reference)
    if posting is not None:
        points.recall(
            session,
            member_id=owner_id,
            entry_id=posting.entry_id,
            survivor_id=survivor_id,
            reference=undo_reference(one.reference),
            at=at,
            actor=giver(one.entry.campaign_id),
        )


def _told(session: Session, entry: DoneEntry) -> dict[str, object]:
    return {"campaign_id": entry.campaign_id, "title": terms_of(session, revision_id=entry.revision_id).title}


def _take_coupons(session: Session, entries: Sequence[DoneEntry], zone: ZoneInfo, at: datetime) -> _Found:
    """Void the coupons that can still be used, and give the limits of their templates back."""
    given = {(one.entry.owner_id, one.reference): one.entry for one in things(session, entries, GiveCoupon)}
    if not given:
        return {}
    row = asked()
    columns = (*HELD, Coupon.reference, Coupon.template_id, Coupon.revision_id, Coupon.store_id)
    is_given = and_(Coupon.member_id == row.c.owner_id, Coupon.reference == row.c.reference)
    sent_keys = {"owner_ids": [key[0] for key in given], "references": [key[1] for key in given]}
    found_in: Any = select(*columns).select_from(row).join(Coupon, is_given)
    coupons = hold_coupons(session, found_in.params(**sent_keys))
    kept = void_unused(session, coupons=coupons, at=at)
    _give_back(session, [one for one in coupons if one.id not in kept], zone)
    found: dict[DoneEntry, tuple[int, int]] = {}
    for one in coupons:
        entry = given[one.member_id, one.reference]
        taken, used = found.get(entry, (0, 0))
        found[entry] = (taken, used + 1) if one.id in kept else (taken + 1, used)
    return found


def _give_back(session: Session, coupons: Sequence[AnyRow], zone: ZoneInfo) -> None:
    groups: defaultdict[tuple[int, int, int], list[AnyRow]] = defaultdict(list)
    for one in coupons:
        groups[one.template_id, one.revision_id, one.store_id or 0].append(one)
    for template_id, revision_id, store_id in sorted(groups):
        stored = select(cast(CouponTemplateRevision.terms, Text)).where(CouponTemplateRevision.id == revision_id)
        give_back_limits(
            session,
            coupons=groups[template_id, revision_id, store_id],
            template_id=template_id,
            terms=read_terms(session.scalars(stored).one()),
            stock=get_template(session, template_id=template_id).stock,
            store_id=store_id or None,
            zone=zone,
        )


def _take_tags(
    session: Session, campaign_id: int, entries: Sequence[DoneEntry], survivors: Mapping[int, int]
) -> _Found:
    first = {survivors.get(entry.owner_id, entry.owner_id): entry for entry in reversed(entries)}
    revisions = {entry.revision_id for entry in entries}
    tag_ids = {
        action.tag_id
        for one in revisions
        for action in terms_of(session, revision_id=one).actions
        if isinstance(action, PutTag)
    }
    if not tag_ids:
        return {}
    gone = Counter(take_tags(session, tag_ids=sorted(tag_ids), member_ids=sorted(first), by=giver(campaign_id)))
    return {first[member_id]: (count, 0) for member_id, count in gone.items()}


def _keep(session: Session, found: Mapping[TakingKind, _Found], at: datetime) -> None:
    rows = [
        {
            "campaign_id": entry.campaign_id,
            "member_id": entry.member_id,
            "occurrence": entry.occurrence,
            "kind": kind.value,
            "taken": taken,
            "used": used,
            "taken_at": at,
        }
        for kind, each in found.items()
        for entry, (taken, used) in each.items()
    ]
    if rows:
        session.execute(insert(CampaignTaking).on_conflict_do_nothing(), rows)


def _figures(found: Mapping[TakingKind, _Found]) -> Mapping[str, int]:
    figures: Counter[str] = Counter()
    for kind, each in found.items():
        figures[f"{kind}_taken"] += sum(taken for taken, _used in each.values())
        figures[f"{kind}_used"] += sum(used for _taken, used in each.values())
    return {name: count for name, count in figures.items() if count}
