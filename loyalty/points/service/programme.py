"""The programme's own expiry policy (默认有效期): for points of which no rule says otherwise."""

from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.points.expiry_models import PointsProgramme
from loyalty.points.rules.expiry import DEFAULT_POLICY, ExpiryPolicy, check_policy, policy_of


def programme_policy(session: Session) -> ExpiryPolicy:
    """Return how long points live for which nothing else is said; twelve months until somebody decides."""
    stored = session.scalar(select(PointsProgramme.expiry_policy).order_by(PointsProgramme.id.desc()).limit(1))
    return DEFAULT_POLICY if stored is None else policy_of(stored)


def save_programme_policy(session: Session, *, policy: ExpiryPolicy, actor: Actor, at: datetime) -> None:
    """Set how long points live from now on; points earned before keep their terms.

    Raises:
        InvalidExpiryPolicy: it could not be reckoned.
    """
    check_policy(policy)
    before = programme_policy(session)
    session.execute(insert(PointsProgramme).values(expiry_policy=policy.to_json(), saved_by=actor.name, saved_at=at))
    audit.write(
        session,
        actor=actor,
        action="points.save_expiry_policy",
        subject="points_programme:expiry",
        before=before.to_json(),
        after=policy.to_json(),
        at=at,
    )
