"""What was given (已发放): coupons and points of entries, found again by the references they were given under."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, FromClause, String, bindparam, func, select
from sqlalchemy.orm import Session

from loyalty.campaigns.models import CampaignEntry
from loyalty.campaigns.queries.campaigns import terms_of
from loyalty.campaigns.rules.entries import EntryState
from loyalty.campaigns.rules.terms import Action
from loyalty.campaigns.rules.works import reference_of
from loyalty.kernel.arrays import SentArray

OWNER = func.coalesce(CampaignEntry.owner_id, CampaignEntry.member_id)
"""Who was given what an entry says."""


@dataclass(frozen=True, slots=True)
class DoneEntry:
    """An entry whose member was given something, or somebody in the member's stead."""

    campaign_id: int
    member_id: int
    occurrence: str
    revision_id: int
    owner_id: int


@dataclass(frozen=True, slots=True)
class GivenThing:
    """One thing that was given for an entry."""

    entry: DoneEntry
    reference: str


def list_done(session: Session, *conditions: Any) -> Sequence[DoneEntry]:
    """Return done entries, ordered by member and occurrence."""
    entry = CampaignEntry
    rows = session.execute(
        select(entry.campaign_id, entry.member_id, entry.occurrence, entry.revision_id, OWNER)
        .where(entry.state == EntryState.DONE, *conditions)
        .order_by(entry.member_id, entry.occurrence)
    )
    return [DoneEntry(*row) for row in rows]


def things(session: Session, entries: Iterable[DoneEntry], kind: type[Action]) -> Sequence[GivenThing]:
    """Return what actions of one kind gave for entries, each under its reference."""
    return [
        GivenThing(entry, reference_of(entry.campaign_id, entry.occurrence, number))
        for entry in entries
        for number in numbers_of(terms_of(session, revision_id=entry.revision_id).actions, kind)
    ]


def numbers_of(actions: Sequence[Action], kind: type[Action]) -> Sequence[int]:
    """Return the numbers of the actions of one kind."""
    return [number for number, action in enumerate(actions) if isinstance(action, kind)]


def sent(found: Sequence[GivenThing]) -> dict[str, list[Any]]:
    """Return things as ``asked`` takes them."""
    return {"owner_ids": [one.entry.owner_id for one in found], "references": [one.reference for one in found]}


def asked() -> FromClause:
    """Return owners and references as a statement joins them."""
    arrays = (
        bindparam("owner_ids", type_=SentArray(BigInteger())),
        bindparam("references", type_=SentArray(String())),
    )
    return func.unnest(*arrays).table_valued("owner_id", "reference", name="asked").render_derived()
