"""What a request is about, in one statement: the store, the member, and whether it was answered before."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import Select, String, bindparam, false, func, literal, null, select, true
from sqlalchemy.orm import Session, aliased

from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Json
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.idempotency import IdempotencyRecord
from loyalty.members.models import Member
from loyalty.members.queries import HOLDING
from loyalty.members.rules.members import MemberNotFound
from loyalty.members.rules.phones import normalise_phone
from loyalty.partners.acquaintance import is_known_to
from loyalty.partners.models import MemberRef
from loyalty.partners.queries import open_store
from loyalty.partners.rules.keys import PartnerCaller
from loyalty.partners.rules.references import MemberName, MemberRefNotFound, NamedMember
from loyalty.stores.models import Store
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
    by = "nothing" if name is None else "phone" if name.ref is None else "ref"
    values = {"store_code": store_code or "", "scope": scope, "key": key, "at": at}
    row = session.execute(_statement(caller, by), {**values, **_named(name, vault)}).one()
    return Located(
        answered=None if row.status is None else StoredAnswer(row.request_hash, row.status, row.answer),
        found_store_id=row.store_id,
        found_member=None if row.member_id is None else NamedMember(row.member_id, row.is_introduced),
        store_missing=lambda: StoreNotFound(store_code=store_code),
        member_missing=MemberNotFound if name is not None and name.ref is None else MemberRefNotFound,
    )


def _named(name: MemberName | None, vault: Vault) -> dict[str, Any]:
    if name is None:
        return {}
    if name.ref is not None:
        return {"ref": name.ref}
    return {"phone_index": vault.index(normalise_phone(name.phone or ""), context="members.phone")}


@lru_cache(maxsize=1024)
def _statement(caller: PartnerCaller, by: _By) -> Select[*tuple[Any, ...]]:
    """Built once for each key as it stands: building it costs several times as much as sending it."""
    is_open = open_store(caller, bindparam("store_code", type_=String))
    store = select(Store.id.label("store_id")).where(is_open).subquery("store")
    member = _MEMBERS[by](caller).subquery("member")
    answered = (
        select(IdempotencyRecord.request_hash, IdempotencyRecord.status, IdempotencyRecord.answer)
        .where(IdempotencyRecord.scope == bindparam("scope"), IdempotencyRecord.key == bindparam("key"))
        .subquery("answered")
    )
    asked = select(literal(1).label("asked")).subquery("asked")
    return select(*store.c, *member.c, *answered.c).select_from(
        asked.outerjoin(store, true()).outerjoin(member, true()).outerjoin(answered, true())
    )


def _nobody(_caller: PartnerCaller) -> Select[*tuple[Any, ...]]:
    return select(null().label("member_id"), null().label("is_introduced")).where(false())


def _by_phone(caller: PartnerCaller) -> Select[*tuple[Any, ...]]:
    return select(Member.id.label("member_id"), true().label("is_introduced")).where(
        Member.phone_index == bindparam("phone_index"), Member.status.in_(HOLDING), is_known_to(caller)
    )


def _by_ref(caller: PartnerCaller) -> Select[*tuple[Any, ...]]:
    survivor = aliased(Member)
    return (
        select(func.coalesce(survivor.id, Member.id).label("member_id"), MemberRef.is_introduced)
        .join(Member, Member.id == MemberRef.member_id)
        .outerjoin(survivor, survivor.id == Member.merged_into_id)
        .where(
            MemberRef.token == bindparam("ref"),
            MemberRef.partner_key_id == caller.id,
            MemberRef.expires_at > bindparam("at"),
            func.coalesce(survivor.status, Member.status).in_(HOLDING),
        )
    )


_MEMBERS: Mapping[_By, Callable[[PartnerCaller], Select[*tuple[Any, ...]]]] = {
    "nothing": _nobody,
    "phone": _by_phone,
    "ref": _by_ref,
}
