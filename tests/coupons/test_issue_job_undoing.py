"""Undoing coupons for many: what nobody has used goes back, with everything it took; the rest is told."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from loyalty.coupons.models import Coupon
from loyalty.coupons.queries.templates import get_template
from loyalty.coupons.rules.issue_jobs import IssueJobNotInState, IssueJobState, Kept, Work, issue_reference
from loyalty.coupons.rules.states import CouponState
from loyalty.coupons.rules.terms import DaysFromIssue, MemberLimits, Stock
from loyalty.coupons.service import issue_jobs as service
from loyalty.coupons.service.voiding import void
from loyalty.members.models import Member
from loyalty.notices.models import Notice
from tests.factories.coupon_uses import lock_up, use_up
from tests.factories.coupons import issue_to
from tests.factories.issue_jobs import (
    CHECKER,
    begun,
    checked,
    do_page,
    do_pages,
    figures_of,
    get,
    issued,
    issued_untold,
    list_of,
    names,
    outcomes,
    template_of,
    undone,
    work_off,
)
from tests.factories.points import AT
from tests.factories.stores import make_store
from tests.support.containers import NullContainer

pytestmark = pytest.mark.usefixtures("small_pages")
_USED = text("SELECT entity, period, sum(used) FROM limit_counters WHERE subject = :subject GROUP BY 1, 2")


def used(session: Session, template_id: int) -> dict[tuple[str, str], int]:
    """What is used of every limit of a template, unless it is nothing."""
    rows = session.execute(_USED, {"subject": f"coupon_template:{template_id}"})
    return {(entity, period): int(count) for entity, period, count in rows if count}


def coupon_of(session: Session, job_id: int, member: Member) -> int:
    mine = select(Coupon.id).where(Coupon.member_id == member.id, Coupon.reference == issue_reference(job_id))
    return session.scalars(mine).one()


def states(session: Session, job_id: int) -> list[str]:
    mine = select(Coupon.state).where(Coupon.reference == issue_reference(job_id)).order_by(Coupon.member_id)
    return list(session.scalars(mine))


class TestUndoing:
    def test_gives_every_limit_back_what_was_taken_of_it(
        self, container: NullContainer, session: Session, members: Sequence[Member]
    ) -> None:
        stock, own = Stock(per_day=50, per_store=50), MemberLimits(total=2, per_day=1)
        template_id, store = template_of(session, stock=stock, member_limits=own), make_store(session)
        session.commit()
        before = used(session, template_id)
        job = issued(container, checked(container, template_id, list_of(names(members)), store_id=store.id).id)
        assert len(used(session, template_id)) == 2 * len(members) + 3
        told = session.scalar(select(func.count()).select_from(Notice))

        done = undone(container, job.id)

        assert done.state == IssueJobState.UNDONE
        assert states(session, job.id) == [CouponState.VOIDED] * 5
        assert used(session, template_id) == before == {}
        assert figures_of(container.database, job.id, Work.UNDO) == {"undone": 5}
        assert session.scalar(select(func.count()).select_from(Notice)) == told  # nothing is unsent
        issue_to(session, members[0].id, template_id)

    def test_leaves_what_was_used_locked_voided_or_has_lapsed_and_tells_of_it(
        self, container: NullContainer, session: Session, members: Sequence[Member]
    ) -> None:
        template_id = template_of(session, validity=DaysFromIssue(1))
        job = issued(container, checked(container, template_id, list_of(names(members))).id)
        first, second, third, *_others = (coupon_of(session, job.id, member) for member in members)
        use_up(session, members[0].id, first)
        lock_up(session, members[1].id, second)
        void(session, coupon_ids=[third], reason="mistake", actor=CHECKER, at=AT)
        session.commit()
        preview = service.preview_undo(session, job_id=job.id, at=AT)
        assert (preview.left, preview.kept) == (2, {Kept.USED: 1, Kept.LOCKED: 1, Kept.VOIDED: 1})

        undone(container, job.id)

        assert outcomes(session, job.id) == {members[0].id: "used", members[1].id: "locked", members[2].id: "voided"}
        assert figures_of(container.database, job.id, Work.UNDO) == {"undone": 2, "used": 1, "locked": 1, "voided": 1}
        assert get_template(session, template_id=template_id).issued == 3
        assert states(session, job.id) == ["redeemed", "locked", "voided", "voided", "voided"]

    def test_after_they_lapsed_takes_nothing_back(
        self, container: NullContainer, session: Session, members: Sequence[Member]
    ) -> None:
        template_id = template_of(session, validity=DaysFromIssue(1))
        job = issued(container, checked(container, template_id, list_of(names(members))).id)
        container.clock.advance(days=1)  # type: ignore[attr-defined]
        at = container.clock.now()
        assert service.preview_undo(session, job_id=job.id, at=at).kept == {Kept.LAPSED: 5}

        undone(container, job.id)

        assert figures_of(container.database, job.id, Work.UNDO) == {"lapsed": 5}
        assert get_template(session, template_id=template_id).issued == 5

    def test_frees_a_coupon_whose_lock_ran_out(
        self, container: NullContainer, session: Session, members: Sequence[Member]
    ) -> None:
        template_id = template_of(session)
        job = issued(container, checked(container, template_id, list_of(names(members[:1]))).id)
        lock_up(session, members[0].id, coupon_of(session, job.id, members[0]), lasts=timedelta(minutes=5))
        session.commit()
        container.clock.advance(minutes=5)  # type: ignore[attr-defined]

        undone(container, job.id)

        assert states(session, job.id) == ["voided"]
        assert used(session, template_id) == {}

    def test_counts_the_day_on_which_a_coupon_was_issued(
        self, container: NullContainer, session: Session, members: Sequence[Member]
    ) -> None:
        template_id = template_of(session, member_limits=MemberLimits(total=None, per_day=1), stock=Stock(per_day=9))
        job = issued(container, checked(container, template_id, list_of(names(members[:2]))).id)
        container.clock.advance(days=1)  # type: ignore[attr-defined]
        issue_to(session, members[0].id, template_id, at=container.clock.now())
        session.commit()

        undone(container, job.id)

        today = container.clock.now().date().isoformat()
        left = {(f"member:{members[0].id}", today): 1, ("all", today): 1, ("all", "total"): 1}
        assert used(session, template_id) == left

    def test_of_a_job_stopped_on_the_way_undoes_as_far_as_it_had_come(
        self, container: NullContainer, session: Session, members: Sequence[Member]
    ) -> None:
        template_id = template_of(session)
        job = checked(container, template_id, list_of(names(members)))
        begun(container, job.id)
        issue_to(session, members[4].id, template_id)
        service.pause(session, job_id=job.id, actor=CHECKER, at=AT)
        session.commit()

        undone(container, job.id)

        assert states(session, job.id) == ["voided"] * 3
        assert get_template(session, template_id=template_id).issued == 1
        assert get(container, job.id).state == IssueJobState.UNDONE

    def test_twice_is_once(self, container: NullContainer, session: Session, members: Sequence[Member]) -> None:
        template_id = template_of(session)
        job = issued(container, checked(container, template_id, list_of(names(members))).id)
        undone(container, job.id)

        with pytest.raises(IssueJobNotInState):
            service.undo(session, job_id=job.id, actor=CHECKER, at=AT)
        work_off(container)
        assert used(session, template_id) == {}

    def test_before_the_members_were_told_tells_nobody(
        self, container: NullContainer, session: Session, members: Sequence[Member]
    ) -> None:
        job = checked(container, template_of(session), list_of(names(members)))
        issued_untold(container, job.id)
        service.undo(session, job_id=job.id, actor=CHECKER, at=AT)
        session.commit()
        do_pages(container, job.id, Work.UNDO)

        work_off(container)

        assert session.scalar(select(func.count()).select_from(Notice)) == 0

    def test_ends_the_telling_before_it_has_reached_the_coupons(
        self, container: NullContainer, session: Session, members: Sequence[Member]
    ) -> None:
        job = checked(container, template_of(session), list_of(names(members)))
        issued_untold(container, job.id)
        service.undo(session, job_id=job.id, actor=CHECKER, at=AT)
        session.commit()

        assert not do_page(container, job.id, Work.TELL)

        assert session.scalar(select(func.count()).select_from(Notice)) == 0
