"""Setting the quiet hours (免打扰), as headquarters does."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.database import Json
from loyalty.notices import queries
from loyalty.notices.models import QuietHoursRow
from loyalty.notices.rules import QuietHours, check_quiet_hours


def save_quiet_hours(session: Session, *, hours: QuietHours, actor: audit.Actor, at: datetime) -> None:
    """Let other quiet hours hold from the next message on, whether service or marketing.

    Raises:
        InvalidQuietHours: they begin before 20:00, or end before 6:00 or after 12:00.
    """
    check_quiet_hours(hours)
    before = _document(queries.quiet_hours(session))
    session.execute(insert(QuietHoursRow).values(**asdict(hours), saved_by=actor.name, saved_at=at))
    audit.write(
        session,
        actor=actor,
        action="notices.save_quiet_hours",
        subject="quiet_hours:all",
        before=before,
        after=_document(hours),
        at=at,
    )


def _document(hours: QuietHours) -> Json:
    return {"begins": f"{hours.begins:%H:%M}", "ends": f"{hours.ends:%H:%M}"}
