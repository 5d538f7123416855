"""Attribution (归因): a new member counts for whoever invited them first, once for ever, or for nobody and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.members.models import Identity, Member
from loyalty.members.queries import LIVING, family_of, lock_members, survivor_of
from loyalty.members.rules.members import MemberStatus
from loyalty.referrals.models import Referral, ShareToken, ShareTouch
from loyalty.referrals.queries.programmes import ProgrammeView, is_on, open_programme
from loyalty.referrals.queries.shares import ShareTokenView, first_touch, keys_of_member, view_of
from loyalty.referrals.queries.uplines import Upline, upline
from loyalty.referrals.rules.attributing import AttributionFacts, reason_against
from loyalty.referrals.rules.states import Against, ReferralState
from loyalty.referrals.service.openings import person_indexes
from loyalty.referrals.service.purchases import fulfil
from loyalty.risk.queries.blocklist import is_blocked
from loyalty.risk.queries.counting import share_phone
from loyalty.risk.rules.subjects import Subject
from loyalty.risk.service import note_phone, recognise


@dataclass(frozen=True, slots=True)
class _Invitation:
    """A new member, and who invited them."""

    member: Member
    touch: ShareTouch
    share: ShareTokenView
    referrer: Member
    above: Upline | None
    programme: ProgrammeView | None
    came_at: datetime


def attribute(session: Session, *, vault: Vault, member_id: int, at: datetime) -> int | None:
    """Store by whom a new member was invited (归因), and return the id of it; None when nobody did.

    Every person counts once, however late or often this is asked. Whatever speaks against it is kept as the reason.
    """
    member = lock_members(session, member_ids=[member_id]).get(member_id)
    if member is None or member.status == MemberStatus.CLOSED:
        return None
    _recognise(session, member_id, at)
    known = session.scalar(select(Referral.id).where(Referral.member_id == member_id))
    if known is not None:
        return known
    invitation = _invitation(session, vault, member, at)
    if invitation is None or invitation.referrer.id == member_id:
        return None
    referral_id = _write(session, invitation, _against(session, invitation, at), at)
    if referral_id is not None:
        fulfil(session, referral_id=referral_id, at=at)
    return referral_id


def _recognise(session: Session, member_id: int, at: datetime) -> None:
    note_phone(session, member_id=member_id, at=at)
    identities = session.scalars(select(Identity.id).where(Identity.member_id == member_id).order_by(Identity.id))
    for identity_id in identities.all():
        recognise(session, identity_id=identity_id, member_id=member_id)


def _invitation(session: Session, vault: Vault, member: Member, at: datetime) -> _Invitation | None:
    came_at = min(member.phone_proved_at or member.enrolled_at, at)
    family = [member.id] if member.merged_into_id is None else [member.id, member.merged_into_id]
    keys: Sequence[str] = keys_of_member(session, member_ids=family)
    programme = open_programme(session)
    since = None if programme is None else came_at - programme.programme.window
    touch = first_touch(session, person_indexes=person_indexes(vault, keys), since=since, until=came_at)
    if touch is None:
        return None
    share = view_of(session.get_one(ShareToken, touch.share_token_id))
    referrer_id = survivor_of(session, member_id=share.member_id)
    return _Invitation(
        member=member,
        touch=touch,
        share=share,
        referrer=session.get_one(Member, referrer_id),
        above=upline(session, member_id=referrer_id, at=at),
        programme=programme,
        came_at=came_at,
    )


def _against(session: Session, invitation: _Invitation, at: datetime) -> Against | None:
    member, referrer, above = invitation.member, invitation.referrer, invitation.above
    own_id = member.merged_into_id or member.id
    return reason_against(
        AttributionFacts(
            touched_at=invitation.touch.touched_at,
            came_at=invitation.came_at,
            enrolled_at=member.enrolled_at,
            window=None if invitation.programme is None else invitation.programme.programme.window,
            is_channel_on=is_on(session, channel=invitation.share.channel),
            is_referrer_living=referrer.status in LIVING,
            is_merged=member.status == MemberStatus.MERGED,
            is_self=referrer.id == own_id,
            is_circular=above is not None and own_id in (above.referrer_id, above.second),
            is_same_phone=share_phone(session, member_id=member.id, others=family_of(session, member_id=referrer.id)),
            is_blocked=is_blocked(session, subject=Subject(member.id), at=at, beside=[Subject(referrer.id)]),
        )
    )


def _write(session: Session, invitation: _Invitation, against: Against | None, at: datetime) -> int | None:
    found, above = invitation.programme, invitation.above
    programme = None if found is None else found.programme
    is_waiting = against is None and programme is not None
    values = {
        "member_id": invitation.member.id,
        "referrer_id": invitation.referrer.id,
        "second_referrer_id": None if above is None else above.referrer_id,
        "share_token_id": invitation.share.id,
        "programme_id": None if found is None else found.id,
        "channel": invitation.share.channel,
        "state": ReferralState.ATTRIBUTED if against is None else ReferralState.REFUSED,
        "reason": against,
        "is_standing": against is None,
        "touched_at": invitation.touch.touched_at,
        "came_at": invitation.came_at,
        "attributed_at": at,
        "ended_at": None if against is None else at,
    }
    if is_waiting and programme is not None and programme.purchase is not None:
        values["lapses_at"] = invitation.came_at + timedelta(days=programme.purchase.within_days)
    elif is_waiting and programme is not None:
        values["settles_at"] = invitation.came_at + programme.wait
    return session.scalar(insert(Referral).values(**values).on_conflict_do_nothing().returning(Referral.id))
