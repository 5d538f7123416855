"""Minting share tokens (生成分享凭证): on the server, unguessable, the same one while it lives."""

import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.members.queries import require_living
from loyalty.referrals.models import ShareToken
from loyalty.referrals.queries.programmes import is_on, open_programme
from loyalty.referrals.queries.shares import ShareTokenView, view_of
from loyalty.referrals.rules.sharing import (
    CODE_ALPHABET,
    CODE_LENGTH,
    TOKEN_ALPHABET,
    TOKEN_LENGTH,
    Channel,
    ChannelOff,
    Purpose,
    ReferralsNotOpen,
)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What tokens have in common of which one lives at a time."""

    member_id: int
    channel: Channel
    purpose: Purpose
    mission_id: int | None

    @property
    def conditions(self) -> tuple[ColumnElement[bool], ...]:
        return (
            ShareToken.member_id == self.member_id,
            ShareToken.purpose == self.purpose,
            ShareToken.mission_id.is_not_distinct_from(self.mission_id),
            ShareToken.channel == self.channel,
        )


def mint(
    session: Session,
    *,
    member_id: int,
    channel: Channel,
    purpose: Purpose,
    mission_id: int | None = None,
    at: datetime,
) -> ShareTokenView:
    """Return what a member may share (分享凭证): the one that lives, or a new one; a code lives for ever.

    Raises:
        ChannelOff: the channel is switched off.
        ReferralsNotOpen: no programme takes invitations.
        MemberNotFound, MemberGone, MemberProvisional: the member cannot invite.
    """
    if not is_on(session, channel=channel):
        raise ChannelOff(channel=channel.value)
    expires_at = _end_of_life(session, channel, at)
    require_living(session, member_id=member_id)
    kind = _Kind(member_id, channel, purpose, mission_id)
    known = _latest(session, kind)
    if known is None or (known.expires_at is not None and known.expires_at <= at):
        _write(session, kind, at, expires_at)
        known = _latest(session, kind)
    assert known is not None, "minted by us or by whoever was faster"
    return view_of(known)


def _latest(session: Session, kind: _Kind) -> ShareToken | None:
    latest = select(ShareToken).where(*kind.conditions).order_by(ShareToken.serial.desc()).limit(1)
    return session.scalar(latest.execution_options(populate_existing=True))


def _write(session: Session, kind: _Kind, at: datetime, expires_at: datetime | None) -> None:
    serial = select(func.coalesce(func.max(ShareToken.serial), 0) + 1).where(*kind.conditions).scalar_subquery()
    row = {"serial": serial, "token": _fresh(kind.channel), "minted_at": at, "expires_at": expires_at}
    session.execute(insert(ShareToken).values(**asdict(kind), **row).on_conflict_do_nothing())


def _end_of_life(session: Session, channel: Channel, at: datetime) -> datetime | None:
    current = open_programme(session)
    if current is None:
        raise ReferralsNotOpen
    return None if channel is Channel.CODE else at + timedelta(days=current.programme.link_days)


def _fresh(channel: Channel) -> str:
    alphabet, length = (CODE_ALPHABET, CODE_LENGTH) if channel is Channel.CODE else (TOKEN_ALPHABET, TOKEN_LENGTH)
    return "".join(secrets.choice(alphabet) for _ in range(length))
