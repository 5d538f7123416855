"""Opening a share (打开分享): counted once for each real person, for whoever invited them first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, LargeBinary, any_, bindparam, exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel import outbox
from loyalty.kernel.arrays import SentArray
from loyalty.kernel.crypto import Vault
from loyalty.kernel.prepared import send
from loyalty.members.queries import survivor_of
from loyalty.points.posting import table_of
from loyalty.referrals.models import ShareOpening, ShareToken, ShareTouch
from loyalty.referrals.queries.openings import OpenedShare, read_opened
from loyalty.referrals.queries.shares import ShareTokenView, first_touch
from loyalty.referrals.queries.uplines import upline
from loyalty.referrals.rules.openings import NotCounted, OpeningFacts, Visitor, reason_against
from loyalty.referrals.rules.programme import Programme
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
    programme: Programme | None
    """The one in force, None while no invitations are taken."""


def open_link(session: Session, *, vault: Vault, token: str, visitor: Visitor, at: datetime) -> Opening:
    """Count a visit by a share token or a typed code (打开), once for each real person and for the first who shared.

    Why an opening did not count is kept with it.

    Raises:
        ShareTokenNotFound: nobody shared anything by it.
    """
    session.flush()  # what the caller has just written counts
    opened = read_opened(session, token=token, visitor=visitor)
    share, programme = opened.share, opened.programme_taking
    index = vault.index(visitor.person_key, context=PERSON)
    reason = _against(session, vault, opened, visitor, at) or _touch(session, vault, opened, visitor, index, at)
    opening_id = _write(session, share, visitor, index, reason, at)
    if opening_id is None:
        return Opening(False, reason or NotCounted.ALREADY_OPENED, None, share, programme)
    note_sighting(session, vault=vault, occasion=Occasion.OPENING, subject=_subject(visitor), at=at)
    is_paid = programme is not None and programme.opening is not None and share.purpose is Purpose.REFERRAL
    if reason is None and is_paid:
        outbox.record(session, "share.opened", {"opening_id": opening_id, "member_id": share.member_id}, at=at)
    return Opening(reason is None, reason, opening_id, share, programme)


def person_indexes(vault: Vault, keys: Sequence[str]) -> list[bytes]:
    """Return the blind indexes of a person's keys."""
    return [vault.index(key, context=PERSON) for key in keys]


def _subject(visitor: Visitor) -> Subject:
    return Subject(visitor.member_id, visitor.identity_id, device=visitor.device, ip=visitor.ip)


def _against(session: Session, vault: Vault, opened: OpenedShare, visitor: Visitor, at: datetime) -> NotCounted | None:
    share, sharer_id, own_id, who = opened.share, opened.sharer_id, opened.opener_id, _subject(visitor)
    above = None if own_id is None else upline(session, member_id=sharer_id, at=at)
    return reason_against(
        OpeningFacts(
            is_expired=share.expires_at is not None and share.expires_at <= at,
            is_channel_on=opened.is_channel_on,
            is_sharer_living=opened.is_sharer_living,
            is_self=opened.is_own,
            is_circular=above is not None and own_id in (above.referrer_id, above.second),
            is_member=own_id is not None,
            is_blocked=is_blocked(
                session, subject=who, at=at, values=places_of(vault, subject=who), beside=[Subject(sharer_id)]
            ),
        )
    )


def _touch(
    session: Session, vault: Vault, opened: OpenedShare, visitor: Visitor, index: bytes, at: datetime
) -> NotCounted | None:
    """Let this share be the person's first touch, or say who was before."""
    window = LINK_LIFE_DEFAULT if opened.programme is None else opened.programme.window
    since, indexes = at - window, person_indexes(vault, visitor.keys)
    touch = {
        "person_index": index,
        "share_token_id": opened.share.id,
        "identity_id": visitor.identity_id,
        "touched_at": at,
        "indexes": indexes,
        "since": since,
    }
    if send(session, _TOUCH, touch):
        return None
    known = first_touch(session, person_indexes=indexes, since=since)
    is_same = known is not None and _sharer_of(session, known.share_token_id) == opened.sharer_id
    return NotCounted.ALREADY_OPENED if is_same else NotCounted.EARLIER_TOUCH


def _sharer_of(session: Session, share_token_id: int) -> int:
    sharer_id = select(ShareToken.member_id).where(ShareToken.id == share_token_id)
    return survivor_of(session, member_id=session.scalars(sharer_id).one())


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
    written = send(session, _KEEP, {"share_token_id": share.id, "person_index": index, **row})
    if written or reason is not None:
        return written[0].id if written else None
    return session.scalar(
        update(ShareOpening)
        .where(ShareOpening.share_token_id == share.id, ShareOpening.person_index == index)
        .values(**row)
        .returning(ShareOpening.id)
        .execution_options(synchronize_session=False)
    )


def _first_touch_unless_one_holds() -> Any:
    """Write a touch, also over one whose window is over; no row where the person has one that is not."""
    since = bindparam("since", type_=DateTime(timezone=True))
    is_theirs = TOUCHES.c.person_index == any_(bindparam("indexes", type_=SentArray(LargeBinary())))
    names = ["person_index", "share_token_id", "identity_id", "touched_at"]
    given = select(*(bindparam(name, type_=TOUCHES.c[name].type) for name in names))
    row = insert(TOUCHES).from_select(names, given.where(~exists().where(is_theirs, TOUCHES.c.touched_at > since)))
    return row.on_conflict_do_update(
        index_elements=["person_index"],
        set_={name: row.excluded[name] for name in names[1:]},
        where=TOUCHES.c.touched_at <= since,
    ).returning(TOUCHES.c.person_index)


TOUCHES, OPENINGS = table_of(ShareTouch), table_of(ShareOpening)
_TOUCH = _first_touch_unless_one_holds()
_KEEP = (
    insert(OPENINGS)
    .values(
        {
            name: bindparam(name, type_=OPENINGS.c[name].type)
            for name in ("share_token_id", "identity_id", "person_index", "reason", "opened_at")
        }
    )
    .on_conflict_do_nothing()
    .returning(OPENINGS.c.id)
)
