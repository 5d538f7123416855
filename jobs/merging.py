"""What follows from an agreement to merge: one member of two."""

from datetime import datetime

from loyalty.container import Container
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Json, Session
from loyalty.merging import service as merging


def merge(session: Session, _container: Container, payload: Json, at: datetime) -> None:
    """Merge the two members whose owner agreed and proved both phones.

    Raises:
        MemberGone, ClosingMember: one of them is no longer active, so that nothing is left to merge.
    """
    merging.merge(
        session,
        survivor_id=payload["survivor_id"],
        other_id=payload["other_id"],
        actor=Actor("system:merge"),
        at=at,
    )
