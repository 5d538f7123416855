"""What counts for missions (任务): check-ins, purchases and refunds, profiles, friends, what other systems report."""

from datetime import date, datetime

from jobs.earning import REVIEW
from jobs.recipients import notify, recipient_of
from loyalty.container import Container
from loyalty.kernel.database import Json, Session
from loyalty.members import queries as members
from loyalty.missions import service as missions
from loyalty.missions.rules.terms import MissionEvent
from loyalty.notices.rules import NoticeKind
from loyalty.risk.rules.subjects import Occasion


def count_check_in(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Count a check-in on its business date."""
    happening = missions.Happening(
        event=MissionEvent.CHECK_IN,
        member_id=payload["member_id"],
        reference=f"check_in:{payload['checked_in_on']}",
        occurred_at=datetime.fromisoformat(payload["checked_in_at"]),
        on=date.fromisoformat(payload["checked_in_on"]),
    )
    _count(session, container, happening, at)


def count_made_up_day(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Count a day that was made up (补签), which heals streaks only."""
    happening = missions.Happening(
        event=MissionEvent.CHECK_IN,
        member_id=payload["member_id"],
        reference=f"check_in:{payload['checked_in_on']}",
        occurred_at=datetime.fromisoformat(payload["made_up_at"]),
        on=date.fromisoformat(payload["checked_in_on"]),
        is_made_up=True,
    )
    _count(session, container, happening, at)


def count_enrolment(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Count that a member has bound a phone, once in its life."""
    member = members.get_member(session, vault=container.vault, member_id=payload["member_id"])
    happening = missions.Happening(
        event=MissionEvent.PHONE_BOUND,
        member_id=member.id,
        reference="phone_bound",
        occurred_at=min(member.enrolled_at, at),
    )
    _count(session, container, happening, at)


def count_profile(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Count that a member has completed the profile, once in its life."""
    happening = missions.Happening(
        event=MissionEvent.PROFILE_COMPLETED,
        member_id=payload["member_id"],
        reference="profile_completed",
        occurred_at=datetime.fromisoformat(payload["completed_at"]),
    )
    _count(session, container, happening, at)


def count_order(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Count a purchase for what is left of it, after whatever was reported of it."""
    missions.count_order(session, vault=container.vault, order_id=payload["order_id"], at=at, zone=container.zone)


def count_reported(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Count a review, or another event that a connected system reported."""
    is_review = payload["kind"] == REVIEW
    happening = missions.Happening(
        event=MissionEvent.REVIEW if is_review else MissionEvent.CUSTOM,
        member_id=payload["member_id"],
        reference=payload["reference"],
        occurred_at=min(datetime.fromisoformat(payload["occurred_at"]), at),
        custom_kind=None if is_review else payload["kind"],
    )
    _count(session, container, happening, at)


def count_friend(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Count an invited friend (邀请) for as long as the invitation stands."""
    missions.count_friend(
        session, vault=container.vault, referral_id=payload["referral_id"], at=at, zone=container.zone
    )


def follow_release(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Pay what a person let go."""
    if payload["occasion"] == Occasion.MISSION:
        missions.follow_release(
            session, vault=container.vault, reference=payload["reference"], at=at, zone=container.zone
        )


def follow_reversal(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Take back what a person found to be fraud."""
    if payload["occasion"] == Occasion.MISSION:
        missions.follow_reversal(session, reference=payload["reference"], at=at, zone=container.zone)


def tell_of_cards(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Tell a member of make-up cards (补签卡) that a mission gave by itself."""
    member = recipient_of(session, container, payload["member_id"])
    if member is None:
        return
    notify(
        session,
        container,
        member,
        kind=NoticeKind.MISSION_REWARDED,
        subject=payload["reference"],
        facts={
            "mission": payload["title"],
            "reward": f"{payload['cards']}张补签卡",
            "occurred_at": at.isoformat(),
        },
        at=at,
    )


def _count(session: Session, container: Container, happening: missions.Happening, at: datetime) -> None:
    missions.count(session, vault=container.vault, happening=happening, at=at, zone=container.zone)
