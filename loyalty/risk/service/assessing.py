"""Assessing (风险评估): one gain is decided once, by the blocklist first and then by the rules in their order."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Json
from loyalty.members.queries import survivor_of
from loyalty.risk.models import RiskDecision
from loyalty.risk.queries.blocklist import is_blocked
from loyalty.risk.queries.counting import count
from loyalty.risk.queries.rules import RuleSet, current_rules
from loyalty.risk.rules.deciding import BLOCKED, BLOCKLIST, Measure, Measured, Ruling, decide, measures_for
from loyalty.risk.rules.signals import RANKS, Fact
from loyalty.risk.rules.subjects import STATE_OF, Decision, DecisionState, Occasion, Subject, Verdict, verdict_now
from loyalty.risk.service.sighting import note_sighting

Facts = Mapping[Fact, int]


def assess(
    session: Session,
    *,
    vault: Vault,
    occasion: Occasion,
    reference: str,
    subject: Subject,
    facts: Facts,
    at: datetime,
    beside: Sequence[Subject] = (),
) -> Decision:
    """Decide whether a gain is given, held or refused, once by its occasion and reference; write where it was asked.

    Again, it answers as the first time, or as whoever released or reversed it said. A caller whose transaction is
    rolled back for a refusal has the refusal written in one of its own. ``beside`` are others who gain by it, who must
    not be blocked either.
    """
    known = _find(session, occasion, reference)
    if known is not None:
        return known
    subject = _living(session, subject)
    note_sighting(session, vault=vault, occasion=occasion, subject=subject, at=at)
    rules = current_rules(session)
    measured = _measure(session, rules, subject, occasion, facts)
    is_refused = is_blocked(session, subject=subject, at=at, beside=[_living(session, one) for one in beside])
    ruling = Ruling(Verdict.DENY, BLOCKLIST, BLOCKED) if is_refused else decide(rules.rules, occasion, measured)
    _write(session, occasion, reference, subject, rules, ruling, measured, at)
    decision = _find(session, occasion, reference)
    assert decision is not None, "written by us or by whoever was faster"
    return decision


def _living(session: Session, subject: Subject) -> Subject:
    """Sightings of a merged member are the survivor's."""
    if subject.member_id is None:
        return subject
    return replace(subject, member_id=survivor_of(session, member_id=subject.member_id))


def _measure(session: Session, rules: RuleSet, subject: Subject, occasion: Occasion, facts: Facts) -> Measured:
    counted = count(session, subject=subject, occasion=occasion, measures=measures_for(rules.rules, occasion))
    brought: dict[Measure, int] = {(fact, None): value for fact, value in facts.items()}
    if subject.wechat_rank is not None:
        brought[Fact.WECHAT_RANK, None] = RANKS[subject.wechat_rank]
    return {**counted, **brought}


def _write(
    session: Session,
    occasion: Occasion,
    reference: str,
    subject: Subject,
    rules: RuleSet,
    ruling: Ruling,
    measured: Measured,
    at: datetime,
) -> None:
    session.execute(
        insert(RiskDecision)
        .values(
            occasion=occasion,
            reference=reference,
            member_id=subject.member_id,
            verdict=ruling.verdict,
            rule_name=ruling.rule_name,
            sentence=ruling.sentence,
            evidence=_evidence(subject, measured),
            rule_set_id=rules.id,
            state=STATE_OF[ruling.verdict],
            assessed_at=at,
        )
        .on_conflict_do_nothing(index_elements=["occasion", "reference"])
    )


def _evidence(subject: Subject, measured: Measured) -> Json:
    missing: Json = {Fact.WECHAT_RANK.value: None} if subject.is_rank_missing else {}
    return missing | {
        name.value if hours is None else f"{name.value}:{hours}": value for (name, hours), value in measured.items()
    }


def _find(session: Session, occasion: Occasion, reference: str) -> Decision | None:
    row = session.execute(
        select(RiskDecision.id, RiskDecision.state, RiskDecision.rule_name, RiskDecision.sentence).where(
            RiskDecision.occasion == occasion, RiskDecision.reference == reference
        )
    ).one_or_none()
    if row is None:
        return None
    return Decision(row.id, verdict_now(DecisionState(row.state)), row.rule_name, row.sentence)
