"""What risk says to payouts (提现风控): each is assessed once, and asked about again before a person lets it go."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.payouts.models import Payout
from loyalty.risk.queries.blocklist import is_blocked
from loyalty.risk.queries.decisions import DecisionView, find_decision, get_decision, list_decisions
from loyalty.risk.rules.deciding import BLOCKLIST
from loyalty.risk.rules.subjects import DecisionState, Occasion, Subject, Verdict, verdict_now
from loyalty.risk.service import assess

RELEASE_HOLDS = timedelta(days=7)
"""How long a member whom people have released is not stopped again by the same rule."""
_STOPPED_BY_RULES = frozenset({DecisionState.WAITING, DecisionState.DENIED})


def ask_risk(session: Session, *, vault: Vault, subject: Subject, key: str, at: datetime) -> Verdict:
    """Return what risk says to the payout with this key; again it says the same, or what people said since."""
    assert subject.member_id is not None, "only members are paid"
    decision = assess(
        session,
        vault=vault,
        occasion=Occasion.WITHDRAWAL,
        reference=reference_of(subject.member_id, key),
        subject=subject,
        facts={},
        at=at,
    )
    return _verdict(session, get_decision(session, decision_id=decision.id), at)


def is_held(session: Session, *, payout: Payout, at: datetime) -> bool:
    """Tell whether its member is on the blocklist, or risk does not let this payout pass."""
    if is_blocked(session, subject=Subject(payout.member_id), at=at):
        return True
    reference = reference_of(payout.member_id, payout.key)
    decision = find_decision(session, occasion=Occasion.WITHDRAWAL, reference=reference)
    return decision is not None and _verdict(session, decision, at) is not Verdict.ALLOW


def find_payout_of(session: Session, *, decision: DecisionView) -> int | None:
    """Return the payout that a decision is about; none where it was refused."""
    _kind, member_id, key = decision.reference.split(":", 2)
    return session.scalar(select(Payout.id).where(Payout.member_id == int(member_id), Payout.key == key))


def reference_of(member_id: int, key: str) -> str:
    """Return the name by which risk knows a payout."""
    return f"member:{member_id}:{key}"


def _verdict(session: Session, decision: DecisionView, at: datetime) -> Verdict:
    return Verdict.ALLOW if _was_released(session, decision, at) else verdict_now(decision.state)


def _was_released(session: Session, decision: DecisionView, at: datetime) -> bool:
    if decision.state not in _STOPPED_BY_RULES or decision.rule_name in (None, BLOCKLIST):
        return False
    latest = list_decisions(
        session,
        occasion=Occasion.WITHDRAWAL,
        rule_name=decision.rule_name or "",
        member_id=decision.member_id,
        state=DecisionState.RELEASED,
        limit=1,
    ).items
    return any(one.decided_at is not None and at - one.decided_at < RELEASE_HOLDS for one in latest)
