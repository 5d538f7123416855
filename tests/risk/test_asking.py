"""WeChat is asked for its opinion where a rule looks at it, once; without an answer it is decided without."""

from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from loyalty.gateways.answers import RiskRank
from loyalty.risk.queries.decisions import get_decision
from loyalty.risk.rules.deciding import Condition, Rule
from loyalty.risk.rules.signals import Fact
from loyalty.risk.rules.subjects import Occasion, Subject, Verdict
from loyalty.risk.service import ask_wechat, assess, save_rules
from tests.factories.members import make_member
from tests.factories.points import AT
from tests.factories.referrals import ACTOR
from tests.support.containers import NullContainer
from tests.support.settings import VAULT

RULE = Rule("rank", "微信判定", frozenset({Occasion.MISSION}), (Condition(Fact.WECHAT_RANK, 3),), Verdict.DENY)


def look(container: NullContainer, member_id: int, *, reference: str = "mission:1") -> Subject:
    return ask_wechat(
        container.database, subject=Subject(member_id), occasion=Occasion.MISSION, reference=reference,
        mini_program=container.mp, openid="o-1", ip="10.0.0.1",
    )  # fmt: skip


def decide(session: Session, subject: Subject) -> int:
    return assess(
        session, vault=VAULT, occasion=Occasion.MISSION, reference="mission:1", subject=subject, facts={}, at=AT
    ).id  # fmt: skip


def test_is_asked_once_for_a_gain_and_heard(session: Session, container: NullContainer) -> None:
    save_rules(session, rules=[RULE], actor=ACTOR, at=AT)
    member, container.mp.risk = make_member(session), RiskRank.HIGH

    decision = get_decision(session, decision_id=decide(session, look(container, member.id)))
    look(container, member.id)

    assert decision.verdict is Verdict.DENY
    assert container.mp.risk_calls == [("o-1", "marketing")]


@pytest.mark.parametrize(
    "rules",
    [[], [replace(RULE, is_on=False)], [replace(RULE, occasions=frozenset({Occasion.WITHDRAWAL}))]],
    ids=["no rule", "off", "another occasion"],
)
def test_is_not_asked_where_no_rule_looks_at_it(session: Session, container: NullContainer, rules: list[Rule]) -> None:
    save_rules(session, rules=rules, actor=ACTOR, at=AT)
    member = make_member(session)

    assert look(container, member.id) == Subject(member.id)
    assert container.mp.risk_calls == []


def test_without_an_answer_it_is_decided_without_and_the_evidence_says_so(
    session: Session, container: NullContainer
) -> None:
    member, container.mp.risk = make_member(session), RiskRank.UNKNOWN

    decision = get_decision(session, decision_id=decide(session, look(container, member.id)))

    assert decision.verdict is Verdict.ALLOW
    assert decision.evidence["wechat_rank"] is None
