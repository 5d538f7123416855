"""What a merge does to the members themselves; all else that is theirs is moved by ``merging``."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from loyalty.members.models import BindingReview, Member
from loyalty.members.rules.members import MemberStatus
from loyalty.members.rules.reviews import OPEN_REVIEWS
from loyalty.members.service.proposals import lapse_proposals
from loyalty.members.service.sessions import revoke_sessions

_PHONE = ("phone_sealed", "phone_index", "phone_proved_at")
_BIRTHDAY = ("birthday_sealed", "birthday_index", "birthday_changed_at")
_NICKNAME = ("nickname_sealed",)


def absorb(session: Session, *, survivor: Member, other: Member, at: datetime) -> None:
    """Let one locked member live on in another: logged out everywhere, its open questions passed on.

    The survivor keeps its own phone, nickname and birthday and inherits what it lacks; the other is
    left with none. Members merged into the other before point to the survivor from now on.
    """
    revoke_sessions(session, member_id=other.id, at=at)
    inherited = {
        column: getattr(other, column)
        for columns in (_PHONE, _BIRTHDAY, _NICKNAME)
        if getattr(survivor, columns[0]) is None
        for column in columns
    }
    for column in (*_PHONE, *_BIRTHDAY, *_NICKNAME):
        setattr(other, column, None)
    other.status, other.merged_into_id, other.provisional_until_at = MemberStatus.MERGED, survivor.id, None
    session.flush()  # the phone is free before the survivor takes it
    for column, value in inherited.items():
        setattr(survivor, column, value)
    survivor.last_active_at = max(survivor.last_active_at, other.last_active_at)
    session.flush()
    _pass_on(session, survivor.id, other.id)


def _pass_on(session: Session, survivor_id: int, other_id: int) -> None:
    quietly = {"synchronize_session": False}
    session.execute(
        update(Member).where(Member.merged_into_id == other_id).values(merged_into_id=survivor_id),
        execution_options=quietly,
    )
    session.execute(
        update(BindingReview)
        .where(BindingReview.holder_id == other_id, BindingReview.state.in_(OPEN_REVIEWS))
        .values(holder_id=survivor_id),
        execution_options=quietly,
    )
    lapse_proposals(session, member_id=other_id)
