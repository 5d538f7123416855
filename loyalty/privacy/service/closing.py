"""Closing an account (注销): asked for, taken back within the waiting period, or carried out after it."""

from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.members.queries import require_living
from loyalty.members.rules.members import MemberStatus
from loyalty.payouts.queries import payouts
from loyalty.payouts.rules.errors import PayoutOpen
from loyalty.privacy.models import Closure
from loyalty.privacy.queries import find_closing
from loyalty.privacy.rules import WAITING_PERIOD, NotClosing


def ask_to_close(session: Session, *, member_id: int, at: datetime) -> datetime:
    """Begin the waiting period and return when it ends; asking again changes nothing.

    Money on its way to the member has to arrive or come back first. What can be withdrawn can still be withdrawn
    until the end of the period; what is left then is given up, as the terms announce.

    Raises:
        MemberNotFound, MemberGone: there is no such living member.
        PayoutOpen: a payout has not ended.
    """
    member = require_living(session, member_id=member_id)
    waiting = find_closing(session, member_id=member_id)
    if waiting is not None:
        return waiting.due_at
    if payouts.has_open(session, member_id=member_id):
        raise PayoutOpen(member_id=member_id)
    member.status = MemberStatus.CLOSING
    closure = Closure(member_id=member_id, requested_at=at, due_at=at + WAITING_PERIOD)
    session.add(closure)
    session.flush()
    _audit(session, "privacy.ask_to_close", member_id, at)
    return closure.due_at


def take_back_closing(session: Session, *, member_id: int, at: datetime) -> None:
    """Keep the account after all; possible until the erasure has begun.

    Raises:
        NotClosing: nothing waits.
        MemberNotFound, MemberGone: there is no such living member.
    """
    member = require_living(session, member_id=member_id)
    closure = find_closing(session, member_id=member_id)
    if closure is None:
        raise NotClosing(member_id=member_id)
    closure.taken_back_at = at
    member.status = MemberStatus.ACTIVE
    session.flush()
    _audit(session, "privacy.take_back_closing", member_id, at)


def _audit(session: Session, action: str, member_id: int, at: datetime) -> None:
    audit.write(session, actor=Actor(f"member:{member_id}"), action=action, subject=f"member:{member_id}", at=at)
