"""Asking for approval and deciding."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.approvals import queries, service
from loyalty.approvals.rules import (
    ApprovalByMaker,
    ApprovalDecided,
    ApprovalKind,
    ApprovalNotFound,
    ApprovalState,
    ApprovalWaiting,
)
from loyalty.kernel.audit import Actor, AuditEntry
from tests.factories.adjustments import AT, CHECKER, MAKER

SUBJECT = "adjustment_batch:987654"


def ask(session: Session, subject: str = SUBJECT) -> int:
    return service.request(
        session, kind=ApprovalKind.ADJUSTMENT_BATCH, subject=subject, facts={"rows": 3}, actor=MAKER, at=AT
    )


def decide(session: Session, approval_id: int, *, is_approved: bool = True, actor: Actor = CHECKER) -> ApprovalState:
    return service.decide(session, approval_id=approval_id, is_approved=is_approved, actor=actor, at=AT).state


@pytest.mark.parametrize(("is_approved", "state"), [(True, ApprovalState.APPROVED), (False, ApprovalState.REFUSED)])
def test_another_person_decides_once_and_both_acts_are_audited(
    session: Session, is_approved: bool, state: ApprovalState
) -> None:
    approval_id = ask(session)

    assert decide(session, approval_id, is_approved=is_approved) == state

    with pytest.raises(ApprovalDecided):
        decide(session, approval_id, is_approved=not is_approved)
    actors = session.scalars(select(AuditEntry.actor).where(AuditEntry.subject == SUBJECT).order_by(AuditEntry.id))
    assert actors.all() == [MAKER.name, CHECKER.name]


def test_the_maker_never_decides(session: Session) -> None:
    approval_id = ask(session)

    for is_approved in (True, False):
        with pytest.raises(ApprovalByMaker):
            decide(session, approval_id, is_approved=is_approved, actor=MAKER)
    assert [one.id for one in queries.list_waiting(session, kind=ApprovalKind.ADJUSTMENT_BATCH)] == [approval_id]


def test_a_thing_waits_once_and_may_be_asked_for_again_after_a_refusal(session: Session) -> None:
    first = ask(session)
    with pytest.raises(ApprovalWaiting):
        ask(session)

    decide(session, first, is_approved=False)
    second = ask(session)

    latest = queries.find_latest(session, kind=ApprovalKind.ADJUSTMENT_BATCH, subject=SUBJECT)
    assert latest is not None
    assert (latest.id, latest.state) == (second, ApprovalState.WAITING)


def test_what_nobody_asked_for_cannot_be_decided(session: Session) -> None:
    with pytest.raises(ApprovalNotFound):
        decide(session, 2**60)
