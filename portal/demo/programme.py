"""What the demo chain rewards: its tiers (等级) and its check-in plan (签到方案)."""

from datetime import datetime
from zoneinfo import ZoneInfo

from loyalty.check_ins.queries import list_plans
from loyalty.check_ins.rules import DEFAULT_PLAN
from loyalty.check_ins.service import save_plan
from loyalty.kernel.clock import business_date
from loyalty.kernel.database import Session
from loyalty.tiers.queries import list_tiers
from loyalty.tiers.rules import DEFAULT_TIERS
from loyalty.tiers.service import save_tiers
from portal.demo.chain import ACTOR


def seed_tiers(session: Session, *, at: datetime) -> bool:
    """Save the ladder of tiers where there is none."""
    if list_tiers(session):
        return False
    save_tiers(session, tiers=DEFAULT_TIERS, actor=ACTOR, at=at)
    return True


def seed_check_in_plan(session: Session, *, zone: ZoneInfo, at: datetime) -> bool:
    """Save a check-in plan, in force since ``at``, where there is none."""
    if list_plans(session):
        return False
    save_plan(session, plan=DEFAULT_PLAN, live_from_on=business_date(at, zone), actor=ACTOR, zone=zone, at=at)
    return True
