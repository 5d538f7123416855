"""Whom news of a member goes to: events may come after a merge or a closing."""

from datetime import datetime

from loyalty.container import Container
from loyalty.kernel.database import Json, Session
from loyalty.members import queries as members
from loyalty.members.queries import MemberView
from loyalty.members.rules.members import MemberStatus
from loyalty.notices import service as notices
from loyalty.notices.rules import NoticeKind


def recipient_of(session: Session, container: Container, member_id: int) -> MemberView | None:
    """Return who hears what happened to a member: the survivor of a merge, nobody after a closing.

    Raises:
        MemberNotFound: there is no such member.
    """
    member = members.get_member(session, vault=container.vault, member_id=member_id)
    if member.merged_into_id is not None:
        member = members.get_member(session, vault=container.vault, member_id=member.merged_into_id)
    return None if member.status is MemberStatus.CLOSED else member


def notify(
    session: Session,
    container: Container,
    member: MemberView,
    *,
    kind: NoticeKind,
    subject: str,
    facts: Json,
    at: datetime,
    acted_at: datetime | None = None,
) -> None:
    """Owe a member news of a kind whose facts name the member number (会员号), once for each subject."""
    notices.request(
        session,
        member_id=member.id,
        kind=kind,
        subject=subject,
        facts={"member_number": member.number, **facts},
        zone=container.zone,
        at=at,
        acted_at=acted_at,
    )
