"""The life of coupons for many: another person approves, what pauses it goes on when told, and who stops it."""

import json
from collections.abc import Sequence

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.approvals.rules import ApprovalByMaker
from loyalty.coupons.models import CouponIssueRow
from loyalty.coupons.queries import issue_jobs as queries
from loyalty.coupons.queries.templates import get_template
from loyalty.coupons.rules.errors import CouponNotIssuing
from loyalty.coupons.rules.issue_jobs import (
    IssueJobNotInState,
    IssueJobState,
    Work,
    subject_of,
)
from loyalty.coupons.service import issue_jobs as service
from loyalty.coupons.service import templates
from loyalty.kernel import bulk, logs
from loyalty.members.models import Member
from loyalty.notices.models import Notice
from tests.factories.coupons import ACTOR
from tests.factories.issue_jobs import (
    CHECKER,
    MAKER,
    begun,
    checked,
    do_page,
    get,
    holders,
    issued,
    list_of,
    names,
    template_of,
    undone,
    work_off,
)
from tests.factories.points import AT
from tests.support.containers import NullContainer

pytestmark = pytest.mark.usefixtures("small_pages")


class TestApproval:
    def test_is_another_persons(self, container: NullContainer, session: Session, members: Sequence[Member]) -> None:
        job = checked(container, template_of(session), list_of(names(members)))
        service.submit(session, job_id=job.id, actor=CHECKER, at=AT)

        for maker in (MAKER, CHECKER):
            with pytest.raises(ApprovalByMaker), session.begin_nested():
                service.decide(session, job_id=job.id, is_approved=True, actor=maker, at=AT)

    def test_refused_issues_nothing_for_ever(
        self, container: NullContainer, session: Session, members: Sequence[Member]
    ) -> None:
        job = checked(container, template_of(session), list_of(names(members)))
        service.submit(session, job_id=job.id, actor=MAKER, at=AT)
        service.decide(session, job_id=job.id, is_approved=False, actor=CHECKER, at=AT)
        session.commit()
        work_off(container)

        assert holders(session, job.id) == []
        for step in (service.submit, service.pause, service.undo, service.stop, service.discard):
            with pytest.raises(IssueJobNotInState), session.begin_nested():
                step(session, job_id=job.id, actor=MAKER, at=AT)


class TestStopping:
    def test_leaves_what_was_issued_and_tells_of_it(
        self, container: NullContainer, session: Session, members: Sequence[Member]
    ) -> None:
        template_id = template_of(session)
        job = checked(container, template_id, list_of(names(members)))
        begun(container, job.id)
        with pytest.raises(bulk.BulkRunNotInState), session.begin_nested():
            service.stop(session, job_id=job.id, actor=CHECKER, at=AT)
        service.pause(session, job_id=job.id, actor=CHECKER, at=AT)
        service.stop(session, job_id=job.id, actor=CHECKER, at=AT)
        session.commit()

        work_off(container)

        assert get(container, job.id).state == IssueJobState.STOPPED
        assert holders(session, job.id) == [member.id for member in members[:3]]
        assert session.scalar(select(func.count()).select_from(Notice)) == 3
        undone(container, job.id)
        assert get_template(session, template_id=template_id).issued == 0

    def test_started_again_changes_nothing(
        self, container: NullContainer, session: Session, members: Sequence[Member]
    ) -> None:
        job = issued(container, checked(container, template_of(session), list_of(names(members))).id)
        bulk.start(session, kind=Work.ISSUE, subject=subject_of(job.id), total=5, at=AT)
        session.commit()

        assert not do_page(container, job.id, Work.ISSUE)
        assert holders(session, job.id) == [member.id for member in members]
        assert session.scalar(select(func.count()).where(CouponIssueRow.job_id == job.id)) == 5


class TestPausing:
    def test_pauses_when_the_template_does_and_goes_on_when_told(
        self,
        container: NullContainer,
        session: Session,
        members: Sequence[Member],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        logs.configure("WARNING")
        template_id = template_of(session)
        job = checked(container, template_id, list_of(names(members)))
        begun(container, job.id)
        templates.pause(session, template_id=template_id, actor=ACTOR, at=AT)
        session.commit()
        capsys.readouterr()
        work_off(container)
        (told,) = map(json.loads, capsys.readouterr().out.splitlines())
        assert (told["event"], told["level"], told["error_code"]) == (
            "bulk_run_refused",
            "warning",
            CouponNotIssuing.code,
        )
        assert "exception" not in told  # what was expected has no traceback
        progress = queries.find_issuing(session, job_id=job.id)
        assert progress is not None
        assert (progress.state, progress.error, progress.done) == (bulk.BulkState.PAUSED, "CouponNotIssuing", 3)

        templates.resume(session, template_id=template_id, actor=ACTOR, at=AT)
        service.resume(session, job_id=job.id, actor=CHECKER, at=AT)
        session.commit()
        work_off(container)

        assert get(container, job.id).state == IssueJobState.ISSUED
        assert holders(session, job.id) == [member.id for member in members]
