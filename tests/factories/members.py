"""Members and identities for tests, written straight into their tables."""

import itertools
import os
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.members.models import Identity, Member
from loyalty.members.rules.consents import DRAFT_TEXTS, REQUIRED_PURPOSES, ConsentGiven, Purpose
from loyalty.members.rules.identities import IdentityKind
from loyalty.members.rules.members import PROVISIONAL_FOR, MemberStatus
from loyalty.members.rules.numbers import number_of
from tests.support.settings import MP_APPID, OA_APPID, VAULT

LONG_AGO = datetime(2025, 11, 1, 4, 0, tzinfo=UTC)
_serial = itertools.count(1)


def unused_phone() -> str:
    """A mainland phone that no other test has, also in other processes of this run."""
    return f"+86138{os.getpid() % 10000:04d}{next(_serial) % 10000:04d}"


def unused_openid() -> str:
    return f"o{os.getpid()}_{next(_serial)}_openid"


def unused_unionid() -> str:
    return f"u{os.getpid()}_{next(_serial)}_unionid"


def make_member(
    session: Session,
    *,
    phone: str | None = "",
    status: MemberStatus = MemberStatus.ACTIVE,
    enrolled_at: datetime = LONG_AGO,
    last_active_at: datetime | None = None,
    enrolled_store_id: int | None = None,
    merged_into_id: int | None = None,
    nickname: str | None = None,
    vault: Vault = VAULT,
) -> Member:
    """A member with a phone of its own; ``phone=None`` for one without."""
    phone = unused_phone() if phone == "" else phone
    member_id = session.scalar(text("SELECT nextval('members_id_seq')"))
    member = Member(
        id=member_id,
        number=number_of(member_id, key=vault.index_key),
        status=status,
        phone_sealed=vault.seal(phone, context="members.phone") if phone else None,
        phone_index=vault.index(phone, context="members.phone") if phone else None,
        phone_proved_at=enrolled_at if phone else None,
        nickname_sealed=vault.seal(nickname, context="members.nickname") if nickname else None,
        enrolled_at=enrolled_at,
        enrolled_store_id=enrolled_store_id,
        last_active_at=last_active_at or enrolled_at,
        provisional_until_at=enrolled_at + PROVISIONAL_FOR if status is MemberStatus.PROVISIONAL else None,
        merged_into_id=merged_into_id,
    )
    session.add(member)
    session.flush()
    return member


def make_identity(
    session: Session,
    *,
    member: Member | None = None,
    kind: IdentityKind = IdentityKind.OFFICIAL_ACCOUNT,
    appid: str = "",
    openid: str = "",
    unionid: str | None = None,
    is_following: bool = False,
    first_seen_at: datetime = LONG_AGO,
) -> Identity:
    """An identity, a visitor's unless a member is given."""
    accounts = {IdentityKind.OFFICIAL_ACCOUNT: OA_APPID, IdentityKind.MINI_PROGRAM: MP_APPID}
    identity = Identity(
        appid=appid or accounts[kind],
        openid=openid or unused_openid(),
        unionid=unionid,
        kind=kind,
        member_id=member.id if member else None,
        is_following=is_following,
        followed_at=first_seen_at if is_following else None,
        first_seen_at=first_seen_at,
    )
    session.add(identity)
    session.flush()
    return identity


def make_consents(*purposes: Purpose) -> list[ConsentGiven]:
    """What a person ticks: the required texts in their drafts, and the purposes given."""
    ticked = REQUIRED_PURPOSES | set(purposes)
    return [ConsentGiven(text.purpose, text.version) for text in DRAFT_TEXTS if text.purpose in ticked]
