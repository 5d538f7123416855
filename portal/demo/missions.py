"""What the demo chain asks its members to do: missions (任务), and days that can be made up (补签)."""

from datetime import datetime
from zoneinfo import ZoneInfo

from loyalty.check_ins.cards import rules_in_force
from loyalty.check_ins.making_up import save_rules
from loyalty.check_ins.rules import MakeUpRules
from loyalty.kernel.database import Session
from loyalty.missions.listed import list_missions
from loyalty.missions.rules.templates import TEMPLATES
from loyalty.missions.service.missions import create_mission, publish
from portal.demo.chain import ACTOR

PUBLISHED = ("weekly_check_ins", "monthly_purchases", "profile", "friends")
DRAFTS = ("custom",)
MAKE_UPS = MakeUpRules(days_back=7, month_limit=3, card_price=50)


def seed_missions(session: Session, *, zone: ZoneInfo, at: datetime) -> bool:
    """Publish some missions and open making up where there is neither."""
    if rules_in_force(session) is None:
        save_rules(session, rules=MAKE_UPS, actor=ACTOR, at=at)
    if list_missions(session).items:
        return False
    for name in (*PUBLISHED, *DRAFTS):
        mission_id = create_mission(session, terms=TEMPLATES[name].start(), actor=ACTOR, zone=zone, at=at)
        if name in PUBLISHED:
            publish(session, mission_id=mission_id, actor=ACTOR, zone=zone, at=at)
    return True
