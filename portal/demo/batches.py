"""A file of adjustments (批量调整) that demo staff uploaded; a worker checks it, then it can be submitted."""

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta

from loyalty.adjustments.queries import list_batches
from loyalty.adjustments.rules.single import Reason
from loyalty.adjustments.service import upload
from loyalty.container import Container
from loyalty.kernel.audit import Actor
from loyalty.kernel.clock import business_date
from loyalty.kernel.database import Session
from portal.demo.people import DemoMember

LINES = 20
POINTS = 88
_LIVES = timedelta(days=180)


def seed_batch(
    session: Session, container: Container, *, members: Sequence[DemoMember], actor: Actor, at: datetime
) -> bool:
    """Upload a file that gives some members points, where there was never a file."""
    if not members or list_batches(session, limit=1).items:
        return False
    lines = ["手机号,积分", *(f"{member.phone},{POINTS}" for member in members[:LINES])]
    upload(
        session,
        vault=container.vault,
        title="周年庆积分补发",
        reason=Reason.CAMPAIGN,
        expires_on=business_date(at + _LIVES, container.zone),
        parts=[base64.b64encode("\n".join(lines).encode()).decode()],
        zone=container.zone,
        actor=actor,
        at=at,
    )
    return True
