"""Keys as headquarters manages them: two people for whatever opens a door, one for whatever closes it.

A new key, a new secret, other stores and switching on wait for a second person; switching off and ending an old
secret count at once. Every change is audited, and no secret is ever part of it.
"""

import secrets
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from loyalty.approvals import service as approvals
from loyalty.approvals.rules import ApprovalKind
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Json
from loyalty.partners import queries
from loyalty.partners.models import PartnerKey, PartnerKeyScope, PartnerSecret
from loyalty.partners.queries import PartnerKeyView
from loyalty.partners.rules.keys import (
    KeyChange,
    KeyDetails,
    NoOldSecret,
    PartnerKeyNotFound,
    RotationUnderWay,
    check_details,
)
from loyalty.partners.rules.signatures import SECRET_BYTES
from loyalty.stores import queries as stores

SECRET_CONTEXT = "partner_secrets.secret"  # noqa: S105 - the name of a column


def create_key(
    session: Session, *, vault: Vault, details: KeyDetails, actor: Actor, at: datetime
) -> tuple[PartnerKeyView, str]:
    """Make a key for a system and return it with its secret, shown this once; it works once it is approved.

    Raises:
        InvalidPartnerKey: the name, the stores or the rate do not fit.
        StoreNotFound: a node of the scope does not exist.
    """
    _check(session, details)
    key = PartnerKey(
        key_id=f"pk_{secrets.token_hex(8)}",
        name=details.name,
        requests_per_minute=details.requests_per_minute,
        is_active=False,
        created_by=actor.name,
        created_at=at,
    )
    session.add(key)
    session.flush()
    set_scope(session, partner_key_id=key.id, details=details)
    secret = _add_secret(session, vault=vault, partner_key_id=key.id, at=at)
    view = queries.get_key(session, partner_key_id=key.id, at=at)
    write_audit(session, view, "partners.create_key", before=None, actor=actor, at=at)
    _ask(session, view, KeyChange.CREATE, _facts_of(details), actor=actor, at=at)
    return view, secret


def propose_update(session: Session, *, partner_key_id: int, details: KeyDetails, actor: Actor, at: datetime) -> None:
    """Ask for another name, other stores or another rate of a key.

    Raises:
        PartnerKeyNotFound, StoreNotFound: there is no such key or node.
        InvalidPartnerKey: the name, the stores or the rate do not fit.
        ApprovalWaiting: another change of the key waits already.
    """
    _check(session, details)
    view = lock_key(session, partner_key_id, at)
    _ask(session, view, KeyChange.UPDATE, _facts_of(details), actor=actor, at=at)


def propose_rotation(
    session: Session, *, vault: Vault, partner_key_id: int, actor: Actor, at: datetime
) -> tuple[PartnerKeyView, str]:
    """Ask for a new secret (轮换), shown this once; once it is approved, the old one stays good for a week.

    Raises:
        PartnerKeyNotFound: there is no such key.
        RotationUnderWay: an older secret is still good.
        ApprovalWaiting: another change of the key waits already.
    """
    view = lock_key(session, partner_key_id, at)
    if view.old_secret_ends_at is not None:
        raise RotationUnderWay(until_at=view.old_secret_ends_at.isoformat())
    _ask(session, view, KeyChange.ROTATE, {"name": view.name}, actor=actor, at=at)
    return view, _add_secret(session, vault=vault, partner_key_id=partner_key_id, at=at)


def propose_switching_on(session: Session, *, partner_key_id: int, actor: Actor, at: datetime) -> None:
    """Ask for a key that was switched off to work again; one that works already needs nothing.

    Raises:
        PartnerKeyNotFound: there is no such key.
        ApprovalWaiting: another change of the key waits already.
    """
    view = lock_key(session, partner_key_id, at)
    if not view.is_active:
        _ask(session, view, KeyChange.SWITCH_ON, {"name": view.name}, actor=actor, at=at)


def switch_off(session: Session, *, partner_key_id: int, actor: Actor, at: datetime) -> None:
    """Switch a key off, from its next request on; doing it twice equals once.

    Raises:
        PartnerKeyNotFound: there is no such key.
    """
    before = lock_key(session, partner_key_id, at)
    if not before.is_active:
        return
    session.execute(update(PartnerKey).where(PartnerKey.id == partner_key_id).values(is_active=False))
    view = queries.get_key(session, partner_key_id=partner_key_id, at=at)
    write_audit(session, view, "partners.switch_off_key", before=before, actor=actor, at=at)


def end_old_secret(session: Session, *, partner_key_id: int, actor: Actor, at: datetime) -> None:
    """End the secret before the current one now, since every till has the new one, or since it leaked.

    Raises:
        PartnerKeyNotFound: there is no such key.
        NoOldSecret: only the current secret is good.
    """
    before = lock_key(session, partner_key_id, at)
    if before.old_secret_ends_at is None:
        raise NoOldSecret
    is_old = (PartnerSecret.partner_key_id == partner_key_id) & (PartnerSecret.ends_at > at)
    session.execute(update(PartnerSecret).where(is_old).values(ends_at=at))
    view = queries.get_key(session, partner_key_id=partner_key_id, at=at)
    write_audit(session, view, "partners.end_old_secret", before=before, actor=actor, at=at)


def lock_key(session: Session, partner_key_id: int, at: datetime) -> PartnerKeyView:
    """Hold a key until the transaction ends, and return it as it is now.

    Raises:
        PartnerKeyNotFound: there is no such key.
    """
    lock = select(PartnerKey.id).where(PartnerKey.id == partner_key_id).with_for_update(key_share=True)
    if session.execute(lock).first() is None:
        raise PartnerKeyNotFound(partner_key_id=partner_key_id)
    return queries.get_key(session, partner_key_id=partner_key_id, at=at)


def set_scope(session: Session, *, partner_key_id: int, details: KeyDetails) -> None:
    """Write down where a new key acts."""
    rows = [{"partner_key_id": partner_key_id, "store_id": store_id} for store_id in details.store_ids]
    session.execute(insert(PartnerKeyScope), rows)


def write_audit(
    session: Session, view: PartnerKeyView, action: str, *, before: PartnerKeyView | None, actor: Actor, at: datetime
) -> None:
    """Note a change of a key, as it was and as it is."""
    was = None if before is None else _picture(before)
    audit.write(session, actor=actor, action=action, subject=view.subject, before=was, after=_picture(view), at=at)


def _check(session: Session, details: KeyDetails) -> None:
    check_details(details)
    for store_id in details.store_ids:
        stores.get_store(session, store_id=store_id)


def _ask(session: Session, view: PartnerKeyView, change: KeyChange, facts: Json, *, actor: Actor, at: datetime) -> None:
    facts = {"change": change.value, "key_id": view.key_id, **facts}
    approvals.request(session, kind=ApprovalKind.PARTNER_KEY, subject=view.subject, facts=facts, actor=actor, at=at)


def _facts_of(details: KeyDetails) -> Json:
    return {
        "name": details.name,
        "requests_per_minute": details.requests_per_minute,
        "store_ids": sorted(details.store_ids),
    }


def _add_secret(session: Session, *, vault: Vault, partner_key_id: int, at: datetime) -> str:
    secret = secrets.token_urlsafe(SECRET_BYTES)
    sealed = vault.seal(secret, context=SECRET_CONTEXT)
    session.execute(insert(PartnerSecret).values(partner_key_id=partner_key_id, secret_sealed=sealed, created_at=at))
    return secret


def _picture(view: PartnerKeyView) -> Json:
    made_at, ends_at = view.secret_made_at, view.old_secret_ends_at
    return {
        "key_id": view.key_id,
        "name": view.name,
        "requests_per_minute": view.requests_per_minute,
        "is_active": view.is_active,
        "store_ids": list(view.scope_ids),
        "secret_made_at": None if made_at is None else made_at.isoformat(),
        "old_secret_ends_at": None if ends_at is None else ends_at.isoformat(),
    }
