"""Who signed a request: one statement takes the nonce and says whose key it is and where it acts.

Secrets that were opened once are kept by the process, so that a signature is checked before anything is written:
who has no secret cannot use up nonces. The statement itself asks anew whether the key and the secret are good, so
that switching one off counts from the next request on. It does not wait until the nonce is on disk: whatever the
request then writes waits for all that was written before it, and a refusal may be replayed without harm.
"""

from datetime import datetime
from secrets import token_urlsafe
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import BigInteger, DateTime, Select, String, and_, bindparam, exists, func, or_, select, true
from sqlalchemy.dialects.postgresql import insert

from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run_single
from loyalty.partners.models import PartnerKey, PartnerKeyScope, PartnerNonce, PartnerSecret
from loyalty.partners.rules.keys import PartnerCaller
from loyalty.partners.rules.signatures import (
    SECRET_BYTES,
    NonceUsed,
    SignatureInvalid,
    SignedRequest,
    check_form,
    is_signed_by,
)
from loyalty.partners.service.keys import SECRET_CONTEXT
from loyalty.points.posting import constant, table_of
from loyalty.stores.models import Store
from loyalty.stores.rules import StoreKind

_Secrets = dict[int, str]
_known: WeakKeyDictionary[Database, dict[str, _Secrets]] = WeakKeyDictionary()
"""The secrets of each key as this process last saw them; keys that do not exist are never in it."""
_NOBODYS: _Secrets = {0: token_urlsafe(SECRET_BYTES)}
"""A key that does not exist costs the same arithmetic."""

KEYS, SCOPES, SECRETS, NONCES, STORES = map(table_of, (PartnerKey, PartnerKeyScope, PartnerSecret, PartnerNonce, Store))
_AT = bindparam("at", type_=DateTime(timezone=True))
_IS_GOOD = and_(SECRETS.c.approved_at.is_not(None), or_(SECRETS.c.ends_at.is_(None), SECRETS.c.ends_at > _AT))
_LOOK_UP = (
    select(SECRETS.c.id, SECRETS.c.secret_sealed)
    .join(KEYS, KEYS.c.id == SECRETS.c.partner_key_id)
    .where(KEYS.c.key_id == bindparam("key_id"), KEYS.c.is_active, _IS_GOOD)
)


def _admit() -> Select[Any]:
    key = (
        select(KEYS.c.id, KEYS.c.key_id, KEYS.c.name, KEYS.c.requests_per_minute)
        .join(SECRETS, SECRETS.c.partner_key_id == KEYS.c.id)
        .where(SECRETS.c.id == bindparam("secret_id", type_=BigInteger), KEYS.c.is_active, _IS_GOOD)
        .cte("key")
    )
    noted = (
        insert(NONCES)
        .from_select(["partner_key_id", "nonce", "used_at"], select(key.c.id, bindparam("nonce", type_=String), _AT))
        .on_conflict_do_nothing()
        .returning(NONCES.c.nonce)
        .cte("noted")
    )
    roots = select(func.array_agg(SCOPES.c.store_id)).where(SCOPES.c.partner_key_id == key.c.id)
    headquarters = exists().where(
        SCOPES.c.partner_key_id == key.c.id, STORES.c.id == SCOPES.c.store_id, STORES.c.kind == StoreKind.HEADQUARTERS
    )
    return select(
        *key.c,
        func.set_config(constant("synchronous_commit"), constant("off"), true()).label("is_flushed_later"),
        roots.scalar_subquery().label("roots"),
        headquarters.label("is_chain_wide"),
        exists(select(noted.c.nonce)).label("is_fresh"),
    )


_ADMIT = _admit()


def authenticate(database: Database, *, vault: Vault, request: SignedRequest, at: datetime) -> PartnerCaller:
    """Return the key that signed a request, and take its nonce: the same request again is refused.

    One statement; a second one where the process does not know the secret yet, or knows it no longer good.

    Raises:
        SignatureMissing: a header is missing or malformed.
        SignatureOutdated: signed more than five minutes from now.
        SignatureInvalid: no such key, switched off, or not by one of its secrets.
        NonceUsed: this request was received before.
        DatabaseUnavailable: the database does not answer.
    """
    check_form(request, at=at)
    secrets = _known.get(database, {}).get(request.key_id, _NOBODYS)
    caller = _admitted(database, secrets, request, at)
    if caller is None:
        caller = _admitted(database, _look_up(database, vault, request.key_id, at), request, at)
    if caller is None:
        raise SignatureInvalid
    return caller


def _admitted(database: Database, secrets: _Secrets, request: SignedRequest, at: datetime) -> PartnerCaller | None:
    fitting = [secret_id for secret_id, secret in secrets.items() if is_signed_by(secret, request)]
    if not fitting:
        return None
    rows = run_single(database, _ADMIT, {"secret_id": fitting[0], "nonce": request.nonce, "at": at})
    if not rows:
        return None
    if not rows[0].is_fresh:
        raise NonceUsed
    return PartnerCaller(
        id=rows[0].id,
        key_id=rows[0].key_id,
        name=rows[0].name,
        requests_per_minute=rows[0].requests_per_minute,
        roots=tuple(rows[0].roots or ()),
        is_chain_wide=rows[0].is_chain_wide,
    )


def _look_up(database: Database, vault: Vault, key_id: str, at: datetime) -> _Secrets:
    rows = run_single(database, _LOOK_UP, {"key_id": key_id, "at": at})
    keys = _known.setdefault(database, {})
    if not rows:
        keys.pop(key_id, None)
        return _NOBODYS
    keys[key_id] = {row.id: vault.open(row.secret_sealed, context=SECRET_CONTEXT) for row in rows}
    return keys[key_id]
