"""Counting (计数): an event counts once for each mission that runs when it happens, late, doubled or out of order."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel.clock import business_date
from loyalty.kernel.crypto import Vault
from loyalty.members.queries import lock_bearer
from loyalty.missions.models import MissionCount
from loyalty.missions.rules.counting import Act, Counted, period_of
from loyalty.missions.rules.counting import count as count_for
from loyalty.missions.rules.terms import MissionEvent
from loyalty.missions.running import Running, get_published, running_at, terms_of
from loyalty.missions.service.paying import Place
from loyalty.missions.service.progress import settle
from loyalty.points.service.accounts import open_and_lock_account
from loyalty.tiers.queries import tier_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that a member did, as its module tells it (事件)."""

    event: MissionEvent
    member_id: int
    reference: str
    """Names the event for ever, as ``source:key``."""
    occurred_at: datetime
    on: date | None = None
    """The business date it counts for, when that is not the date of ``occurred_at``."""
    custom_kind: str | None = None
    amount_fen: int = 0
    """What is left of a purchase in money."""
    is_refunded: bool = False
    """Nothing is left of the purchase."""
    is_reversed: bool = False
    """The invitation was taken back."""
    is_made_up: bool = False
    mission_id: int | None = None
    """The only mission for which a friend counts, by whose link they came."""


_CHANGING = frozenset({MissionEvent.PURCHASE, MissionEvent.INVITED_FRIEND})
"""What can be undone after it counted."""


def count(session: Session, *, vault: Vault, happening: Happening, at: datetime, zone: ZoneInfo) -> None:
    """Count an event for every mission that it is for, to the survivor where the member was merged.

    A purchase or an invitation told again counts for what is left of it, in the period and for the missions of the
    first time. Nobody is left of a member that was closed, and nothing counts then.
    """
    running = running_at(
        session, event=happening.event, custom_kind=happening.custom_kind, occurred_at=happening.occurred_at
    )
    is_changing = happening.event in _CHANGING
    if not running and not is_changing:
        return
    member = lock_bearer(session, member_id=happening.member_id)
    if member is None:
        return
    known = _known(session, member.id, happening.reference)
    fresh = [mission for mission in running if mission.mission_id not in known and _is_for(happening, mission)]
    if not fresh and not (known and is_changing):
        return
    open_and_lock_account(session, member_id=member.id, at=at)  # before any limit, as everywhere
    if is_changing:
        for mission_id in sorted(known):
            _recount(session, vault, known[mission_id], happening, at, zone)
    level = tier_of(session, member_id=member.id, at=at).level
    for mission in fresh:
        _count(session, vault, mission, member.id, level, happening, at, zone)


def _is_for(happening: Happening, mission: Running) -> bool:
    return happening.mission_id in (None, mission.mission_id)


def _known(session: Session, member_id: int, reference: str) -> Mapping[int, MissionCount]:
    rows = session.scalars(
        select(MissionCount)
        .where(MissionCount.member_id == member_id, MissionCount.reference == reference)
        .execution_options(populate_existing=True)
    )
    return {row.mission_id: row for row in rows}


def _count(
    session: Session,
    vault: Vault,
    mission: Running,
    member_id: int,
    level: int,
    happening: Happening,
    at: datetime,
    zone: ZoneInfo,
) -> None:
    on = happening.on or business_date(happening.occurred_at, zone)
    if on < business_date(mission.starts_at, zone):
        return  # a day made up that was over before the mission began
    period = period_of(mission.terms.period, on)
    counted = count_for(mission.terms, _act(happening, on, level))
    session.execute(
        insert(MissionCount)
        .values(
            member_id=member_id,
            mission_id=mission.mission_id,
            reference=happening.reference,
            period=period,
            counted_on=on,
            amount=counted.amount,
            missed=counted.missed,
            tier_level=level,
            revision_id=mission.revision_id,
            occurred_at=happening.occurred_at,
            recorded_at=at,
        )
        .on_conflict_do_nothing()
    )
    if counted.amount:
        place = Place(member_id, mission.mission_id, period)
        settle(session, vault=vault, mission=mission, place=place, at=at, zone=zone)


def _recount(
    session: Session, vault: Vault, row: MissionCount, happening: Happening, at: datetime, zone: ZoneInfo
) -> None:
    """Let what was told before count for what is left of it, by the revision that counted it first."""
    terms = terms_of(session, revision_id=row.revision_id)
    counted = count_for(terms, _act(happening, row.counted_on, row.tier_level))
    if counted == Counted(row.amount, None) or (counted.missed is not None and counted.missed == row.missed):
        return
    session.execute(
        update(MissionCount)
        .where(
            MissionCount.member_id == row.member_id,
            MissionCount.mission_id == row.mission_id,
            MissionCount.reference == row.reference,
        )
        .values(amount=counted.amount, missed=counted.missed)
        .execution_options(synchronize_session=False)
    )
    mission = get_published(session, mission_id=row.mission_id)
    place = Place(row.member_id, row.mission_id, row.period)
    settle(session, vault=vault, mission=mission, place=place, at=at, zone=zone)


def _act(happening: Happening, on: date, level: int) -> Act:
    return Act(
        on=on,
        tier_level=level,
        amount_fen=happening.amount_fen,
        is_refunded=happening.is_refunded,
        is_reversed=happening.is_reversed,
        is_made_up=happening.is_made_up,
    )
