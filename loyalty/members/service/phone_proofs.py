"""Proofs of a phone: a code by SMS (短信验证码) or WeChat's phone button (手机号快速验证).

Nothing here looks at members, so neither an answer nor its timing tells whether a phone is known.
A code is stored as an HMAC and good once, for the identity, phone and purpose it was asked for.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Executable, bindparam, case, func, insert, or_, select, update
from sqlalchemy.orm import Session, aliased

from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run_single
from loyalty.members.models import Identity, SmsCode
from loyalty.members.rules.phones import normalise_phone
from loyalty.members.rules.sms_codes import (
    CODE_ATTEMPTS,
    CODE_DIGITS,
    CODE_LIFETIME,
    RATE_LIMITS,
    CodePurpose,
    CodeWrong,
    LimitedBy,
    TooManyCodes,
    is_code,
)
from loyalty.members.service.locks import lock_names


@dataclass(frozen=True, slots=True)
class SmsRequest:
    """A code to be sent, once the transaction has committed; nobody else learns it."""

    phone: str
    code: str


@dataclass(frozen=True, slots=True)
class PhoneProof:
    """A phone in E.164 that the identity before us has just shown to be theirs."""

    phone: str
    proved_at: datetime


_other = aliased(SmsCode)
_LATEST = (
    select(_other.id)
    .where(
        _other.identity_id == bindparam("identity"),
        _other.phone_index == bindparam("phone"),
        _other.purpose == bindparam("wanted"),
    )
    .order_by(_other.id.desc())
    .limit(1)
    .scalar_subquery()
)
_TRY = (
    update(SmsCode)
    .where(
        SmsCode.id == _LATEST,
        SmsCode.consumed_at.is_(None),
        SmsCode.attempts < CODE_ATTEMPTS,
        SmsCode.expires_at > bindparam("at"),
    )
    .values(
        attempts=SmsCode.attempts + 1,
        consumed_at=case((SmsCode.code_hmac == bindparam("hmac"), bindparam("at")), else_=None),
    )
    .returning(SmsCode.consumed_at)
)


_COLUMNS = {
    LimitedBy.PHONE: SmsCode.phone_index,
    LimitedBy.DEVICE: SmsCode.device_index,
    LimitedBy.IP: SmsCode.ip_index,
}
_asking = aliased(Identity)
_SAME_MEMBER = (
    select(Identity.id)
    .join(_asking, or_(Identity.id == _asking.id, Identity.member_id == _asking.member_id))
    .where(_asking.id == bindparam("asking"))
)


def request_sms_code(
    session: Session,
    *,
    vault: Vault,
    identity_id: int,
    phone: str,
    purpose: CodePurpose,
    device: str | None,
    ip: str,
    at: datetime,
) -> SmsRequest:
    """Make a code for a phone; the door sends it after the commit. Any earlier one is void.

    ``device`` is the door's mark of a browser or telephone, None where there is none.

    Raises:
        PhoneInvalid: no mobile number of the four regions.
        TooManyCodes: a rate limit by phone, member, device or address is used up.
    """
    phone = normalise_phone(phone)
    counted = _counted(vault, identity_id, phone, device, ip)
    _require_within_limits(session, counted, at)
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    session.execute(
        insert(SmsCode).values(
            identity_id=identity_id,
            purpose=purpose,
            phone_index=counted[LimitedBy.PHONE],
            code_hmac=_code_hmac(vault, phone, code),
            device_index=counted[LimitedBy.DEVICE],
            ip_index=counted[LimitedBy.IP],
            requested_at=at,
            expires_at=at + CODE_LIFETIME,
        )
    )
    return SmsRequest(phone, code)


def prove_phone_by_sms(
    database: Database,
    *,
    vault: Vault,
    identity_id: int,
    phone: str,
    code: str,
    purpose: CodePurpose,
    at: datetime,
) -> PhoneProof:
    """Use up a code, by one statement of its own, so that a wrong try stays counted.

    Raises:
        PhoneInvalid: no mobile number of the four regions.
        CodeWrong: wrong, used, expired, tried too often, or never sent.
    """
    phone = normalise_phone(phone)
    rows = run_single(
        database,
        _TRY,
        {
            "identity": identity_id,
            "phone": _phone_index(vault, phone),
            "wanted": purpose,
            "hmac": _code_hmac(vault, phone, code if is_code(code) else ""),
            "at": at,
        },
    )
    if not rows or rows[0].consumed_at is None:
        raise CodeWrong
    return PhoneProof(phone, at)


def proof_by_wechat(*, phone: str, at: datetime) -> PhoneProof:
    """Take a phone that WeChat's phone code stood for.

    Raises:
        PhoneInvalid: no mobile number of the four regions.
    """
    return PhoneProof(normalise_phone(phone), at)


def _counted(
    vault: Vault, identity_id: int, phone: str, device: str | None, ip: str
) -> dict[LimitedBy, bytes | int | None]:
    return {
        LimitedBy.PHONE: _phone_index(vault, phone),
        LimitedBy.MEMBER: identity_id,
        LimitedBy.DEVICE: None if device is None else vault.index(device, context="sms_codes.device"),
        LimitedBy.IP: vault.index(ip, context="sms_codes.ip"),
    }


def _require_within_limits(session: Session, counted: dict[LimitedBy, bytes | int | None], at: datetime) -> None:
    subjects = {by: value for by, value in counted.items() if value is not None}
    lock_names(session, [f"sms:{by}:{_name(value)}" for by, value in subjects.items()])
    limits = [limit for limit in RATE_LIMITS if limit.by in subjects]
    used: Sequence[int] = session.execute(_count(subjects, at)).one()
    reached = [limit for limit, count in zip(limits, used, strict=True) if count >= limit.most]
    if reached:
        # Which subject is at its limit is not told: "this phone" would speak of others' requests.
        raise TooManyCodes(retry_after_seconds=max(int(limit.window.total_seconds()) for limit in reached))


def _count(subjects: dict[LimitedBy, bytes | int], at: datetime) -> Executable:
    columns = {by: _is_of(by, value) for by, value in subjects.items()}
    limits = [limit for limit in RATE_LIMITS if limit.by in subjects]
    longest = max(limit.window for limit in limits)
    counts = [func.count().filter(columns[limit.by], SmsCode.requested_at > at - limit.window) for limit in limits]
    return select(*counts).where(SmsCode.requested_at > at - longest, or_(*columns.values()))


def _is_of(by: LimitedBy, value: bytes | int) -> ColumnElement[bool]:
    if by is LimitedBy.MEMBER:
        return SmsCode.identity_id.in_(_SAME_MEMBER.params(asking=value))
    return _COLUMNS[by] == value


def _name(value: bytes | int) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _phone_index(vault: Vault, phone: str) -> bytes:
    return vault.index(phone, context="members.phone")


def _code_hmac(vault: Vault, phone: str, code: str) -> bytes:
    return vault.index(f"{phone}:{code}", context="sms_codes.code")
