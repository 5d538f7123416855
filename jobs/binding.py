"""What follows from a binding: an account for points, the news, and codes for the old WeChat."""

from contextlib import suppress
from datetime import datetime

from jobs.recipients import notify, recipient_of
from loyalty.container import Container
from loyalty.kernel.clock import business_date
from loyalty.kernel.database import Json, Session
from loyalty.members.rules.reviews import ReviewNotFound
from loyalty.members.service import binding_code
from loyalty.notices import service as notices
from loyalty.notices.rules import NoticeKind
from loyalty.points import service as points
from loyalty.tiers import queries as tiers


def open_account(session: Session, _container: Container, payload: Json, at: datetime) -> None:
    """Open the new member's points account."""
    points.open_account(session, member_id=payload["member_id"], at=at)


def tell_bound(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Tell a member that a WeChat identity was bound; once a day, since doors are often bound together."""
    member = recipient_of(session, container, payload["member_id"])
    if member is None:
        return
    notify(
        session,
        container,
        member,
        kind=NoticeKind.MEMBER_BOUND,
        subject=f"member:{member.id}:{business_date(at, container.zone).isoformat()}",
        facts={
            "tier": tiers.tier_of(session, member_id=member.id, at=at).name,
            "occurred_at": at.isoformat(),
        },
        at=at,
    )


def send_code(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Send the code of a second proof (二次验证) to whoever held the phone; not when it was decided."""
    with suppress(ReviewNotFound):
        wanted = binding_code(session, vault=container.vault, review_id=payload["review_id"], at=at)
        notices.request(
            session,
            member_id=wanted.member_id,
            kind=NoticeKind.BINDING_CODE,
            subject=f"binding_review:{payload['review_id']}",
            facts={"code": wanted.code, "valid_until": wanted.expires_at.isoformat()},
            zone=container.zone,
            at=at,
        )
