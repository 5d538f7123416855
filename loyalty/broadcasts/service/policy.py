"""Saving the push policy: a new row each time, audited."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.orm import Session

from loyalty.broadcasts.models import PushPolicyRow
from loyalty.broadcasts.queries.policy import current_policy
from loyalty.broadcasts.rules.policy import PushPolicy, check_policy
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor


def save_policy(session: Session, *, policy: PushPolicy, actor: Actor, at: datetime) -> None:
    """Let a push policy hold from the next message on, for campaigns that run already too.

    Raises:
        InvalidPushPolicy: a figure is out of its range.
    """
    check_policy(policy)
    before = asdict(current_policy(session))
    session.execute(insert(PushPolicyRow).values(policy=asdict(policy), saved_by=actor.name, saved_at=at))
    audit.write(
        session,
        actor=actor,
        action="broadcasts.save_policy",
        subject="push_policy:all",
        before=before,
        after=asdict(policy),
        at=at,
    )
