"""Saving the checkout policy (积分抵现与退款设置)."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.orm import Session

from loyalty.checkout.models import StoredPolicy
from loyalty.checkout.queries import current_policy
from loyalty.checkout.rules import CheckoutPolicy, check_policy
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor


def save_policy(session: Session, *, policy: CheckoutPolicy, actor: Actor, at: datetime) -> None:
    """Let another policy hold from now on; points that are set aside keep what they are worth.

    Raises:
        InvalidCheckoutPolicy: it could not be applied as it reads.
    """
    check_policy(policy)
    before = asdict(current_policy(session))
    session.execute(insert(StoredPolicy).values(**asdict(policy), saved_by=actor.name, saved_at=at))
    audit.write(
        session,
        actor=actor,
        action="checkout.save_policy",
        subject="checkout_policy",
        before=before,
        after=asdict(policy),
        at=at,
    )
