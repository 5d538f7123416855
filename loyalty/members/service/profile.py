"""The profile (个人资料), and the one place where a full phone is shown to staff."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.kernel import audit, outbox
from loyalty.kernel.audit import Actor
from loyalty.kernel.clock import business_date
from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member
from loyalty.members.queries import require_living
from loyalty.members.rules.members import MemberNotFound
from loyalty.members.rules.profile import birthday_mark, check_birthday, check_birthday_change, clean_nickname


def set_nickname(session: Session, *, vault: Vault, member_id: int, nickname: str | None, at: datetime) -> None:
    """Set a nickname, or remove it with None.

    Raises:
        NicknameInvalid: empty, too long, or with invisible characters.
        MemberNotFound, MemberGone: there is no such living member.
    """
    member = require_living(session, member_id=member_id)
    if nickname is None:
        member.nickname_sealed = None
    else:
        was_complete = _is_complete(member)
        member.nickname_sealed = vault.seal(clean_nickname(nickname), context="members.nickname")
        _tell_completed(session, member, was_complete, at)
    session.flush()


def set_birthday(
    session: Session, *, vault: Vault, member_id: int, birthday: date, zone: ZoneInfo, at: datetime
) -> None:
    """Set the birthday, once a year; the same day again changes nothing.

    Raises:
        BirthdayInvalid: in the future, or before 1900.
        UnderAge: less than 14 years ago.
        BirthdayChangedLately: set or changed within the last year.
        MemberNotFound, MemberGone: there is no such living member.
    """
    member = require_living(session, member_id=member_id)
    check_birthday(birthday, today=business_date(at, zone))
    context = "members.birthday"
    stored = member.birthday_sealed
    if stored is not None and vault.open(stored, context=context) == birthday.isoformat():
        return
    check_birthday_change(member.birthday_changed_at, at=at)
    was_complete = _is_complete(member)
    member.birthday_sealed = vault.seal(birthday.isoformat(), context=context)
    member.birthday_index = birthday_mark(vault, birthday.month, birthday.day)
    member.birthday_changed_at = at
    _tell_completed(session, member, was_complete, at)
    session.flush()


def reveal_phone(session: Session, *, vault: Vault, member_id: int, actor: Actor, at: datetime) -> str:
    """Show a member's full phone to staff who may see it; who looked at whom is audited.

    Raises:
        MemberNotFound: there is no such living member, or they have no phone.
        MemberGone: closed, or merged into another.
    """
    member = require_living(session, member_id=member_id)
    if member.phone_sealed is None:
        raise MemberNotFound(member_id=member_id)
    audit.write(session, actor=actor, action="members.reveal_phone", subject=f"member:{member_id}", at=at)
    return vault.open(member.phone_sealed, context="members.phone")


def _is_complete(member: Member) -> bool:
    return member.nickname_sealed is not None and member.birthday_sealed is not None


def _tell_completed(session: Session, member: Member, was_complete: bool, at: datetime) -> None:
    """Tell the other modules that a profile has become complete; it may do so again after something was removed."""
    if _is_complete(member) and not was_complete:
        payload = {"member_id": member.id, "completed_at": at.isoformat()}
        outbox.record(session, "member.profile_completed", payload, at=at)
