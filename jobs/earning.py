"""What earns beside purchases: check-ins, enrolment, the profile, the birthday, and what other systems report.

Purchases and refunds are evaluated at once where they are reported; all else comes here, through the same entrance.
"""

from datetime import date, datetime

from jobs.periodic import PeriodicRun
from loyalty.container import Container
from loyalty.earning import service as earning
from loyalty.earning.rules import EarningEvent
from loyalty.kernel.database import Json, Session
from loyalty.kernel.transaction import run
from loyalty.members import queries as members

REVIEW = "review"
"""The kind of a reported event that stands for a review (评价)."""


def reward_check_in(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Award what rules add to a check-in; its plan has paid by itself."""
    happening = earning.Happening(
        event=EarningEvent.CHECK_IN,
        member_id=payload["member_id"],
        occurred_at=datetime.fromisoformat(payload["checked_in_at"]),
        store_id=payload["store_id"],
    )
    _reward(session, container, happening, f"check_in:{payload['checked_in_on']}", at)


def reward_enrolment(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Award what rules give for becoming a member (入会礼)."""
    member = members.get_member(session, vault=container.vault, member_id=payload["member_id"])
    happening = earning.Happening(
        event=EarningEvent.ENROLLED,
        member_id=member.id,
        occurred_at=min(member.enrolled_at, at),
        store_id=payload["store_id"],
    )
    _reward(session, container, happening, "enrolled", at)


def reward_profile(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Award what rules give for completing the profile (完善资料), once in the life of a member."""
    happening = earning.Happening(
        event=EarningEvent.PROFILE_COMPLETED,
        member_id=payload["member_id"],
        occurred_at=datetime.fromisoformat(payload["completed_at"]),
    )
    _reward(session, container, happening, "profile_completed", at)


def reward_reported(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Award what rules give for an event that another system reported (自定义事件)."""
    is_review = payload["kind"] == REVIEW
    happening = earning.Happening(
        event=EarningEvent.REVIEW if is_review else EarningEvent.CUSTOM,
        member_id=payload["member_id"],
        occurred_at=min(datetime.fromisoformat(payload["occurred_at"]), at),
        store_id=payload["store_id"],
        custom_kind=None if is_review else payload["kind"],
    )
    _reward(session, container, happening, payload["reference"], at)


def reward_birthdays(periodic: PeriodicRun) -> Json:
    """Award what rules give for the birthday to whoever celebrates on this business date, page by page."""
    container, on = periodic.container, periodic.business_on
    members_count, after_id = 0, 0
    while True:
        done = run(container.database, lambda session, after=after_id: _birthday_page(session, container, on, after))  # type: ignore[misc]
        members_count += done.awarded
        if done.last_member_id is None:
            return {"members": members_count}
        after_id = done.last_member_id
        periodic.beat()


def _birthday_page(session: Session, container: Container, on: date, after_id: int) -> earning.BirthdayPage:
    return earning.reward_birthdays(
        session,
        container.vault,
        on=on,
        after_member_id=after_id,
        at=container.clock.now(),
        zone=container.zone,
    )


def _reward(session: Session, container: Container, happening: earning.Happening, reference: str, at: datetime) -> None:
    earning.reward(session, container.vault, happening=happening, reference=reference, at=at, zone=container.zone)
