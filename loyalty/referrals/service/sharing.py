"""Minting share tokens (生成分享凭证): on the server, unguessable, the same one while it lives."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel.checking import is_tidy
from loyalty.kernel.errors import InvalidInput
from loyalty.members.queries import require_living
from loyalty.referrals.models import ShareToken
from loyalty.referrals.queries.programmes import current_programme, is_on
from loyalty.referrals.queries.shares import ShareTokenView, view_of
from loyalty.referrals.rules.sharing import (
    CAMPAIGN_LENGTH_MAX,
    CODE_ALPHABET,
    CODE_LENGTH,
    LINK_LIFE_DEFAULT,
    TOKEN_ALPHABET,
    TOKEN_LENGTH,
    Channel,
    ChannelOff,
    Purpose,
    ReferralsNotOpen,
)


class InvalidCampaign(InvalidInput):
    """The campaign that a share names is no short word."""

    code = "invalid_share_campaign"
    message = "分享来源须为 1–64 个字符"


def mint(
    session: Session,
    *,
    member_id: int,
    channel: Channel,
    purpose: Purpose,
    mission_id: int | None = None,
    campaign: str | None = None,
    at: datetime,
) -> ShareTokenView:
    """Return what a member may share (分享凭证): the one that lives, or a new one; a code lives for ever.

    Raises:
        ChannelOff: the channel is switched off.
        ReferralsNotOpen: it is for referrals, and no programme takes any.
        InvalidCampaign: the campaign is no short word.
        MemberNotFound, MemberGone, MemberProvisional: the member cannot invite.
    """
    if campaign is not None and not is_tidy(campaign, CAMPAIGN_LENGTH_MAX):
        raise InvalidCampaign
    if not is_on(session, channel=channel):
        raise ChannelOff(channel=channel.value)
    expires_at = _end_of_life(session, channel, purpose, at)
    require_living(session, member_id=member_id)
    same = (
        ShareToken.member_id == member_id,
        ShareToken.purpose == purpose,
        ShareToken.mission_id.is_not_distinct_from(mission_id),
        ShareToken.campaign.is_not_distinct_from(campaign),
        ShareToken.channel == channel,
    )
    latest = select(ShareToken).where(*same).order_by(ShareToken.serial.desc()).limit(1)
    known = session.scalar(latest.execution_options(populate_existing=True))
    if known is not None and (known.expires_at is None or known.expires_at > at):
        return view_of(known)
    serial = select(func.coalesce(func.max(ShareToken.serial), 0) + 1).where(*same).scalar_subquery()
    session.execute(
        insert(ShareToken)
        .values(
            member_id=member_id,
            channel=channel,
            purpose=purpose,
            mission_id=mission_id,
            campaign=campaign,
            serial=serial,
            token=_fresh(channel),
            minted_at=at,
            expires_at=expires_at,
        )
        .on_conflict_do_nothing()  # whoever was faster minted the same
    )
    return view_of(session.scalars(latest.execution_options(populate_existing=True)).one())


def _end_of_life(session: Session, channel: Channel, purpose: Purpose, at: datetime) -> datetime | None:
    found = current_programme(session)
    programme = found.programme if found is not None and found.programme.is_open else None
    if purpose is Purpose.REFERRAL and programme is None:
        raise ReferralsNotOpen
    if channel is Channel.CODE:
        return None
    return at + (LINK_LIFE_DEFAULT if programme is None else timedelta(days=programme.link_days))


def _fresh(channel: Channel) -> str:
    alphabet, length = (CODE_ALPHABET, CODE_LENGTH) if channel is Channel.CODE else (TOKEN_ALPHABET, TOKEN_LENGTH)
    return "".join(secrets.choice(alphabet) for _ in range(length))
