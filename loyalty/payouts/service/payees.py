"""Payees (收款人实名信息): saved only under a consent of its own, forgotten with it."""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.members.queries import has_consented, require_living
from loyalty.members.rules.consents import Purpose
from loyalty.payouts.models import ID_NUMBER_CONTEXT, NAME_CONTEXT, Payee
from loyalty.payouts.rules.errors import PayeeConsentRequired
from loyalty.payouts.rules.payees import check_payee


def save_payee(
    session: Session, *, vault: Vault, member_id: int, name: str, id_number: str, actor: Actor, at: datetime
) -> None:
    """Keep a member's real name and ID number, sealed; the audit log says only that they were given.

    Raises:
        MemberNotFound, MemberGone, MemberProvisional: there is no such living member.
        PayeeConsentRequired: the member has not consented to this use.
        InvalidPayee: name or ID number cannot be right.
    """
    require_living(session, member_id=member_id)
    if not has_consented(session, member_id=member_id, purpose=Purpose.PAYEE_IDENTITY):
        raise PayeeConsentRequired
    id_number = id_number.strip().upper()
    check_payee(name, id_number)
    values = {
        "name_sealed": vault.seal(name, context=NAME_CONTEXT),
        "id_number_sealed": vault.seal(id_number, context=ID_NUMBER_CONTEXT),
        "saved_at": at,
    }
    session.execute(
        insert(Payee)
        .values(member_id=member_id, **values)
        .on_conflict_do_update(index_elements=["member_id"], set_=values)
    )
    audit.write(session, actor=actor, action="payouts.save_payee", subject=f"member:{member_id}", at=at)


def forget_payee(session: Session, *, member_id: int) -> None:
    """Delete what is known of a member as a payee: the consent to it was withdrawn."""
    session.execute(delete(Payee).where(Payee.member_id == member_id))
