"""Check-ins for tests: a plan in force and taps on days."""

from datetime import UTC, date, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.check_ins import service
from loyalty.check_ins.queries import CheckInResult
from loyalty.check_ins.rules import Plan
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Database

SHANGHAI = ZoneInfo("Asia/Shanghai")
WEEK = Plan(points_by_day=(1, 2, 3, 4, 5, 6, 7), bonus_by_day={7: 20}, growth=2, valid_days=30)
_ACTOR = Actor("system:tests")
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_numbers = count(1)


def make_plan(session: Session, plan: Plan = WEEK, *, live_from_on: date = date(2020, 1, 2)) -> int:
    """Put a plan in force, since long ago unless told otherwise."""
    return service.save_plan(session, plan=plan, live_from_on=live_from_on, actor=_ACTOR, zone=SHANGHAI, at=_LONG_AGO)


def noon_of(on: date) -> datetime:
    """Noon of a business date."""
    return datetime(on.year, on.month, on.day, 12, tzinfo=SHANGHAI)


def check_in_on(database: Database, member_id: int, on: date, **changes: object) -> CheckInResult:
    """Check in at noon of a day."""
    values: dict[str, object] = {"idempotency_key": f"tap-{next(_numbers)}", "zone": SHANGHAI, "at": noon_of(on)}
    return service.check_in(database, member_id=member_id, **(values | changes))  # type: ignore[arg-type]


def check_in_for(database: Database, member_id: int, first: date, days: int) -> list[CheckInResult]:
    """Check in on each of some days in a row."""
    return [check_in_on(database, member_id, first + timedelta(days=offset)) for offset in range(days)]
