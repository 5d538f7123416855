"""What tests of segments work with: members of a level of their own, and bulk work done page by page."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel import bulk
from loyalty.kernel.audit import Actor
from loyalty.kernel.bulk import BulkState
from loyalty.members.models import Member
from loyalty.segments.rules import fact_types as types
from loyalty.segments.rules.works import Work
from loyalty.tiers.models import MemberTier
from tests.factories.members import make_member

STAFF = Actor("staff:7")
GOLD = types.Tier(frozenset({77}))
"""A level that members of other tests do not have."""


def make_at_level(session: Session, at: datetime, level: int = 77) -> Member:
    member = make_member(session)
    session.add(MemberTier(member_id=member.id, growth=0, level=level, since_at=at))
    session.flush()
    return member


def set_level(session: Session, member: Member, level: int) -> None:
    session.get_one(MemberTier, member.id).level = level
    session.flush()


def running(session: Session, kind: Work) -> int:
    """Return the one run of a kind that is under way."""
    return session.scalars(
        select(bulk.BulkRun.id).where(bulk.BulkRun.kind == kind, bulk.BulkRun.state == BulkState.RUNNING)
    ).one()


def work(session: Session, kind: Work, page: Callable[..., bulk.PageDone], at: datetime, **given: object) -> int:
    """Do all pages of the one run of a kind that is under way; return how many there were."""
    run_id = running(session, kind)
    pages = 1
    while bulk.work_page(session, run_id=run_id, page=partial(page, at=at, **given), at=at):
        pages += 1
    return pages


def stop(session: Session, kind: Work) -> None:
    """Pause the one run of a kind that is under way, as an error in one of its pages does."""
    bulk.pause(session, run_id=running(session, kind), error="ValueError")
