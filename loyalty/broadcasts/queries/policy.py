"""The push policy in force."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.broadcasts.models import PushPolicyRow
from loyalty.broadcasts.rules.policy import PushPolicy


def current_policy(session: Session) -> PushPolicy:
    """Return the push policy (推送策略) that was saved last, else the defaults."""
    saved = session.scalar(select(PushPolicyRow.policy).order_by(PushPolicyRow.id.desc()).limit(1))
    return PushPolicy() if saved is None else PushPolicy(**saved)
