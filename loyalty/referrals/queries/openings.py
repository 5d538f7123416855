"""What an opening is judged by, in one statement: all friends of who is popular open one link within minutes."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Select, String, bindparam, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from loyalty.kernel.prepared import send
from loyalty.members.models import Identity, Member
from loyalty.members.queries import LIVING
from loyalty.referrals.models import ReferralProgramme, ShareSwitch, ShareToken
from loyalty.referrals.queries.shares import ShareTokenView, view_of
from loyalty.referrals.rules.documents import from_json
from loyalty.referrals.rules.openings import Visitor
from loyalty.referrals.rules.programme import Programme
from loyalty.referrals.rules.sharing import ShareTokenNotFound, normalise

_Minter, _Sharer = aliased(Member, name="minter"), aliased(Member, name="sharer")


@dataclass(frozen=True, slots=True)
class OpenedShare:
    """A share at the moment somebody opens it; members are who they are now after merges."""

    share: ShareTokenView
    is_channel_on: bool
    programme: Programme | None
    """The one in force, also when it takes no invitations."""
    sharer_id: int
    is_sharer_living: bool
    opener_id: int | None
    """The member who opens it, None of a visitor."""
    is_own: bool
    """Who opens it is who shared it, by member or by any key of the person."""

    @property
    def programme_taking(self) -> Programme | None:
        """The programme in force, None while it takes no invitations."""
        return self.programme if self.programme is not None and self.programme.is_open else None


def read_opened(session: Session, *, token: str, visitor: Visitor) -> OpenedShare:
    """Return a share that somebody opens, by its token or by its code as people type it.

    Raises:
        ShareTokenNotFound: nobody shared anything by it.
    """
    named = normalise(token)
    # Who types anything else, such as what cannot be stored, need not be looked for.
    is_possible = named.isascii() and named.isalnum()
    asked = {"token": named, "member_id": visitor.member_id, "person_key": visitor.person_key}
    row = next(iter(send(session, _OPENED, asked)), None) if is_possible else None
    if row is None:
        raise ShareTokenNotFound
    return OpenedShare(
        share=view_of(row),
        is_channel_on=row.is_on,
        programme=None if row.definition is None else from_json(row.definition),
        sharer_id=row.sharer_id,
        is_sharer_living=row.sharer_status in LIVING,
        opener_id=row.opener_id,
        is_own=row.opener_id == row.sharer_id or row.has_key_of_sharer,
    )


def _opened() -> Select[Any]:
    programme = select(ReferralProgramme.definition).where(ReferralProgramme.published_at.is_not(None))
    in_force = programme.order_by(ReferralProgramme.published_at.desc(), ReferralProgramme.id.desc()).limit(1)
    is_opener = Member.id == bindparam("member_id", type_=BigInteger)
    opener_id = select(func.coalesce(Member.merged_into_id, Member.id)).where(is_opener)
    key = bindparam("person_key", type_=String)
    has_key = exists().where(Identity.member_id == _Sharer.id, or_(Identity.openid == key, Identity.unionid == key))
    return (
        select(
            *ShareToken.__table__.columns,
            ShareSwitch.is_on,
            in_force.scalar_subquery().label("definition"),
            _Sharer.id.label("sharer_id"),
            _Sharer.status.label("sharer_status"),
            opener_id.scalar_subquery().label("opener_id"),
            has_key.label("has_key_of_sharer"),
        )
        .join(ShareSwitch, ShareSwitch.channel == ShareToken.channel)
        .join(_Minter, _Minter.id == ShareToken.member_id)
        .join(_Sharer, _Sharer.id == func.coalesce(_Minter.merged_into_id, _Minter.id))
        .where(ShareToken.token == bindparam("token", type_=String))
    )


_OPENED = _opened()
