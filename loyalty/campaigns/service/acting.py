"""Acting (执行发放): those who wait for what a campaign gives are given it, page by page, once it is due.

A page is one transaction: the entries say afterwards what became of each member, so that whoever goes on begins with
those who still wait, and nobody is given anything twice. A paused campaign keeps them waiting, one that is over
lets them go without.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, String, func, select, update
from sqlalchemy.orm import Session

from loyalty.campaigns.models import CampaignEntry, CampaignRun
from loyalty.campaigns.rules.entries import EntryState, MissReason
from loyalty.campaigns.rules.taking_part import CampaignPaused
from loyalty.campaigns.rules.terms import CampaignState, OnEvent, Visit
from loyalty.campaigns.rules.works import GIVEN, OPEN, run_id_of, run_subject
from loyalty.campaigns.service.giving import Gift, Given, give
from loyalty.campaigns.service.holding import HeldCampaign, hold_campaign
from loyalty.campaigns.service.recipients import Entry, hold_recipients, rounds_of
from loyalty.kernel import outbox
from loyalty.kernel.arrays import SentArray
from loyalty.kernel.bulk import BulkRun, PageDone
from loyalty.kernel.clock import business_date
from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member
from loyalty.points.posting import parameter, parameters, table_of
from loyalty.segments.matching import members_matching

PAGE_ROWS = 1_000
"""Whoever comes to the same campaign meanwhile waits for the limits of a page to be written."""
ENTRIES = table_of(CampaignEntry)
_ENTRY = (
    *(CampaignEntry.member_id, CampaignEntry.occurrence, CampaignEntry.revision_id),
    *(CampaignEntry.store_id, CampaignEntry.entrance_id),
)


def act_page(session: Session, run: BulkRun, *, zone: ZoneInfo, at: datetime) -> PageDone:
    """Give the next members of a run what the campaign gives; who goes without is kept with the reason.

    Raises:
        CampaignPaused: it gives nothing for the time being.
    """
    run_id = run_id_of(run.subject)
    campaign = hold_campaign(session, campaign_id=_campaign_of(session, run_id))
    if campaign.state is CampaignState.PAUSED:
        raise CampaignPaused
    following = CampaignEntry.member_id > run.cursor
    entries = [Entry(*row) for row in session.execute(_waiting(run_id, following, CampaignEntry.member_id))]
    figures = act_on(session, campaign=campaign, run_id=run_id, entries=entries, zone=zone, at=at)
    return PageDone(
        cursor=entries[-1].member_id if entries else run.cursor,
        rows=len(entries),
        is_last=len(entries) < PAGE_ROWS,
        figures=figures,
    )


def act_on_due(session: Session, *, run_id: int, vault: Vault, zone: ZoneInfo, at: datetime) -> int:
    """Give what is due to some of those whom events set off; return how many entries that were.

    Where there is a delay, whoever has left the audience meanwhile goes without.
    """
    campaign = hold_campaign(session, campaign_id=_campaign_of(session, run_id))
    if campaign.state is CampaignState.PAUSED:
        return 0
    is_due = CampaignEntry.due_at <= at
    waiting = _waiting(run_id, is_due, CampaignEntry.due_at, CampaignEntry.member_id)
    entries = [Entry(*row) for row in session.execute(waiting)]
    trigger = campaign.terms.trigger
    has_delay = isinstance(trigger, OnEvent) and trigger.delay_minutes > 0
    still = partial(_still_reached, session, campaign, vault, zone, at) if has_delay else None
    act_on(session, campaign=campaign, run_id=run_id, entries=entries, zone=zone, at=at, still=still)
    return len(entries)


def runs_with_due(session: Session, *, at: datetime) -> Sequence[int]:
    """Return the runs of what members set off one by one in which somebody waits for what is due."""
    waits = select(CampaignEntry.run_id).where(
        CampaignEntry.run_id == CampaignRun.id, CampaignEntry.state == EntryState.WAITING, CampaignEntry.due_at <= at
    )
    return session.scalars(
        select(CampaignRun.id).where(CampaignRun.occurrence == OPEN, waits.exists()).order_by(CampaignRun.id)
    ).all()


def act_on(
    session: Session,
    *,
    campaign: HeldCampaign,
    run_id: int,
    entries: Sequence[Entry],
    zone: ZoneInfo,
    at: datetime,
    still: Callable[[Collection[int]], Collection[int]] | None = None,
) -> Mapping[str, int]:
    """Give the members of held entries what the campaign gives; return how many were given it, and why others not.

    ``still``, if given, says who of some members is reached at this moment.
    """
    if campaign.is_over(at):
        _close(session, campaign.id, dict.fromkeys(entries, MissReason.CAMPAIGN_OVER), at)
        return {MissReason.CAMPAIGN_OVER.value: len(entries)} if entries else {}
    recipients = hold_recipients(session, campaign_id=campaign.id, entries=entries)
    missed = {entry: MissReason.MEMBER_GONE for entry in entries if entry not in recipients}
    if still is not None:
        reached = frozenset(still(recipients.values()))
        missed |= {entry: MissReason.NOT_IN_AUDIENCE for entry, one in recipients.items() if one not in reached}
        recipients = {entry: owner_id for entry, owner_id in recipients.items() if owner_id in reached}
    given: list[Entry] = []
    for each in rounds_of(recipients):
        gift = _gift(campaign, run_id, next(iter(each)), zone, at)
        found = give(session, gift, {owner_id: entry.occurrence for entry, owner_id in each.items()})
        missed |= {entry: found.missed[owner_id] for entry, owner_id in each.items() if owner_id in found.missed}
        done = {entry: owner_id for entry, owner_id in each.items() if owner_id not in found.missed}
        _note_done(session, campaign.id, done, found, at)
        given += done
    _close(session, campaign.id, missed, at)
    _tell(session, campaign.id, run_id, given, at)
    return Counter({"given": len(given)}) + Counter(reason.value for reason in missed.values())


def _campaign_of(session: Session, run_id: int) -> int:
    return session.scalars(select(CampaignRun.campaign_id).where(CampaignRun.id == run_id)).one()


def _waiting(run_id: int, condition: ColumnElement[bool], *order: Any) -> Any:
    """Hold a page of entries that wait; whoever else is at them has to be done first."""
    waiting = select(*_ENTRY).where(
        CampaignEntry.run_id == run_id, CampaignEntry.state == EntryState.WAITING, condition
    )
    return waiting.order_by(*order).limit(PAGE_ROWS).with_for_update()


def _still_reached(
    session: Session, campaign: HeldCampaign, vault: Vault, zone: ZoneInfo, at: datetime, member_ids: Collection[int]
) -> Collection[int]:
    # Not planned by sets: that would hold for all that is written to a page of members afterwards.
    audience = members_matching(campaign.terms.audience, at=at, zone=zone, vault=vault)
    return session.scalars(audience.where(Member.id.in_(member_ids))).all()


def _gift(campaign: HeldCampaign, run_id: int, entry: Entry, zone: ZoneInfo, at: datetime) -> Gift:
    subject = run_subject(run_id)
    if isinstance(campaign.terms.trigger, OnEvent | Visit):
        # Of a run that never ends there is one message for each day.
        subject = f"{subject}:{entry.revision_id}:{business_date(at, zone).isoformat()}"
    return Gift(
        campaign=campaign,
        revision_id=entry.revision_id,
        store_id=None if entry.entrance_id is None else entry.store_id,
        message_subject=subject,
        at=at,
        zone=zone,
    )


def _note_done(session: Session, campaign_id: int, done: Mapping[Entry, int], found: Given, at: datetime) -> None:
    if not done:
        return
    values = {
        "campaign_id": campaign_id,
        "member_ids": [entry.member_id for entry in done],
        "occurrences": [entry.occurrence for entry in done],
        "owner_ids": [None if owner_id == entry.member_id else owner_id for entry, owner_id in done.items()],
        "points": found.cost.points,
        "coupons": found.cost.coupons,
        "cost_fen": found.cost.fen,
        "done_at": at,
    }
    session.execute(_DONE, parameters(values))


def _close(session: Session, campaign_id: int, missed: Mapping[Entry, MissReason], at: datetime) -> None:
    if not missed:
        return
    values = {
        "campaign_id": campaign_id,
        "member_ids": [entry.member_id for entry in missed],
        "occurrences": [entry.occurrence for entry in missed],
        "reasons": [reason.value for reason in missed.values()],
        "done_at": at,
    }
    session.execute(_MISSED, parameters(values))


def _tell(session: Session, campaign_id: int, run_id: int, given: Sequence[Entry], at: datetime) -> None:
    """Record one event for a page of members, who are told of it afterwards."""
    if given:
        member_ids = sorted({entry.member_id for entry in given})
        payload = {"campaign_id": campaign_id, "run_id": run_id, "member_ids": member_ids}
        outbox.record(session, GIVEN, payload, at=at)


def _change(others: Mapping[str, Any], values: Any) -> Any:
    arrays = {"member_ids": BigInteger(), "occurrences": String(), **others}
    sent = [parameter(name, SentArray(type_)) for name, type_ in arrays.items()]
    given = func.unnest(*sent).table_valued(*arrays, name="given").render_derived().c
    is_row = (
        (ENTRIES.c.campaign_id == parameter("campaign_id", BigInteger()))
        & (ENTRIES.c.member_id == given.member_ids)
        & (ENTRIES.c.occurrence == given.occurrences)
    )
    return update(ENTRIES).where(is_row).values(**values(given))


_DONE = _change(
    {"owner_ids": BigInteger()},
    lambda given: {
        "state": EntryState.DONE.value,
        "owner_id": given.owner_ids,
        **{name: parameter(name, ENTRIES.c[name].type) for name in ("points", "coupons", "cost_fen", "done_at")},
    },
)
_MISSED = _change(
    {"reasons": String()},
    lambda given: {
        "state": EntryState.MISSED.value,
        "missed": given.reasons,
        "done_at": parameter("done_at", ENTRIES.c.done_at.type),
    },
)
