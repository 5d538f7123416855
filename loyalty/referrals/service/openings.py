"""Opening a share (打开分享): counted once for each real person, for whoever invited them first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel import outbox
from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member
from loyalty.members.queries import LIVING, survivor_of
from loyalty.referrals.models import ShareOpening, ShareToken, ShareTouch
from loyalty.referrals.queries.programmes import ProgrammeView, current_programme, is_on
from loyalty.referrals.queries.shares import (
    ShareTokenView,
    first_touch,
    get_share,
    keys_of_identity,
    keys_of_member,
)
from loyalty.referrals.queries.uplines import upline
from loyalty.referrals.rules.openings import NotCounted, OpeningFacts, Visitor, reason_against
from loyalty.referrals.rules.sharing import LINK_LIFE_DEFAULT, Purpose
from loyalty.risk.queries.blocklist import is_blocked
from loyalty.risk.rules.subjects import Occasion, Subject
from loyalty.risk.service import note_sighting, places_of

PERSON = "referrals.person"
"""The context of the blind index of a person."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What became of an opening, and whose share it was."""

    counted: bool
    reason: NotCounted | None
    opening_id: int | None
    share: ShareTokenView


def open_link(session: Session, *, vault: Vault, token: str, visitor: Visitor, at: datetime) -> Opening:
    """Count a visit by a share token or a typed code (打开), once for each real person and for the first who shared.

    Why an opening did not count is kept with it.

    Raises:
        ShareTokenNotFound: nobody shared anything by it.
    """
    share = get_share(session, token=token)
    programme = current_programme(session)
    index = vault.index(visitor.person_key, context=PERSON)
    reason = _against(session, vault, share, visitor, at)
    if reason is None:
        reason = _touch(session, vault, share, visitor, index, _window(programme), at)
    opening_id = _write(session, share, visitor, index, reason, at)
    if opening_id is None:
        return Opening(False, reason or NotCounted.ALREADY_OPENED, None, share)
    seen = Subject(visitor.member_id, visitor.identity_id, device=visitor.device, ip=visitor.ip)
    if visitor.member_id is not None or visitor.identity_id is not None:
        note_sighting(session, vault=vault, occasion=Occasion.OPENING, subject=seen, at=at)
    if reason is None and _pays_for_opening(programme, share):
        outbox.record(session, "share.opened", {"opening_id": opening_id, "member_id": share.member_id}, at=at)
    return Opening(reason is None, reason, opening_id, share)


def person_indexes(vault: Vault, keys: Sequence[str]) -> list[bytes]:
    """Return the blind indexes of a person's keys."""
    return [vault.index(key, context=PERSON) for key in keys]


def _pays_for_opening(programme: ProgrammeView | None, share: ShareTokenView) -> bool:
    is_paid = programme is not None and programme.programme.is_open and programme.programme.opening is not None
    return is_paid and share.purpose is Purpose.REFERRAL


def _window(programme: ProgrammeView | None) -> timedelta:
    return LINK_LIFE_DEFAULT if programme is None else programme.programme.window


def _against(
    session: Session, vault: Vault, share: ShareTokenView, visitor: Visitor, at: datetime
) -> NotCounted | None:
    sharer_id = survivor_of(session, member_id=share.member_id)
    sharer = session.get(Member, sharer_id, populate_existing=True)
    own_id = None if visitor.member_id is None else survivor_of(session, member_id=visitor.member_id)
    above = upline(session, member_id=sharer_id, at=at) if own_id is not None else None
    return reason_against(
        OpeningFacts(
            is_expired=share.expires_at is not None and share.expires_at <= at,
            is_channel_on=is_on(session, channel=share.channel),
            is_sharer_living=sharer is not None and sharer.status in LIVING,
            is_self=own_id == sharer_id or visitor.person_key in keys_of_member(session, member_ids=[sharer_id]),
            is_circular=above is not None and own_id in (above.referrer_id, above.second),
            is_member=own_id is not None,
            is_blocked=_is_anybody_blocked(session, vault, sharer_id, visitor, at),
        )
    )


def _is_anybody_blocked(session: Session, vault: Vault, sharer_id: int, visitor: Visitor, at: datetime) -> bool:
    who = Subject(visitor.member_id, visitor.identity_id, device=visitor.device, ip=visitor.ip)
    return is_blocked(session, subject=Subject(sharer_id), at=at) or is_blocked(
        session, subject=who, at=at, values=places_of(vault, subject=who)
    )


def _touch(
    session: Session,
    vault: Vault,
    share: ShareTokenView,
    visitor: Visitor,
    index: bytes,
    window: timedelta,
    at: datetime,
) -> NotCounted | None:
    """Let this share be the person's first touch, or say who was before."""
    known = first_touch(session, person_indexes=_indexes(session, vault, visitor, index), since=at - window)
    if known is None or known.touched_at <= at - window:
        row = insert(ShareTouch).values(
            person_index=index, share_token_id=share.id, identity_id=visitor.identity_id, touched_at=at
        )
        touched = session.execute(
            row.on_conflict_do_update(
                index_elements=["person_index"],
                set_={name: row.excluded[name] for name in ("share_token_id", "identity_id", "touched_at")},
                where=ShareTouch.touched_at <= at - window,
            ).returning(ShareTouch.person_index)
        ).first()
        if touched is not None:
            return None
        known = first_touch(session, person_indexes=[index])
    is_same = known is not None and _sharer_of(session, known.share_token_id) == _sharer_of(session, share.id)
    return NotCounted.ALREADY_OPENED if is_same else NotCounted.EARLIER_TOUCH


def _sharer_of(session: Session, share_token_id: int) -> int:
    sharer_id = select(ShareToken.member_id).where(ShareToken.id == share_token_id)
    return survivor_of(session, member_id=session.scalars(sharer_id).one())


def _indexes(session: Session, vault: Vault, visitor: Visitor, index: bytes) -> list[bytes]:
    if visitor.identity_id is None:
        return [index]
    return [index, *person_indexes(vault, keys_of_identity(session, identity_id=visitor.identity_id))]


def _write(
    session: Session,
    share: ShareTokenView,
    visitor: Visitor,
    index: bytes,
    reason: NotCounted | None,
    at: datetime,
) -> int | None:
    """Keep an opening; None when the person had opened this share before and it counts no more by this one."""
    row = {"identity_id": visitor.identity_id, "reason": reason, "opened_at": at}
    written = session.scalar(
        insert(ShareOpening)
        .values(share_token_id=share.id, person_index=index, **row)
        .on_conflict_do_nothing()
        .returning(ShareOpening.id)
    )
    if written is not None or reason is not None:
        return written
    return session.scalar(
        update(ShareOpening)
        .where(ShareOpening.share_token_id == share.id, ShareOpening.person_index == index)
        .values(**row)
        .returning(ShareOpening.id)
        .execution_options(synchronize_session=False)
    )
