"""What is known of who is paid: only while the consent to it stands."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.members.queries import has_consented
from loyalty.members.rules.consents import Purpose
from loyalty.payouts.models import NAME_CONTEXT, Payee


def find_payee_name(session: Session, *, vault: Vault, member_id: int) -> str | None:
    """Return the real name of a member; nothing without it or without the consent to its use."""
    sealed = session.scalar(select(Payee.name_sealed).where(Payee.member_id == member_id))
    if sealed is None or not has_consented(session, member_id=member_id, purpose=Purpose.PAYEE_IDENTITY):
        return None
    return vault.open(sealed, context=NAME_CONTEXT)
