"""What is assessed (风险评估): who did what, from where; and what came of it."""

from dataclasses import dataclass
from enum import StrEnum

from loyalty.gateways.answers import RiskRank
from loyalty.kernel.errors import Conflict, NotFound


class Occasion(StrEnum):
    """By what somebody wants to gain, and where they are seen."""

    ENROLMENT = "enrolment"
    """People are seen and counted here; nothing is given, so that nothing is decided and nobody kept from enrolling.

    What new members gain is looked at where it is given: a referral, a mission such as binding the phone, a withdrawal.
    """
    OPENING = "opening"
    """Of a link that a member shared."""
    REFERRAL = "referral"
    MISSION = "mission"
    WITHDRAWAL = "withdrawal"


DECIDED = frozenset(Occasion) - {Occasion.ENROLMENT}
"""The occasions on which something is given, held or refused: those that rules can be for."""


class Verdict(StrEnum):
    """What may be done: give, give after somebody looked, or refuse."""

    ALLOW = "allow"
    REVIEW = "review"
    DENY = "deny"


class DecisionState(StrEnum):
    """Where a decision stands; its verdict stays what the rules said."""

    ALLOWED = "allowed"
    WAITING = "waiting"
    """Held until somebody looks at it (待审核)."""
    DENIED = "denied"
    RELEASED = "released"
    """Let go by a person (放行)."""
    REVERSED = "reversed"
    """Refused or taken back by a person (撤销)."""


FOLLOWING = {
    DecisionState.ALLOWED: frozenset({DecisionState.REVERSED}),
    DecisionState.WAITING: frozenset({DecisionState.RELEASED, DecisionState.REVERSED}),
    DecisionState.DENIED: frozenset({DecisionState.RELEASED}),
    DecisionState.RELEASED: frozenset({DecisionState.REVERSED}),
    DecisionState.REVERSED: frozenset[DecisionState](),
}
STATE_OF = {
    Verdict.ALLOW: DecisionState.ALLOWED,
    Verdict.REVIEW: DecisionState.WAITING,
    Verdict.DENY: DecisionState.DENIED,
}
_VERDICT_NOW = {
    DecisionState.ALLOWED: Verdict.ALLOW,
    DecisionState.WAITING: Verdict.REVIEW,
    DecisionState.DENIED: Verdict.DENY,
    DecisionState.RELEASED: Verdict.ALLOW,
    DecisionState.REVERSED: Verdict.DENY,
}


class RiskDecisionNotFound(NotFound):
    """No decision has this id."""

    code = "risk_decision_not_found"
    message = "没有找到这条风控记录"


class RiskDecisionSettled(Conflict):
    """The decision was released or reversed before, or says already what is asked for."""

    code = "risk_decision_settled"
    message = "这条风控记录已经处理过"


@dataclass(frozen=True, slots=True)
class Subject:
    """Who is assessed; a device and an address are stored as blind indexes only, and for 90 days."""

    member_id: int | None
    identity_id: int | None = None
    """Of a visitor, who is no member."""
    device: str | None = None
    ip: str | None = None
    wechat_rank: RiskRank | None = None
    is_rank_missing: bool = False
    """WeChat was asked for its opinion and gave none: it is decided without, and the evidence says so."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What risk says to one gain."""

    id: int
    verdict: Verdict
    """After a person released or reversed it: what that person said."""
    rule_name: str | None
    """The rule that fired; none when nothing was found."""
    sentence: str


def verdict_now(state: DecisionState) -> Verdict:
    """Return what may be done by where a decision stands."""
    return _VERDICT_NOW[state]
