"""Earning rules and events for tests."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from loyalty.earning.rules import (
    Conditions,
    Definition,
    EarningEvent,
    EventFacts,
    FactLine,
    Fixed,
    PerAmount,
    RuleRevision,
)
from loyalty.earning.service import Happening, reward
from loyalty.earning.service.rules import create_rule, publish
from loyalty.kernel.audit import Actor
from loyalty.kernel.local_time import LocalTime
from tests.factories.check_ins import SHANGHAI
from tests.support.settings import VAULT

ACTOR = Actor("system:tests")
AT = datetime(2026, 1, 1, tzinfo=UTC)
BASE = Definition(event=EarningEvent.PURCHASE, points=PerAmount(1, 100))
"""One point for each yuan."""
_numbers = count(1)


def facts_of(*amounts_fen: int, **changes: Any) -> EventFacts:
    """Return a purchase of some lines, on an ordinary Tuesday at 10:00, unless told otherwise."""
    lines = [FactLine(number, f"A{number}", "饮品", 1, fen) for number, fen in enumerate(amounts_fen, start=1)]
    values: dict[str, Any] = {
        "event": EarningEvent.PURCHASE,
        "occurred_at": datetime(2026, 3, 10, 2, 0, tzinfo=UTC),
        "local": LocalTime(date(2026, 3, 10), 600),
        "member_id": 1,
        "lines": tuple(lines),
    }
    return EventFacts(**(values | changes))


def revisions_of(*definitions: Definition) -> Sequence[RuleRevision]:
    """Return revisions without a database, numbered from 1."""
    return [
        RuleRevision(id=number, rule_id=number, number=1, name=f"规则{number}", definition=definition, starts_at=AT)
        for number, definition in enumerate(definitions, start=1)
    ]


def make_rule(
    session: Session,
    definition: Definition = BASE,
    *,
    name: str | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    at: datetime = AT,
) -> int:
    """Return a rule of headquarters that is published, from New Year on unless told otherwise."""
    rule_id = create_rule(
        session,
        name=name or f"规则{next(_numbers)}",
        definition=definition,
        starts_at=starts_at,
        ends_at=ends_at,
        actor=ACTOR,
        at=at,
    )
    publish(session, rule_id=rule_id, actor=ACTOR, at=at)
    return rule_id


def miss_review(session: Session, member_id: int, at: datetime) -> None:
    """Let a member write a review for which the only rule pays nothing, and commit."""
    conditions = Conditions(weekdays=frozenset({7}))
    make_rule(session, Definition(event=EarningEvent.REVIEW, points=Fixed(9), conditions=conditions), name="评价有礼")
    happening = Happening(event=EarningEvent.REVIEW, member_id=member_id, occurred_at=at)
    reward(session, VAULT, happening=happening, reference=f"review:{member_id}", at=at, zone=SHANGHAI)
    session.commit()
