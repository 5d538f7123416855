"""What nobody needs any longer: nonces outside the window, references and codes that have expired."""

from datetime import datetime

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from loyalty.kernel.database import Base
from loyalty.partners.models import MemberRef, PartnerNonce, UsedMemberCode
from loyalty.partners.rules.references import CODES_KEPT, REFS_KEPT
from loyalty.partners.rules.signatures import NONCES_KEPT

PAGE = 10_000


def purge_traces(session: Session, *, at: datetime) -> int:
    """Delete a page of what has served its time; return how many rows, and call it again until there are none."""
    return (
        _purge(session, PartnerNonce, PartnerNonce.used_at < at - NONCES_KEPT)
        + _purge(session, MemberRef, MemberRef.expires_at < at - REFS_KEPT)
        + _purge(session, UsedMemberCode, UsedMemberCode.used_at < at - CODES_KEPT)
    )


def _purge(session: Session, table: type[Base], is_over: ColumnElement[bool]) -> int:
    keys = list(table.__table__.primary_key)
    page = select(*keys).where(is_over).limit(PAGE).subquery()
    these = [key == page.c[key.name] for key in keys]
    deleted = session.execute(
        delete(table).where(*these).returning(keys[0]).execution_options(synchronize_session=False)
    )
    return len(deleted.all())
