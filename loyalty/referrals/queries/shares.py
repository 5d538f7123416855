"""Shares: whose a token is, and by whom a person came first."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from loyalty.members.models import Identity
from loyalty.members.queries import get_identity
from loyalty.referrals.models import ShareToken, ShareTouch
from loyalty.referrals.rules.openings import Visitor
from loyalty.referrals.rules.sharing import Channel, Purpose, ShareTokenNotFound, normalise


@dataclass(frozen=True, slots=True)
class ShareTokenView:
    """A token and whose it is."""

    id: int
    member_id: int
    channel: Channel
    purpose: Purpose
    mission_id: int | None
    campaign: str | None
    token: str
    expires_at: datetime | None


def get_share(session: Session, *, token: str) -> ShareTokenView:
    """Return a share by its token or code, as people type it.

    Raises:
        ShareTokenNotFound: nobody shared anything by it.
    """
    named = normalise(token)
    # Who types anything else, such as what cannot be stored, need not be looked for.
    is_possible = named.isascii() and named.isalnum()
    row = session.scalar(select(ShareToken).where(ShareToken.token == named)) if is_possible else None
    if row is None:
        raise ShareTokenNotFound
    return view_of(row)


def share_of_id(session: Session, *, share_token_id: int) -> ShareTokenView:
    """Return a share that is known to exist."""
    return view_of(session.get_one(ShareToken, share_token_id))


def visitor_of(session: Session, *, identity_id: int, device: str | None = None, ip: str | None = None) -> Visitor:
    """Return the person of an identity as somebody who opens a share.

    Raises:
        IdentityNotFound: there is no such identity.
    """
    identity = get_identity(session, identity_id=identity_id)
    return Visitor(
        identity_id=identity.id,
        person_key=identity.unionid or identity.openid,
        member_id=identity.member_id,
        device=device,
        ip=ip,
    )


def keys_of_member(session: Session, *, member_ids: Collection[int]) -> Sequence[str]:
    """Return every key by which members may have been known to a share before: unionids and openids."""
    rows = session.execute(select(Identity.openid, Identity.unionid).where(Identity.member_id.in_(member_ids)))
    return list(dict.fromkeys(key for row in rows for key in row if key is not None))


def keys_of_identity(session: Session, *, identity_id: int) -> Sequence[str]:
    """Return every key by which a person may have been known before, by their other accounts included."""
    unionid = select(Identity.unionid).where(Identity.id == identity_id).scalar_subquery()
    rows = session.execute(
        select(Identity.openid, Identity.unionid).where(or_(Identity.id == identity_id, Identity.unionid == unionid))
    )
    return list(dict.fromkeys(key for row in rows for key in row if key is not None))


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


def view_of(row: ShareToken) -> ShareTokenView:
    """Read a row."""
    return ShareTokenView(
        id=row.id,
        member_id=row.member_id,
        channel=Channel(row.channel),
        purpose=Purpose(row.purpose),
        mission_id=row.mission_id,
        campaign=row.campaign,
        token=row.token,
        expires_at=row.expires_at,
    )
