"""Contradictions (状态矛盾): what WeChat Pay said that cannot be true with what we know, once people have looked."""

from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.checking import is_tidy
from loyalty.payouts.rules.errors import InvalidPayoutReason
from loyalty.payouts.rules.names import reference_of
from loyalty.payouts.rules.states import PayoutState
from loyalty.payouts.service.records import lock_payout, note

REASON_LENGTH_MAX = 200


def settle_contradiction(session: Session, *, payout_id: int, reason: str, actor: Actor, at: datetime) -> None:
    """Note that people have looked at a contradiction, and what they found; no money moves. Again it changes nothing.

    Should WeChat Pay say the same again, it stands there again.

    Raises:
        PayoutNotFound: there is no such payout.
        InvalidPayoutReason: the reason is empty or too long.
    """
    if not is_tidy(reason, REASON_LENGTH_MAX):
        raise InvalidPayoutReason
    payout = lock_payout(session, payout_id)
    problem = payout.contradiction
    if problem is None:
        return
    payout.contradiction = None
    note(session, payout, "looked_at", before=PayoutState(payout.state), code=problem, actor=actor.name, at=at)
    audit.write(
        session,
        actor=actor,
        action="payouts.settle_contradiction",
        subject=reference_of(payout_id),
        before={"contradiction": problem},
        after={"reason": reason},
        at=at,
    )
