"""Check-in service (签到): one statement, which is the whole check-in or nothing.

The row of the day is inserted first; whoever loses that race writes nothing and is told today's result. The
points follow from the inserted row in the same statement. Only when nothing was written is it asked why.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from loyalty.check_ins.models import CheckInPlan
from loyalty.check_ins.queries import CHECK_INS, CheckInResult, LivePlan, Standing, reference_of, result_of, standing
from loyalty.check_ins.rules import (
    AlreadyCheckedIn,
    CheckInStoreNotFound,
    NoCheckInPlan,
    Plan,
    PlanStartsInPast,
    check_idempotency_key,
    check_plan,
)
from loyalty.check_ins.statement import CHECK_IN
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.clock import business_date, end_of
from loyalty.kernel.database import Database
from loyalty.kernel.errors import InvariantBroken
from loyalty.kernel.idempotency import IdempotencyKeyReused
from loyalty.kernel.transaction import run, run_single
from loyalty.points.posting import parameters
from loyalty.points.service import open_account

_TRIES_MAX = 4
"""The first may know no plan or an old one, the next may find no account; a tap that then loses a race is told so."""

_last_seen: WeakKeyDictionary[Database, LivePlan] = WeakKeyDictionary()
"""The plan that was in force when this process last looked. The statement pays by no other than the one in force."""


def check_in(
    database: Database,
    *,
    member_id: int,
    store_id: int | None = None,
    idempotency_key: str | None = None,
    zone: ZoneInfo,
    at: datetime,
) -> CheckInResult:
    """Check a member in for the business date of ``at`` (签到) and pay what the plan in force says.

    The same key again answers as the first time, also on a later day. Without a key the day itself is the key:
    a second call is refused with today's result. A day that pays nothing is recorded without a ledger entry.

    Raises:
        AlreadyCheckedIn: with today's result in ``details``.
        NoCheckInPlan: no plan is in force.
        CheckInStoreNotFound: there is no such store.
        InvalidIdempotencyKey: the key cannot be stored.
        IdempotencyKeyReused: the key was used for a check-in at another store, or to make a day up.
        DatabaseUnavailable: the database does not answer.
    """
    check_idempotency_key(idempotency_key)
    today = business_date(at, zone)
    for _ in range(_TRIES_MAX):
        live = _last_seen.get(database)
        if live is not None:
            values = _values(live, member_id, store_id, idempotency_key, today, zone, at)
            if rows := run_single(database, CHECK_IN, parameters(values)):
                return _result(today, live, rows[0])
        before = standing(
            database, member_id=member_id, today=today, idempotency_key=idempotency_key, store_id=store_id
        )
        if before.key_used_on is not None:
            return _replay(database, member_id, store_id, before, before.key_used_on)
        _last_seen[database] = _nothing_else_against(database, member_id, store_id, before, today)
        if live == before.live:
            run(database, lambda session: open_account(session, member_id=member_id, at=at))
    raise InvariantBroken(f"member {member_id} neither checked in nor could on {today}")


def save_plan(session: Session, *, plan: Plan, live_from_on: date, actor: Actor, zone: ZoneInfo, at: datetime) -> int:
    """Save a new revision of the check-in plan, in force from a business date on; return its number.

    Raises:
        InvalidPlan: it could not be paid as it reads.
        PlanStartsInPast: ``live_from_on`` is before today.
    """
    check_plan(plan)
    if live_from_on < business_date(at, zone):
        raise PlanStartsInPast(live_from_on=live_from_on.isoformat())
    values = {
        "points_by_day": list(plan.points_by_day),
        "bonus_by_day": {str(day): points for day, points in plan.bonus_by_day.items()},
        "growth": plan.growth,
        "valid_days": plan.valid_days,
    }
    revision = session.execute(
        insert(CheckInPlan)
        .values(**values, live_from_on=live_from_on, created_by=actor.name, created_at=at)
        .returning(CheckInPlan.revision)
    ).scalar_one()
    after = {**values, "live_from_on": live_from_on.isoformat()}
    subject = f"check_in_plan:{revision}"
    audit.write(session, actor=actor, action="check_ins.save_plan", subject=subject, after=after, at=at)
    return revision


def transfer(session: Session, *, from_member_id: int, to_member_id: int) -> int:
    """Give a merged member's check-ins to the survivor (合并), except where the survivor has its own.

    So nobody checks in twice on the day of the merge, and the longer history counts. Returns how many moved.
    """
    taken = CHECK_INS.alias("taken")
    same = (taken.c.checked_in_on == CHECK_INS.c.checked_in_on) | (
        taken.c.idempotency_key == CHECK_INS.c.idempotency_key
    )
    moved = session.execute(
        update(CHECK_INS)
        .where(
            CHECK_INS.c.member_id == from_member_id,
            ~select(taken.c.member_id).where(taken.c.member_id == to_member_id, same).exists(),
        )
        .values(member_id=to_member_id)
        .returning(CHECK_INS.c.checked_in_on)
    )
    return len(moved.all())


def _values(
    live: LivePlan,
    member_id: int,
    store_id: int | None,
    idempotency_key: str | None,
    today: date,
    zone: ZoneInfo,
    at: datetime,
) -> Mapping[str, Any]:
    plan = live.plan
    return {
        "member_id": member_id,
        "store_id": store_id,
        "idempotency_key": idempotency_key,
        "checked_in_on": today,
        "yesterday": today - timedelta(days=1),
        "bases": [paid.base for paid in live.cycle],
        "bonuses": [paid.bonus for paid in live.cycle],
        "cycle_days": plan.cycle_days,
        "growth": plan.growth,
        "plan_revision": live.revision,
        "at": at,
        "expires_at": None if plan.valid_days is None else end_of(today + timedelta(days=plan.valid_days), zone),
        "reference": reference_of(today),
        "actor": f"member:{member_id}",
    }


def _nothing_else_against(
    database: Database, member_id: int, store_id: int | None, before: Standing, today: date
) -> LivePlan:
    if before.has_checked_in_today:
        raise _already_checked_in(database, member_id, today)
    if not before.is_store_known:
        raise CheckInStoreNotFound(store_id=store_id)
    if before.live is None:
        raise NoCheckInPlan
    return before.live


def _replay(database: Database, member_id: int, store_id: int | None, before: Standing, on: date) -> CheckInResult:
    if before.key_store_id != store_id or before.is_key_of_make_up:
        raise IdempotencyKeyReused
    return result_of(database, member_id=member_id, on=on)


def _already_checked_in(database: Database, member_id: int, today: date) -> AlreadyCheckedIn:
    result = asdict(result_of(database, member_id=member_id, on=today))
    del result["is_replay"]
    return AlreadyCheckedIn(**{**result, "checked_in_on": today.isoformat()})


def _result(today: date, live: LivePlan, row: Any) -> CheckInResult:
    return CheckInResult(
        checked_in_on=today,
        streak=row.streak,
        base=row.base,
        bonus=row.bonus,
        points=row.base + row.bonus,
        growth=live.plan.growth,
        balance_after=row.balance_after,
        plan_revision=live.revision,
    )
