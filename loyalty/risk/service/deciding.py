"""Releasing and reversing (放行、撤销): a person has the last word, with a reason; the module of the gain reacts."""

from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.kernel import audit, outbox
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Json
from loyalty.kernel.states import advance
from loyalty.risk.models import RiskDecision
from loyalty.risk.queries.decisions import get_decision
from loyalty.risk.rules.reasons import check_reason
from loyalty.risk.rules.subjects import FOLLOWING, DecisionState, RiskDecisionSettled


def release(session: Session, *, decision_id: int, reason: str, actor: Actor, at: datetime) -> None:
    """Let go what is held or was refused (放行).

    Raises:
        RiskDecisionNotFound: there is no such decision.
        RiskDecisionSettled: it was let go, or reversed, before.
        InvalidRiskReason: the reason is empty or too long.
    """
    told = _settle(session, decision_id, DecisionState.RELEASED, "risk.release", reason, actor, at)
    outbox.record(session, "risk.released", told, at=at)


def reverse(session: Session, *, decision_id: int, reason: str, actor: Actor, at: datetime) -> None:
    """Refuse what is held, or take back what was given (撤销).

    Raises:
        RiskDecisionNotFound: there is no such decision.
        RiskDecisionSettled: it was refused or reversed before.
        InvalidRiskReason: the reason is empty or too long.
    """
    told = _settle(session, decision_id, DecisionState.REVERSED, "risk.reverse", reason, actor, at)
    outbox.record(session, "risk.reversed", told, at=at)


def _settle(
    session: Session, decision_id: int, state: DecisionState, action: str, reason: str, actor: Actor, at: datetime
) -> Json:
    check_reason(reason)
    before = get_decision(session, decision_id=decision_id)
    is_moved = advance(
        session,
        table=RiskDecision,
        row_id=decision_id,
        to=state,
        following=FOLLOWING,
        decided_by=actor.name,
        decided_at=at,
    )
    if not is_moved:
        raise RiskDecisionSettled(decision_id=decision_id)
    audit.write(
        session,
        actor=actor,
        action=action,
        subject=f"risk_decision:{decision_id}",
        before={"state": before.state.value},
        after={"state": state.value, "reason": reason},
        at=at,
    )
    return {
        "decision_id": decision_id,
        "occasion": before.occasion.value,
        "reference": before.reference,
        "member_id": before.member_id,
    }
