"""The referral programme: what is in force, what is drafted, what was before; and the switches of channels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.referrals.models import ReferralProgramme, ShareSwitch
from loyalty.referrals.rules.documents import from_json
from loyalty.referrals.rules.programme import Programme
from loyalty.referrals.rules.sharing import Channel


@dataclass(frozen=True, slots=True)
class ProgrammeView:
    """A revision of the programme; a draft was published by nobody."""

    id: int
    programme: Programme
    created_by: str
    created_at: datetime
    published_by: str | None
    published_at: datetime | None
    acknowledged_text: str | None


@dataclass(frozen=True, slots=True)
class SwitchView:
    """Whether a channel is on, and who said so."""

    channel: Channel
    is_on: bool
    changed_by: str
    changed_at: datetime


def current_programme(session: Session) -> ProgrammeView | None:
    """Return the programme in force, closed ones included, if one was ever published."""
    published = list_programmes(session, limit=1)
    return published[0] if published else None


def open_programme(session: Session) -> ProgrammeView | None:
    """Return the programme in force, None while no invitations are taken."""
    current = current_programme(session)
    return current if current is not None and current.programme.is_open else None


def list_programmes(session: Session, *, limit: int = 20) -> Sequence[ProgrammeView]:
    """Return the latest published revisions, the one in force first."""
    query = select(ReferralProgramme).where(ReferralProgramme.published_at.is_not(None))
    latest = query.order_by(ReferralProgramme.published_at.desc(), ReferralProgramme.id.desc()).limit(limit)
    return [_view(row) for row in session.scalars(latest)]


def find_draft(session: Session) -> ProgrammeView | None:
    """Return what is drafted, if anything."""
    row = session.scalar(select(ReferralProgramme).where(ReferralProgramme.published_at.is_(None)))
    return None if row is None else _view(row)


def programme_of(session: Session, *, programme_id: int) -> Programme:
    """Return what a revision says; it never changes once somebody was invited by it."""
    definition = select(ReferralProgramme.definition).where(ReferralProgramme.id == programme_id)
    return from_json(session.scalars(definition).one())


def list_switches(session: Session) -> Sequence[SwitchView]:
    """Return the switches of all channels."""
    rows = {row.channel: row for row in session.scalars(select(ShareSwitch))}
    return [
        SwitchView(channel, rows[channel].is_on, rows[channel].changed_by, rows[channel].changed_at)
        for channel in Channel
    ]


def is_on(session: Session, *, channel: Channel) -> bool:
    """Tell whether a channel may be shared by and paid for at this moment."""
    return bool(session.scalar(select(ShareSwitch.is_on).where(ShareSwitch.channel == channel)))


def channels_on(session: Session) -> frozenset[Channel]:
    """Return the channels that are on."""
    return frozenset(view.channel for view in list_switches(session) if view.is_on)


def off_since(session: Session) -> Mapping[Channel, datetime]:
    """Return the channels that are off, and since when."""
    return {view.channel: view.changed_at for view in list_switches(session) if not view.is_on}


def _view(row: ReferralProgramme) -> ProgrammeView:
    return ProgrammeView(
        id=row.id,
        programme=from_json(row.definition),
        created_by=row.created_by,
        created_at=row.created_at,
        published_by=row.published_by,
        published_at=row.published_at,
        acknowledged_text=row.acknowledged_text,
    )
