"""What tests of a rule's life do again and again: keep a draft, and look at what is in force."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.earning.queries import live_revisions
from loyalty.earning.rules import Definition, EarningEvent, PerAmount
from loyalty.earning.service.rules import save_draft
from tests.factories.earning import ACTOR, BASE

DOUBLE = replace(BASE, points=PerAmount(2, 100))


def live(session: Session, at: datetime, store_id: int | None = None) -> list[tuple[int, Definition]]:
    found = live_revisions(session, event=EarningEvent.PURCHASE, at=at, store_id=store_id)
    return [(revision.rule_id, revision.definition) for revision in found]


def draft(
    session: Session, rule_id: int, at: datetime, definition: Definition | None = DOUBLE, **changes: object
) -> int:
    values = {"name": "新版", "starts_at": None, "ends_at": None, "actor": ACTOR, "at": at} | changes
    return save_draft(session, rule_id=rule_id, definition=definition, **values)  # type: ignore[arg-type]
