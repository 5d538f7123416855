"""Check-ins (签到): the calendar with what lies ahead, and the tap itself."""

from datetime import date
from typing import Any

from loyalty.check_ins import service
from loyalty.check_ins.calendar import calendar_of
from loyalty.kernel.clock import business_date
from loyalty.kernel.transaction import run
from loyalty.stores.queries import store_id_of
from miniprogram_api.context import container, member_id
from miniprogram_api.v1.blueprint import subject
from miniprogram_api.v1.schemas import check_ins as schemas
from miniprogram_api.v1.schemas.base import IdempotencyHeaders

blueprint = subject("check_ins", __name__, description="Daily check-ins and streaks.")


@blueprint.get("/check-ins")
@blueprint.arguments(schemas.MonthQuery, location="query")
@blueprint.response(200, schemas.Calendar)
def show_calendar(query: dict[str, Any]) -> dict[str, Any]:
    """Show a month of check-ins and what the coming days would bring."""
    at, owner, zone = container().clock.now(), member_id(), container().zone
    month = date.fromisoformat(f"{query['month']}-01") if query["month"] else business_date(at, zone)
    calendar = run(
        container().database,
        lambda session: calendar_of(session, member_id=owner, month=month, zone=zone, at=at),
    )
    return {
        "month": f"{calendar.month:%Y-%m}",
        "today": calendar.today,
        "checked_in_today": calendar.has_checked_in_today,
        "streak": calendar.streak,
        "days": calendar.days,
        "preview": [
            {
                "on": day.on,
                "streak": day.award.streak,
                "points": day.award.points,
                "bonus_points": day.award.bonus,
            }
            for day in calendar.preview
        ],
    }


@blueprint.post("/check-ins")
@blueprint.arguments(schemas.CheckInRequest)
@blueprint.arguments(IdempotencyHeaders, location="headers")
@blueprint.response(201, schemas.CheckIn)
def check_in(body: dict[str, Any], headers: dict[str, Any]) -> dict[str, Any]:
    """Check in for today; a second tap is refused with today's result in the details."""
    done = service.check_in(
        container().database,
        member_id=member_id(),
        store_id=_store_id(body["store_code"]),
        idempotency_key=headers["idempotency_key"],
        zone=container().zone,
        at=container().clock.now(),
    )
    return {
        "checked_in_on": done.checked_in_on,
        "streak": done.streak,
        "points": done.points,
        "bonus_points": done.bonus,
        "balance": done.balance_after,
        "reason": done.reason,
    }


def _store_id(code: str | None) -> int | None:
    """Look the store up only when one was named: most check-ins name none."""
    return run(container().database, lambda session: store_id_of(session, code=code)) if code else None
