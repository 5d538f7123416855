"""Shares: whose a token is, and by whom a person came first."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, bindparam, or_, select
from sqlalchemy.orm import Session

from loyalty.kernel.database import AnyRow
from loyalty.kernel.prepared import send
from loyalty.members.models import Identity
from loyalty.members.rules.identities import IdentityNotFound
from loyalty.referrals.models import ShareToken, ShareTouch
from loyalty.referrals.rules.openings import Visitor
from loyalty.referrals.rules.sharing import Channel, Purpose


@dataclass(frozen=True, slots=True)
class ShareTokenView:
    """A token and whose it is."""

    id: int
    member_id: int
    channel: Channel
    purpose: Purpose
    token: str
    expires_at: datetime | None


def share_of_id(session: Session, *, share_token_id: int) -> ShareTokenView:
    """Return a share that is known to exist."""
    return view_of(session.get_one(ShareToken, share_token_id))


def visitor_of(session: Session, *, identity_id: int, device: str | None = None, ip: str | None = None) -> Visitor:
    """Return the person of an identity as somebody who opens a share.

    Raises:
        IdentityNotFound: there is no such identity.
    """
    rows = send(session, _PERSON, {"identity_id": identity_id})
    identity = next((row for row in rows if row.id == identity_id), None)
    if identity is None:
        raise IdentityNotFound(identity_id=identity_id)
    return Visitor(
        identity_id=identity_id,
        person_key=identity.unionid or identity.openid,
        keys=_keys_in(rows),
        member_id=identity.member_id,
        device=device,
        ip=ip,
    )


def keys_of_member(session: Session, *, member_ids: Collection[int]) -> Sequence[str]:
    """Return every key by which members may have been known to a share before: unionids and openids."""
    is_theirs = Identity.member_id.in_(member_ids)
    return _keys_in(session.execute(select(Identity.openid, Identity.unionid).where(is_theirs)).all())


def keys_of_identity(session: Session, *, identity_id: int) -> Sequence[str]:
    """Return every key by which a person may have been known before, by their other accounts included."""
    return _keys_in(send(session, _PERSON, {"identity_id": identity_id}))


def first_touch(
    session: Session,
    *,
    person_indexes: Collection[bytes],
    since: datetime | None = None,
    until: datetime | None = None,
) -> ShareTouch | None:
    """Return the earliest touch of a person by any of their blind indexes, made ``until`` then.

    One that is over, made at or before ``since``, stands back behind all others.
    """
    touches = select(ShareTouch).where(ShareTouch.person_index.in_(person_indexes))
    if since is not None:
        touches = touches.order_by(ShareTouch.touched_at <= since)
    if until is not None:
        touches = touches.where(ShareTouch.touched_at <= until)
    earliest = touches.order_by(ShareTouch.touched_at, ShareTouch.share_token_id).limit(1)
    return session.scalar(earliest.execution_options(populate_existing=True))


def view_of(row: ShareToken | AnyRow) -> ShareTokenView:
    """Read a row, also where a larger statement took its columns along."""
    return ShareTokenView(
        id=row.id,
        member_id=row.member_id,
        channel=Channel(row.channel),
        purpose=Purpose(row.purpose),
        token=row.token,
        expires_at=row.expires_at,
    )


def _keys_in(rows: Sequence[AnyRow]) -> Sequence[str]:
    return list(dict.fromkeys(key for row in rows for key in (row.openid, row.unionid) if key is not None))


def _person() -> Any:
    """The identities of a person: one of them is named, and unionid joins the others to it."""
    is_named = Identity.id == bindparam("identity_id", type_=BigInteger)
    unionid = select(Identity.unionid).where(is_named).scalar_subquery()
    columns = (Identity.id, Identity.openid, Identity.unionid, Identity.member_id)
    return select(*columns).where(or_(is_named, Identity.unionid == unionid))


_PERSON = _person()
