"""The ladder (等级阶梯) and how levels are evaluated: what headquarters sets."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.tiers.models import TierPolicy, TierStep
from loyalty.tiers.queries import list_tiers, policy_in_force
from loyalty.tiers.rules import Policy, Tier, check_policy, check_tiers


def save_tiers(session: Session, *, tiers: Sequence[Tier], actor: Actor, at: datetime) -> None:
    """Put another ladder in place of the present one; levels follow at the next evaluation, with its grace.

    Raises:
        InvalidTiers: some growth would have no level, or two.
    """
    check_tiers(tiers)
    before = {"tiers": [asdict(tier) for tier in list_tiers(session)]}
    session.execute(delete(TierStep))
    session.execute(insert(TierStep), [asdict(tier) for tier in tiers])
    after = {"tiers": [asdict(tier) for tier in tiers]}
    audit.write(session, actor=actor, action="tiers.save_tiers", subject="tiers", before=before, after=after, at=at)


def save_policy(session: Session, *, policy: Policy, actor: Actor, at: datetime) -> None:
    """Say in which period growth counts from now on; levels follow at the next evaluation, with its grace.

    Raises:
        InvalidTierPolicy: the period or the grace makes no sense.
    """
    check_policy(policy)
    before, after = asdict(policy_in_force(session)), asdict(policy)
    values = {**after, "saved_at": at}
    session.execute(
        insert(TierPolicy).values(id=1, **values).on_conflict_do_update(index_elements=[TierPolicy.id], set_=values)
    )
    audit.write(session, actor=actor, action="tiers.save_policy", subject="tiers", before=before, after=after, at=at)
