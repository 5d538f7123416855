"""Awarding (发放): an event is evaluated once, and what it earns is posted with the reason why.

Everything happens in the caller's transaction and in the order of locks: the account first, which ``gather`` holds,
then coupons, then the limits, then only rows that nobody else has.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.earning.evaluations import find_in_family
from loyalty.earning.rules import Award, EarningEvent, Evaluation, EventFacts, RuleRevision, evaluate
from loyalty.earning.rules.keeping import inputs_of
from loyalty.earning.rules.paying import Payment, payments, standings
from loyalty.earning.service.coupons import Given, foresee, give
from loyalty.earning.service.facts import Gathered
from loyalty.earning.service.reserving import Room, look, reserve
from loyalty.earning.statement import AWARD
from loyalty.earning.titles import with_titles
from loyalty.kernel.database import Json
from loyalty.kernel.prepared import send
from loyalty.points import service as points
from loyalty.points.posting import parameters
from loyalty.tiers import service as tiers


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an event earned: the explanations as kept, one for each rule that paid or did not."""

    points: int = 0
    growth: int = 0
    awards: Sequence[Json] = ()
    misses: Sequence[Json] = ()
    balance_after: int | None = None
    """After the last entry; empty when nothing was posted."""
    is_replay: bool = False


def award(
    session: Session, *, gathered: Gathered, reference: str, at: datetime, zone: ZoneInfo, is_new: bool = False
) -> Outcome:
    """Pay what an event earns by the rules in force when it happened (发放积分).

    Once by its reference, also after a merge: a replay tells what the first call paid. ``is_new`` says that a
    natural key of the caller's has made sure of that. Points cut by a cap or a budget say so in their explanation;
    a coupon that is refused is told of as missed, and all else is paid. Nothing is kept of an event for which there
    is no rule.
    """
    facts = gathered.facts
    if not is_new:
        known = find_in_family(session, member_id=facts.member_id, reference=reference)
        if known is not None:
            return Outcome(known.points, known.growth, known.awards, known.misses, is_replay=True)
    if not gathered.revisions:
        return Outcome()
    evaluation, room, given = _within_limits(session, gathered.revisions, facts, reference, at, zone)
    paid = payments(
        {one.revision_id: one.points for one in evaluation.awards},
        evaluation.awards,
        reference=reference,
        facts=facts,
        default=gathered.default_expiry,
        zone=zone,
    )
    inputs = inputs_of(facts, gathered.revisions, room)
    outcome = _post(session, evaluation, paid, given, reference, inputs, facts, at)
    if evaluation.growth:
        tiers.reach(session, member_id=facts.member_id, at=at)
    return outcome


def preview(
    session: Session, *, facts: EventFacts, revisions: Sequence[RuleRevision], at: datetime, zone: ZoneInfo
) -> Outcome:
    """Return what an event would earn now, by the same rules and limits, changing nothing (预估)."""
    unbounded = evaluate(revisions, facts)
    room = look(session, revisions=revisions, awards=unbounded.awards, facts=facts)
    room |= foresee(session, awards=unbounded.awards, facts=facts, at=at, zone=zone)
    evaluation = with_titles(session, evaluate(revisions, facts, room=room) if room else unbounded)
    return Outcome(
        evaluation.points,
        evaluation.growth,
        [one.explanation for one in evaluation.awards],
        [one.explanation for one in evaluation.misses],
    )


def post(
    session: Session, *, paid: Iterable[Payment], awards: Sequence[Award], facts: EventFacts, at: datetime
) -> int | None:
    """Post the entries of an award; return the balance after the last, or nothing when there is none."""
    balance_after = None
    for one in paid:
        posting = points.earn(
            session,
            member_id=facts.member_id,
            points=one.points,
            reference=one.reference,
            explanation=_explanation(one, awards, facts),
            occurred_at=facts.occurred_at,
            at=at,
            store_id=facts.store_id,
            revision_id=one.revision_id,
            available_at=one.available_at,
            terms=one.terms,
        )
        balance_after = posting.balance_after
    return balance_after


def _within_limits(
    session: Session, revisions: Sequence[RuleRevision], facts: EventFacts, reference: str, at: datetime, zone: ZoneInfo
) -> tuple[Evaluation, Room, Given]:
    unbounded = evaluate(revisions, facts)
    given = give(session, awards=unbounded.awards, facts=facts, reference=reference, at=at, zone=zone)
    wanted = {one.revision_id: one.points for one in unbounded.awards}
    room = reserve(session, revisions=revisions, points=wanted, facts=facts) | given.withheld
    bounded = evaluate(revisions, facts, room=room) if room else unbounded
    return with_titles(session, bounded), room, given


def _explanation(one: Payment, awards: Sequence[Award], facts: EventFacts) -> Json:
    told = [award.explanation for award in awards if award.revision_id in one.shares]
    rule = "purchase" if facts.event is EarningEvent.PURCHASE else "earning"
    return {"rule": rule, "event": facts.event.value, "awards": told}


def _post(
    session: Session,
    evaluation: Evaluation,
    paid: Sequence[Payment],
    given: Given,
    reference: str,
    inputs: Json,
    facts: EventFacts,
    at: datetime,
) -> Outcome:
    """Post the first entry with everything else in one statement; the few more that there may be, after it."""
    stood = {one.revision_id: one.to_json() for one in standings(evaluation.awards, paid, given.coupon_ids)}
    awards = [{**one.explanation, **stood[one.revision_id]} for one in evaluation.awards]
    misses = [one.explanation for one in evaluation.misses]
    values = {
        **inputs,
        **_entry_values(paid, evaluation.awards, facts),
        "member_id": facts.member_id,
        "reference": reference,
        "event": facts.event.value,
        "store_id": facts.store_id,
        "actor": "system",
        "awards": awards,
        "misses": misses,
        "all_points": evaluation.points,
        "growth": evaluation.growth,
        "occurred_at": facts.occurred_at,
        "recorded_at": at,
    }
    (posted,) = send(session, AWARD, parameters(values))
    more = post(session, paid=paid[1:], awards=evaluation.awards, facts=facts, at=at)
    return Outcome(evaluation.points, evaluation.growth, awards, misses, posted.balance_after if more is None else more)


def _entry_values(paid: Sequence[Payment], awards: Sequence[Award], facts: EventFacts) -> dict[str, Any]:
    opened = {"opened_at": facts.occurred_at}
    if not paid:
        nothing = dict.fromkeys(("revision_id", "expires_at", "idle_days", "idle_zone"))
        return {**opened, **nothing, "points": 0, "explanation": {}, "available_at": facts.occurred_at}
    first = paid[0]
    return {
        **opened,
        "expires_at": first.terms.expires_at,
        "idle_days": first.terms.idle_days,
        "idle_zone": first.terms.idle_zone,
        "points": first.points,
        "revision_id": first.revision_id,
        "explanation": _explanation(first, awards, facts),
        "available_at": first.available_at,
    }
