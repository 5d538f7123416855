"""Recipients (领取人): who stands for the members of entries by now, each once in an occurrence.

A member may have been merged between entering and being given something. The survivor is given it in the member's
stead, unless they are in the same occurrence themselves, or among those who are held out.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, any_, bindparam, func, or_, select
from sqlalchemy.orm import Session, aliased

from loyalty.campaigns.models import CampaignEntry
from loyalty.campaigns.rules.entries import EntryState
from loyalty.coupons.service.owners import hold_owners
from loyalty.kernel.arrays import SentArray
from loyalty.kernel.database import AnyRow
from loyalty.members.models import Member
from loyalty.members.queries import LIVING


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry that waits for what the campaign gives."""

    member_id: int
    occurrence: str
    revision_id: int
    store_id: int | None
    entrance_id: int | None


def hold_recipients(session: Session, *, campaign_id: int, entries: Sequence[Entry]) -> Mapping[Entry, int]:
    """Return who is given what of entries; the others are gone. None of them is merged until the transaction ends."""
    while True:
        found = dict(_sorted_out(session, campaign_id, entries))
        if hold_owners(session, owner_ids=set(found.values())):
            return found


def rounds_of(recipients: Mapping[Entry, int]) -> Iterator[Mapping[Entry, int]]:
    """Split recipients so that each round names a member once, and is of one revision and one entrance."""
    waiting = dict(recipients)
    while waiting:
        first = next(iter(waiting))
        kind = first.revision_id, first.entrance_id
        owners: dict[int, Entry] = {}
        for entry, owner_id in waiting.items():
            if (entry.revision_id, entry.entrance_id) == kind:
                owners.setdefault(owner_id, entry)
        taken = {entry: owner_id for owner_id, entry in owners.items()}
        yield taken
        waiting = {entry: owner_id for entry, owner_id in waiting.items() if entry not in taken}


def _sorted_out(session: Session, campaign_id: int, entries: Sequence[Entry]) -> Iterator[tuple[Entry, int]]:
    rows = session.execute(_OWNERS, {"member_ids": sorted({entry.member_id for entry in entries})}).all()
    living = {row.member_id: row.owner_id for row in rows if row.status in LIVING}
    survivors = _survivors(session, set(living.values()))
    had, held_out = _had_before(session, campaign_id, survivors), _held_out(session, campaign_id, survivors)
    for entry in entries:
        owner_id = living.get(entry.member_id)
        if owner_id is not None and owner_id not in held_out and (owner_id, entry.occurrence) not in had:
            had.add((owner_id, entry.occurrence))
            yield entry, owner_id


def _survivors(session: Session, owner_ids: Collection[int]) -> Collection[int]:
    """Return into which of these members others have been merged."""
    if not owner_ids:
        return ()
    between = {"first": min(owner_ids), "last": max(owner_ids)}
    return set(owner_ids).intersection(session.scalars(_SURVIVORS, between))


def _had_before(session: Session, campaign_id: int, survivors: Collection[int]) -> set[tuple[int, str]]:
    """Return which survivors of a merge were given something, they or who was merged into them, by occurrence."""
    if not survivors:
        return set()
    rows: Sequence[AnyRow] = session.execute(
        select(func.coalesce(Member.merged_into_id, Member.id), CampaignEntry.occurrence)
        .join(CampaignEntry, CampaignEntry.member_id == Member.id)
        .where(
            CampaignEntry.campaign_id == campaign_id,
            CampaignEntry.state == EntryState.DONE,
            or_(Member.id.in_(survivors), Member.merged_into_id.in_(survivors)),
        )
    ).all()
    return {(owner_id, occurrence) for owner_id, occurrence in rows}


def _held_out(session: Session, campaign_id: int, survivors: Collection[int]) -> Collection[int]:
    """Return which survivors of a merge are measured against: by another's entry they would get something after all."""
    if not survivors:
        return ()
    mine = CampaignEntry.campaign_id == campaign_id, CampaignEntry.member_id.in_(survivors)
    return set(
        session.scalars(select(CampaignEntry.member_id).where(*mine, CampaignEntry.state == EntryState.HELD_OUT))
    )


def _owners() -> Any:
    survivor = aliased(Member)
    return (
        select(
            Member.id.label("member_id"),
            func.coalesce(Member.merged_into_id, Member.id).label("owner_id"),
            func.coalesce(survivor.status, Member.status).label("status"),
        )
        .outerjoin(survivor, survivor.id == Member.merged_into_id)
        .where(Member.id == any_(bindparam("member_ids", type_=SentArray(BigInteger()))))
    )


_OWNERS = _owners()
# Survivors are few, so those between the first and the last are read sooner than thousands are named.
_SURVIVORS = select(Member.merged_into_id).where(
    Member.merged_into_id.between(bindparam("first", type_=BigInteger), bindparam("last", type_=BigInteger))
)
