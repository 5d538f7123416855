"""What nobody needs any longer: used and expired codes, dead sessions."""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from loyalty.members.models import MemberSession, SmsCode
from loyalty.members.rules.identities import SESSION_LIFETIME
from loyalty.members.rules.sms_codes import CODES_KEPT


def forget_old_traces(session: Session, *, at: datetime) -> int:
    """Delete codes older than a week and sessions that ended a month ago; return how many rows."""
    codes = session.scalars(delete(SmsCode).where(SmsCode.requested_at < at - CODES_KEPT).returning(SmsCode.id))
    sessions = session.scalars(
        delete(MemberSession).where(MemberSession.expires_at < at - SESSION_LIFETIME).returning(MemberSession.id)
    )
    return len(codes.all()) + len(sessions.all())
