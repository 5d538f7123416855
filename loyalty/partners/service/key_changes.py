"""Deciding on changes of keys (密钥变更复核): what one person asked for counts once another has approved it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from loyalty.approvals import service as approvals
from loyalty.kernel.audit import Actor
from loyalty.partners import queries
from loyalty.partners.models import PartnerKey, PartnerKeyScope, PartnerSecret
from loyalty.partners.rules.keys import OVERLAP, KeyChange, KeyDetails, NoKeyChange
from loyalty.partners.service.keys import lock_key, set_scope, write_audit

Facts = Mapping[str, Any]
"""What was asked for, as the approval keeps it."""

_ACTIONS = {
    KeyChange.CREATE: "partners.switch_on_key",
    KeyChange.UPDATE: "partners.update_key",
    KeyChange.ROTATE: "partners.rotate_key",
    KeyChange.SWITCH_ON: "partners.switch_on_key",
}


def decide_change(session: Session, *, partner_key_id: int, is_approved: bool, actor: Actor, at: datetime) -> KeyChange:
    """Approve or refuse the change of a key that waits; a secret that is refused is destroyed.

    Raises:
        PartnerKeyNotFound: there is no such key.
        NoKeyChange: nothing about it waits.
        ApprovalByMaker: the decider asked for it.
    """
    before = lock_key(session, partner_key_id, at)
    waiting = queries.waiting_change(session, partner_key_id=partner_key_id)
    if waiting is None:
        raise NoKeyChange
    approvals.decide(session, approval_id=waiting.id, is_approved=is_approved, actor=actor, at=at)
    change = KeyChange(waiting.facts["change"])
    if not is_approved:
        _drop_waiting_secret(session, partner_key_id)
        return change
    _EFFECTS[change](session, partner_key_id, waiting.facts, at)
    view = queries.get_key(session, partner_key_id=partner_key_id, at=at)
    write_audit(session, view, _ACTIONS[change], before=before, actor=actor, at=at)
    return change


def _create(session: Session, partner_key_id: int, facts: Facts, at: datetime) -> None:
    _rotate(session, partner_key_id, facts, at)
    _switch_on(session, partner_key_id, facts, at)


def _update(session: Session, partner_key_id: int, facts: Facts, _at: datetime) -> None:
    details = KeyDetails(facts["name"], facts["requests_per_minute"], frozenset(facts["store_ids"]))
    session.execute(
        update(PartnerKey)
        .where(PartnerKey.id == partner_key_id)
        .values(name=details.name, requests_per_minute=details.requests_per_minute)
    )
    session.execute(delete(PartnerKeyScope).where(PartnerKeyScope.partner_key_id == partner_key_id))
    set_scope(session, partner_key_id=partner_key_id, details=details)


def _rotate(session: Session, partner_key_id: int, _facts: Facts, at: datetime) -> None:
    own = PartnerSecret.partner_key_id == partner_key_id
    is_current = own & PartnerSecret.approved_at.is_not(None) & PartnerSecret.ends_at.is_(None)
    session.execute(update(PartnerSecret).where(is_current).values(ends_at=at + OVERLAP))
    session.execute(update(PartnerSecret).where(own & PartnerSecret.approved_at.is_(None)).values(approved_at=at))


def _switch_on(session: Session, partner_key_id: int, _facts: Facts, _at: datetime) -> None:
    session.execute(update(PartnerKey).where(PartnerKey.id == partner_key_id).values(is_active=True))


def _drop_waiting_secret(session: Session, partner_key_id: int) -> None:
    waits = (PartnerSecret.partner_key_id == partner_key_id) & PartnerSecret.approved_at.is_(None)
    session.execute(delete(PartnerSecret).where(waits))


_EFFECTS: Mapping[KeyChange, Callable[[Session, int, Facts, datetime], None]] = {
    KeyChange.CREATE: _create,
    KeyChange.UPDATE: _update,
    KeyChange.ROTATE: _rotate,
    KeyChange.SWITCH_ON: _switch_on,
}
