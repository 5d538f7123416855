"""What a request is about, in one statement: the store, the member, and whether it was answered before."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Select, bindparam, false, func, literal, null, select, true
from sqlalchemy.orm import Session, aliased

from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Json
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.idempotency import IdempotencyRecord
from loyalty.kernel.prepared import send
from loyalty.members.models import Member
from loyalty.members.queries import HOLDING
from loyalty.members.rules.members import MemberNotFound, MemberProvisional
from loyalty.members.rules.phones import normalise_phone
from loyalty.partners.acquaintance import is_known
from loyalty.partners.models import MemberRef
from loyalty.partners.queries import open_store
from loyalty.partners.rules.keys import PartnerCaller
from loyalty.partners.rules.references import MemberName, MemberRefNotFound, NamedMember
from loyalty.stores.queries import StoreNotFound

_By = Literal["nothing", "phone", "ref"]


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What the first request with a key was told."""

    request_hash: bytes
    status: int
    answer: Json


@dataclass(frozen=True, slots=True)
class Located:
    """What a request is about; what is not there raises when it is asked for."""

    answered: StoredAnswer | None
    found_store_id: int | None
    found_member: NamedMember | None
    store_missing: Callable[[], LoyaltyError]
    member_missing: Callable[[], LoyaltyError]

    def require_store(self) -> int:
        """Return the store in whose name the request comes.

        Raises:
            StoreNotFound: no open store of this key has the code.
        """
        if self.found_store_id is None:
            raise self.store_missing()
        return self.found_store_id

    def require_member(self) -> NamedMember:
        """Return the member whom the request names.

        Raises:
            MemberRefNotFound: the reference is not of this key, or too old.
            MemberNotFound: nobody whom this key knows has the phone.
        """
        if self.found_member is None:
            raise self.member_missing()
        return self.found_member

    def require_spender(self) -> int:
        """Return the member whom the request names, where they may use what they have.

        Raises:
            MemberRefNotFound, MemberNotFound: as ``require_member``.
            MemberProvisional: the person has not confirmed the membership.
        """
        member = self.require_member()
        if not member.is_introduced:
            raise MemberProvisional
        return member.member_id


def locate(
    session: Session,
    *,
    caller: PartnerCaller,
    vault: Vault,
    store_code: str | None = None,
    name: MemberName | None = None,
    scope: str = "",
    key: str = "",
    at: datetime,
) -> Located:
    """Find what a request is about; ``scope`` and ``key`` are those of its stored answer.

    Raises:
        PhoneInvalid: the phone is no mobile number of the four regions.
    """
    by, named = _named(name, vault)
    values = {
        **named,
        "partner_key_id": caller.id,
        "roots": list(caller.roots),
        "is_chain_wide": caller.is_chain_wide,
        "store_code": store_code or "",
        "scope": scope,
        "key": key,
        "at": at,
    }
    (row,) = send(session, _STATEMENTS[by], values)
    return Located(
        answered=None if row.status is None else StoredAnswer(row.request_hash, row.status, row.answer),
        found_store_id=row.store_id,
        found_member=None if row.member_id is None else NamedMember(row.member_id, row.is_introduced),
        store_missing=lambda: StoreNotFound(store_code=store_code),
        member_missing=MemberNotFound if name is not None and name.ref is None else MemberRefNotFound,
    )


def _named(name: MemberName | None, vault: Vault) -> tuple[_By, dict[str, Any]]:
    if name is None:
        return "nothing", {}
    if name.ref is not None:
        return "ref", {"ref": name.ref}
    return "phone", {"phone_index": vault.index(normalise_phone(name.phone or ""), context="members.phone")}


def _statement(member: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    of_store, of_member = open_store().subquery("store"), member.subquery("member")
    answered = (
        select(IdempotencyRecord.request_hash, IdempotencyRecord.status, IdempotencyRecord.answer)
        .where(IdempotencyRecord.scope == bindparam("scope"), IdempotencyRecord.key == bindparam("key"))
        .subquery("answered")
    )
    asked = select(literal(1).label("asked")).subquery("asked")
    return select(*of_store.c, *of_member.c, *answered.c).select_from(
        asked.outerjoin(of_store, true()).outerjoin(of_member, true()).outerjoin(answered, true())
    )


def _nobody() -> Select[*tuple[Any, ...]]:
    return select(null().label("member_id"), null().label("is_introduced")).where(false())


def _by_phone() -> Select[*tuple[Any, ...]]:
    return select(Member.id.label("member_id"), true().label("is_introduced")).where(
        Member.phone_index == bindparam("phone_index"), Member.status.in_(HOLDING), is_known()
    )


def _by_ref() -> Select[*tuple[Any, ...]]:
    survivor = aliased(Member)
    return (
        select(func.coalesce(survivor.id, Member.id).label("member_id"), MemberRef.is_introduced)
        .join(Member, Member.id == MemberRef.member_id)
        .outerjoin(survivor, survivor.id == Member.merged_into_id)
        .where(
            MemberRef.token == bindparam("ref"),
            MemberRef.partner_key_id == bindparam("partner_key_id"),
            MemberRef.expires_at > bindparam("at"),
            func.coalesce(survivor.status, Member.status).in_(HOLDING),
        )
    )


_STATEMENTS: Mapping[_By, Select[*tuple[Any, ...]]] = {
    "nothing": _statement(_nobody()),
    "phone": _statement(_by_phone()),
    "ref": _statement(_by_ref()),
}
