"""Invitations for tests: a programme, links, and friends who open them and enrol through the real services."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel.audit import Actor
from loyalty.members import service as members
from loyalty.members.models import Identity, Member
from loyalty.points.queries import summary
from loyalty.referrals.models import Referral, ReferralProgramme
from loyalty.referrals.queries.referrals import ReferralView, get_referral
from loyalty.referrals.queries.shares import visitor_of
from loyalty.referrals.rules.documents import to_json
from loyalty.referrals.rules.programme import WARNING_VERSION, OpeningReward, Programme, Purchase, Reward
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.rules.sharing import Purpose as SharePurpose
from loyalty.referrals.rules.states import ReferralState
from loyalty.referrals.service import attribution, opening_rewards, programmes, rewarding, settling
from loyalty.referrals.service.openings import Opening, open_link
from loyalty.referrals.service.sharing import mint
from loyalty.risk.rules.subjects import Occasion, Subject
from loyalty.risk.service import note_sighting
from tests.factories.check_ins import SHANGHAI
from tests.factories.members import make_consents, make_identity, make_member, unused_phone, unused_unionid
from tests.factories.points import AT
from tests.support.settings import VAULT

ACTOR = Actor("staff:1")
WAITED = timedelta(hours=25)
ON_ENROLMENT = {"referrer": Reward(100), "referee": Reward(50)}
ON_PURCHASE = {**ON_ENROLMENT, "purchase": Purchase(minimum_fen=5_000, within_days=30)}
_numbers = count(1)


def programme_of(**changes: Any) -> Programme:
    """100 points for who invites and 50 for the friend on enrolment, unless told otherwise."""
    texts: dict[str, Any] = {"title": "邀请有礼", "description": "好友入会后双方各得积分", "share_title": "来喝一杯"}
    return Programme(**({**texts, **ON_ENROLMENT} | changes))


def publish(session: Session, *, at: datetime = AT, **changes: Any) -> int:
    programmes.save_draft(session, programme=programme_of(**changes), actor=ACTOR, at=at)
    return programmes.publish(session, acknowledged_text=WARNING_VERSION, actor=ACTOR, at=at)


def link_of(session: Session, member_id: int, *, channel: Channel = Channel.MINI_PROGRAM, at: datetime = AT) -> str:
    return mint(session, member_id=member_id, channel=channel, purpose=SharePurpose.REFERRAL, at=at).token


def make_visitor(session: Session, *, unionid: str | None = "") -> Identity:
    return make_identity(session, unionid=unused_unionid() if unionid == "" else unionid)


def open_by(
    session: Session, identity: Identity, token: str, *, device: str | None = None, ip: str | None = None,
    at: datetime = AT,
) -> Opening:  # fmt: skip
    visitor = visitor_of(session, identity_id=identity.id, device=device, ip=ip)
    return open_link(session, vault=VAULT, token=token, visitor=visitor, at=at)


def enrol(
    session: Session, identity: Identity, *, device: str | None = None, ip: str | None = None, phone: str = "",
    at: datetime = AT,
) -> Member:  # fmt: skip
    """Bind a phone as the doors do, where risk sees the visitor before."""
    seen = Subject(None, identity.id, device=device or f"device-{next(_numbers)}", ip=ip or unused_address())
    note_sighting(session, vault=VAULT, occasion=Occasion.ENROLMENT, subject=seen, at=at)
    outcome = members.bind_by_wechat_phone(
        session, vault=VAULT, identity_id=identity.id, phone=phone or unused_phone(), consents=make_consents(), at=at
    )
    return session.get_one(Member, outcome.member_id)


def unused_address() -> str:
    number = next(_numbers)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def invite(
    session: Session, sharer: Member, *, device: str | None = None, ip: str | None = None, at: datetime = AT,
    channel: Channel = Channel.MINI_PROGRAM,
) -> Member:  # fmt: skip
    """A friend who opens the sharer's link and enrols, both seen by risk; attributed as the handler does."""
    device = device or f"device-{next(_numbers)}"
    friend = make_visitor(session)
    open_by(session, friend, link_of(session, sharer.id, channel=channel, at=at), device=device, ip=ip, at=at)
    member = enrol(session, friend, device=device, ip=ip, at=at)
    attribute(session, member, at)
    return member


def referral_of(session: Session, member_id: int) -> Referral:
    query = select(Referral).where(Referral.member_id == member_id)
    return session.scalars(query.execution_options(populate_existing=True)).one()


def view_of(session: Session, member_id: int) -> ReferralView:
    return get_referral(session, referral_id=referral_of(session, member_id).id)


def open_for_pay(session: Session, sharer: Member, *devices: str, per_day: int = 1, at: datetime = AT) -> None:
    """Let visitors open a member's link, each on a device of their own, under a programme that pays 2 points for it."""
    publish(session, at=at, opening=OpeningReward(points=2, per_day=per_day))
    token = link_of(session, sharer.id, at=at)
    for device in devices:
        opened = open_by(session, make_visitor(session), token, device=device, ip=unused_address(), at=at)
        assert opened.opening_id is not None
        opening_rewards.reward_opening(session, vault=VAULT, opening_id=opened.opening_id, at=at, zone=SHANGHAI)


def state_of(session: Session, member: Member) -> tuple[str, str | None]:
    referral = referral_of(session, member.id)
    return referral.state, referral.reason


def available(session: Session, member: Member, at: datetime) -> int:
    return summary(session, member_id=member.id, at=at).available


def attribute(session: Session, member: Member, at: datetime) -> int | None:
    """Ask by whom a member was invited, as the handler does."""
    return attribution.attribute(session, vault=VAULT, member_id=member.id, at=at)


def settle(session: Session, referral_id: int, *, at: datetime = AT + WAITED) -> None:
    """Settle and pay, as the job and the handler do."""
    settling.settle(session, vault=VAULT, referral_id=referral_id, at=at, zone=SHANGHAI)
    rewarding.reward(session, referral_id=referral_id, at=at, zone=SHANGHAI)


def make_sharer(session: Session) -> Member:
    return make_member(session)


def make_coupon_programme(session: Session, template_id: int, *, at: datetime) -> int:
    """A published revision by which who invites gets a coupon, and nobody anything else."""
    programme = programme_of(referrer=Reward(coupon_template_id=template_id), referee=Reward())
    row = ReferralProgramme(
        definition=to_json(programme), created_by="staff:1", created_at=at, published_by="staff:2", published_at=at
    )
    session.add(row)
    session.flush()
    return row.id


def make_qualified(session: Session, *, referrer_id: int, programme_id: int, at: datetime) -> int:
    """A referral whose rewards are due, without the way to there."""
    friend = make_member(session, phone=None)
    token = mint(session, member_id=referrer_id, channel=Channel.CODE, purpose=SharePurpose.REFERRAL, at=at)
    row = Referral(
        member_id=friend.id, referrer_id=referrer_id, share_token_id=token.id, programme_id=programme_id,
        channel=Channel.CODE, state=ReferralState.QUALIFIED, is_standing=True, touched_at=at, came_at=at,
        attributed_at=at, qualified_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row.id


def qualified_event(session: Session, referral_id: int) -> dict[str, Any]:
    """What the event of a qualified referral says."""
    referral = session.get_one(Referral, referral_id)
    named = {"referral_id": referral_id, "referrer_id": referral.referrer_id, "referee_id": referral.member_id}
    return named | {"occurred_at": referral.came_at.isoformat()}
