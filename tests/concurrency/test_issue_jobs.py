"""Coupons for many beside live traffic: together with every other way they are never more than the limits allow."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.coupons.models import Coupon
from loyalty.coupons.rules.errors import CouponLimitReached, CouponNotUsable, CouponSoldOut
from loyalty.coupons.rules.issue_jobs import Work, issue_reference
from loyalty.coupons.rules.states import IssuePath
from loyalty.coupons.rules.terms import MemberLimits
from loyalty.coupons.service import issue_jobs as service
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.limits import service as limits
from loyalty.limits.rules import TOTAL, Limit
from loyalty.members.models import Member
from tests.factories.coupon_uses import use_up
from tests.factories.coupons import issue_to, issued_of, make_template, terms_of
from tests.factories.issue_jobs import CHECKER, approve, do_page, do_pages, figures_of, list_of, upload
from tests.factories.members import make_member
from tests.support.containers import NullContainer, null_container
from tests.support.races import at_once

CLAIMS = 30
MEMBERS = 40
STOCK = 25


@pytest.fixture
def container(committed_database: Database, redis_url: str, at: datetime) -> NullContainer:
    return null_container(committed_database, redis_url=redis_url, at=at)


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loyalty.coupons.service.issue_jobs.issuing.PAGE_ROWS", 7)
    monkeypatch.setattr("loyalty.coupons.service.issue_jobs.undoing.PAGE_ROWS", 7)


def made(database: Database, *, stock: int | None, own: int | None = 1) -> tuple[int, list[int]]:
    """Return a template and members."""

    def make(session: Session) -> tuple[int, list[int]]:
        template_id = make_template(session, terms_of(member_limits=MemberLimits(total=own)), stock=stock)
        return template_id, [make_member(session).id for _ in range(MEMBERS)]

    return run(database, make)


def approved_job(container: NullContainer, template_id: int, member_ids: Sequence[int]) -> int:
    """Return a job of members that waits to issue."""

    def make(session: Session) -> int:
        return upload(session, template_id, list_of(_numbers(session, member_ids)))

    job_id = run(container.database, make)
    do_page(container, job_id, Work.CHECK)
    run(container.database, lambda session: approve(session, job_id))
    return job_id


def _numbers(session: Session, member_ids: Sequence[int]) -> list[str]:
    return list(session.scalars(select(Member.number).where(Member.id.in_(member_ids))))


def work(container: NullContainer, job_id: int, kind: Work) -> Callable[[], None]:
    return partial(do_pages, container, job_id, kind)


def claims(
    container: NullContainer, template_id: int, member_ids: Sequence[int], at: datetime
) -> list[Callable[[], object]]:
    def claim(number: int, member_id: int) -> Callable[[], object]:
        values = {"path": IssuePath.CLAIM, "reference": f"claim:{number}", "at": at}
        return lambda: run(
            container.database,
            lambda session: issue_to(session, member_id, template_id, **values),  # type: ignore[arg-type]
        )

    return [claim(number, member_id) for number, member_id in enumerate(member_ids)]


def own_used(database: Database, template_id: int, member_id: int) -> int:
    limit = Limit(f"coupon_template:{template_id}", f"member:{member_id}", TOTAL, 1, "member_total")
    return run(database, lambda session: limits.used(session, limit=limit))


def test_a_batch_and_claims_at_once_issue_the_stock_exactly(container: NullContainer, at: datetime) -> None:
    database = container.database
    template_id, member_ids = made(database, stock=STOCK, own=None)
    job_id = approved_job(container, template_id, member_ids)
    single = claims(container, template_id, member_ids[:CLAIMS], at)

    answers = at_once([work(container, job_id, Work.ISSUE), *single])[1:]

    figures = figures_of(database, job_id, Work.ISSUE)
    refused = sum(isinstance(answer, CouponSoldOut) for answer in answers)
    assert issued_of(database, template_id) == (STOCK, STOCK)
    assert figures.get("issued", 0) + CLAIMS - refused == STOCK
    assert sum(figures.values()) == MEMBERS


def test_a_member_whom_two_batches_and_a_claim_reach_at_once_gets_one(container: NullContainer, at: datetime) -> None:
    database = container.database
    template_id, member_ids = made(database, stock=None)
    jobs = [approved_job(container, template_id, member_ids) for _ in range(2)]
    single = claims(container, template_id, member_ids[:CLAIMS], at)

    answers = at_once([*(work(container, job_id, Work.ISSUE) for job_id in jobs), *single])[2:]

    refused = sum(isinstance(answer, CouponLimitReached) for answer in answers)
    figures = [figures_of(database, job_id, Work.ISSUE) for job_id in jobs]
    assert issued_of(database, template_id) == (MEMBERS, MEMBERS)
    assert sum(one.get("issued", 0) for one in figures) + CLAIMS - refused == MEMBERS
    assert {own_used(database, template_id, member_id) for member_id in member_ids} == {1}


def test_undoing_beside_use_leaves_what_was_used_and_frees_the_rest(container: NullContainer) -> None:
    database = container.database
    template_id, member_ids = made(database, stock=None)
    job_id = approved_job(container, template_id, member_ids)
    work(container, job_id, Work.ISSUE)()
    run(database, lambda session: service.undo(session, job_id=job_id, actor=CHECKER, at=container.clock.now()))
    mine = select(Coupon.member_id, Coupon.id).where(Coupon.reference == issue_reference(job_id))
    coupons = run(database, lambda session: session.execute(mine.order_by(Coupon.id.desc())).all())

    def use(member_id: int, coupon_id: int) -> Callable[[], object]:
        return lambda: run(database, lambda session: use_up(session, member_id, coupon_id))

    uses = [use(*coupon) for coupon in coupons[:CLAIMS]]
    answers = at_once([work(container, job_id, Work.UNDO), *uses])[1:]

    used = CLAIMS - sum(isinstance(answer, CouponNotUsable) for answer in answers)
    figures = figures_of(database, job_id, Work.UNDO)
    assert (figures.get("used", 0), figures.get("undone", 0)) == (used, MEMBERS - used)
    assert issued_of(database, template_id) == (MEMBERS, used)
    assert sum(own_used(database, template_id, member_id) for member_id in member_ids) == used
