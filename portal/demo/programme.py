"""What the demo chain rewards: its tiers (等级), its check-in plan (签到方案) and its earning rules (积分规则)."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from loyalty.check_ins.queries import list_plans
from loyalty.check_ins.rules import DEFAULT_PLAN
from loyalty.check_ins.service import save_plan
from loyalty.earning.queries import list_rules
from loyalty.earning.rules.lifecycle import OverridePolicy
from loyalty.earning.rules.templates import TEMPLATES
from loyalty.earning.service.rules import create_rule, publish, set_override_policy
from loyalty.kernel.clock import business_date
from loyalty.kernel.database import Session
from loyalty.tiers.queries import list_tiers
from loyalty.tiers.rules import DEFAULT_TIERS
from loyalty.tiers.service import save_tiers
from portal.demo.chain import ACTOR

PUBLISHED = ("base_points", "members_day_double", "birthday_double", "first_order_gift", "profile_gift")
DRAFTS = ("amount_gift",)
COUPON_RULE = "first_order_coupon"


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


def seed_earning_rules(session: Session, *, coupon_template_id: int | None, zone: ZoneInfo, at: datetime) -> bool:
    """Put some rules in force, and leave one as a draft, where there are none; stores may stay out of the second.

    With a coupon to give, one of them gives it for the first purchase.
    """
    if list_rules(session, at=at):
        return False
    today = business_date(at, zone)
    giving = () if coupon_template_id is None else (COUPON_RULE,)
    for key in (*PUBLISHED, *giving, *DRAFTS):
        template = TEMPLATES[key]
        definition = template.start(today)
        if template.has_coupon_to_choose:
            definition = replace(definition, coupon_template_id=coupon_template_id)
        rule_id = create_rule(
            session,
            name=template.name,
            definition=definition,
            starts_at=None,
            ends_at=None,
            actor=ACTOR,
            at=at,
        )
        if key not in DRAFTS:
            publish(session, rule_id=rule_id, actor=ACTOR, at=at)
        if key == "members_day_double":
            set_override_policy(session, rule_id=rule_id, policy=OverridePolicy.EXCLUDE, actor=ACTOR, at=at)
    return True
