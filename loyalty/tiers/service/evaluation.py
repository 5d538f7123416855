"""The evaluation (等级考核): every night each level is held against the growth that has to keep it.

Members whose growth no longer suffices are told and given a grace; who has not made up for it at its end stands where
growth reaches. A page is one transaction; running it again decides nothing twice, and a night that was missed only
prolongs the grace.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from loyalty.kernel import outbox
from loyalty.kernel.clock import business_date, end_of
from loyalty.tiers.queries import last_of_page, list_changing, list_tiers, policy_in_force
from loyalty.tiers.rules import LOWEST_LEVEL, Policy, TierChangeCause, Verdict, judge
from loyalty.tiers.service.changes import Holder, change_level, lock, set_grace
from loyalty.tiers.service.manual import end_manual

PAGE_MEMBERS = 1_000
_CAUSES = {Verdict.PROMOTE: TierChangeCause.PROMOTED, Verdict.DEMOTE: TierChangeCause.DEMOTED}


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What a page came to; ``last_id`` is where the next begins, None after the last."""

    last_id: int | None
    verdicts: Mapping[Verdict, int]
    ended_by_hand: int


def evaluate_page(session: Session, *, after_id: int, at: datetime, limit: int = PAGE_MEMBERS) -> Evaluated:
    """Evaluate the members after ``after_id``, in the order of their ids; only those who change are locked."""
    last_id = last_of_page(session, after_id=after_id, limit=limit)
    if last_id is None:
        return Evaluated(None, {}, 0)
    changing = list_changing(session, after_id=after_id, last_id=last_id, at=at)
    if not changing:
        return Evaluated(last_id, {}, 0)
    policy, verdicts, ended = policy_in_force(session), Counter[Verdict](), 0
    thresholds = {tier.level: tier.growth_threshold for tier in list_tiers(session)}
    for member_id in changing:
        holder = lock(session, member_id=member_id, at=at)
        if holder is None:
            continue
        manual_until = holder.standing.manual_until_at
        if manual_until is not None and manual_until <= at:
            holder, ended = end_manual(session, holder), ended + 1
        verdict = judge(holder.standing, grace_days=policy.grace_days, at=at)
        _carry_out(session, holder, verdict, policy, thresholds)
        verdicts[verdict] += 1
    return Evaluated(last_id, verdicts, ended)


def _carry_out(
    session: Session, holder: Holder, verdict: Verdict, policy: Policy, thresholds: Mapping[int, int]
) -> None:
    if verdict in _CAUSES:
        change_level(session, holder, to_level=holder.standing.reached, cause=_CAUSES[verdict])
    elif verdict is Verdict.RETAIN:
        set_grace(session, holder, until_at=None)
    elif verdict is Verdict.BEGIN_GRACE:
        last_day = business_date(holder.at, policy.zone) + timedelta(days=policy.grace_days)
        _begin_grace(session, holder, last_day, policy, thresholds)


def _begin_grace(
    session: Session, holder: Holder, last_day: date, policy: Policy, thresholds: Mapping[int, int]
) -> None:
    until_at = end_of(last_day, policy.zone)
    set_grace(session, holder, until_at=until_at)
    standing = holder.standing
    by_hand = standing.manual_until_at is not None and standing.manual_until_at > until_at
    falls_to = max(standing.reached, standing.manual_level or 0) if by_hand else standing.reached
    top_level = max(thresholds, default=LOWEST_LEVEL)
    if falls_to >= min(standing.level_at(holder.at), top_level):
        return  # a level by hand outlives the grace, or the ladder lost the step: nothing changes for the member
    level = min(standing.level, top_level)
    payload = {
        "member_id": holder.member_id,
        "level": level,
        "falls_to": falls_to,
        "growth_lacking": max(0, thresholds.get(level, 0) - standing.kept_by),
        "last_day": last_day.isoformat(),
    }
    outbox.record(session, "tier.ending", payload, at=holder.at)
