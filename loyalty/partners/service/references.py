"""Naming a member to a key: by the code they show, by their phone, or by enrolling the phone.

Each answers the same for the same idempotency key, so that a till whose line broke can ask again.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.kernel.idempotency import Answer, once, request_hash
from loyalty.members.rules.phones import normalise_phone
from loyalty.members.service.provisional import enrol_provisional
from loyalty.partners.models import MemberRef
from loyalty.partners.queries import require_store
from loyalty.partners.rules.keys import PartnerCaller
from loyalty.partners.rules.references import LIFETIME, IssuedRef, MemberName
from loyalty.partners.service.locating import locate
from loyalty.partners.service.member_codes import take_code

_TOKEN_BYTES = 18


@dataclass(frozen=True, slots=True)
class Till:
    """Who asks: a key, in the name of one of its stores, under an idempotency key."""

    caller: PartnerCaller
    store_code: str
    idempotency_key: str


def name_member(
    session: Session, *, till: Till, vault: Vault, code_key: bytes, code: str | None, phone: str | None, at: datetime
) -> IssuedRef:
    """Return a reference for who shows a member code (会员码), or for the holder of a phone.

    A code is good once, for all keys; the store knows its member from then on. A phone is found only where one of
    the key's stores knows its holder.

    Raises:
        MemberNotNamed: neither code nor phone was given, or both.
        MemberCodeInvalid: not made by us, too old, or its member is no longer one.
        MemberCodeUsed: the code was exchanged before.
        PhoneInvalid: no mobile number of the four regions.
        MemberNotFound: nobody whom the key knows has the phone; whether anybody else has is not told.
        StoreNotFound: no open store of this key has the code.
        IdempotencyKeyReused: the idempotency key came with another request.
    """
    if code is not None and phone is None:
        asked = "code:" + hashlib.sha256(code.encode()).hexdigest()
        return _once(session, till, asked, at, lambda: _by_code(session, till, code_key, code, at))
    name = MemberName(phone=None if code is not None else phone)
    asked = "phone:" + _phone_index(vault, phone or "")
    return _once(session, till, asked, at, lambda: _by_phone(session, till, vault, name, at))


def enrol_phone(session: Session, *, till: Till, vault: Vault, phone: str, at: datetime) -> IssuedRef:
    """Enrol a phone at a store as a provisional member (待确认会员) and return a reference that can only earn.

    Whoever has the phone already gets the points, and the answer is the same: nobody learns who is a member.

    Raises:
        PhoneInvalid: no mobile number of the four regions.
        StoreNotFound: no open store of this key has the code.
        IdempotencyKeyReused: the idempotency key came with another request.
    """

    def enrol() -> IssuedRef:
        store_id = require_store(session, caller=till.caller, code=till.store_code)
        enrolled = enrol_provisional(session, vault, phone=phone, store_id=store_id, at=at)
        return issue_ref(session, till.caller, enrolled.member_id, is_introduced=False, at=at)

    return _once(session, till, "enrol:" + _phone_index(vault, phone), at, enrol)


def _once(session: Session, till: Till, asked: str, at: datetime, work: Callable[[], IssuedRef]) -> IssuedRef:
    def answer() -> Answer:
        issued = work()
        return Answer(201, {"member_ref": issued.token, "expires_at": issued.expires_at.isoformat()})

    body = once(
        session,
        scope=f"{till.caller.source}:refs",
        key=till.idempotency_key,
        request=request_hash(till.store_code, asked),
        at=at,
        work=answer,
    ).body
    return IssuedRef(body["member_ref"], datetime.fromisoformat(body["expires_at"]))


def _by_code(session: Session, till: Till, code_key: bytes, code: str, at: datetime) -> IssuedRef:
    store_id = require_store(session, caller=till.caller, code=till.store_code)
    member_id = take_code(session, code_key=code_key, code=code, store_id=store_id, at=at)
    return issue_ref(session, till.caller, member_id, is_introduced=True, at=at)


def _by_phone(session: Session, till: Till, vault: Vault, name: MemberName, at: datetime) -> IssuedRef:
    located = locate(session, caller=till.caller, vault=vault, store_code=till.store_code, name=name, at=at)
    located.require_store()
    return issue_ref(session, till.caller, located.require_member().member_id, is_introduced=True, at=at)


def _phone_index(vault: Vault, phone: str) -> str:
    """Tell phones apart in what is kept for ever, readable by nobody."""
    return vault.index(normalise_phone(phone), context="partners.request").hex()


def issue_ref(
    session: Session, caller: PartnerCaller, member_id: int, *, is_introduced: bool, at: datetime
) -> IssuedRef:
    """Return a reference to a member, good for one key and a quarter of an hour."""
    issued = IssuedRef(token=secrets.token_urlsafe(_TOKEN_BYTES), expires_at=at + LIFETIME)
    session.execute(
        insert(MemberRef).values(
            token=issued.token,
            partner_key_id=caller.id,
            member_id=member_id,
            is_introduced=is_introduced,
            opened_at=at,
            expires_at=issued.expires_at,
        )
    )
    return issued
