"""Whom news of a member goes to: events may come after a merge or a closing."""

from loyalty.container import Container
from loyalty.kernel.database import Session
from loyalty.members import queries as members
from loyalty.members.queries import MemberView
from loyalty.members.rules.members import MemberStatus


def recipient_of(session: Session, container: Container, member_id: int) -> MemberView | None:
    """Return who hears what happened to a member: the survivor of a merge, nobody after a closing.

    Raises:
        MemberNotFound: there is no such member.
    """
    member = members.get_member(session, vault=container.vault, member_id=member_id)
    if member.merged_into_id is not None:
        member = members.get_member(session, vault=container.vault, member_id=member.merged_into_id)
    return None if member.status is MemberStatus.CLOSED else member
