"""Coupons for everybody with a tag (批量发券), prepared by demo staff; a worker reckons, then it can be submitted."""

from collections.abc import Mapping
from datetime import datetime

from loyalty.coupons.queries.issue_jobs import list_jobs
from loyalty.coupons.service.issue_jobs import create_for_tag
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Session
from loyalty.tags.queries import list_tags
from portal.demo.coupon_templates import PERCENT_OFF
from portal.demo.tags import TAGS


def seed_coupon_issue(session: Session, *, templates: Mapping[str, int], actor: Actor, at: datetime) -> bool:
    """Name those who have a tag for a coupon, where there was never such a job."""
    name = TAGS[-1][0]
    tag_id = next((tag.id for tag in list_tags(session) if tag.name == name), None)
    if tag_id is None or PERCENT_OFF not in templates or list_jobs(session, limit=1).items:
        return False
    create_for_tag(
        session,
        title="咖啡爱好者发券",
        template_id=templates[PERCENT_OFF],
        store_id=None,
        tag_id=tag_id,
        actor=actor,
        at=at,
    )
    return True
