"""Issue jobs for tests: from files and tags, through approval, to their end."""

import base64
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.bulk import KINDS
from loyalty.container import Container
from loyalty.coupons.models import Coupon
from loyalty.coupons.queries import issue_jobs as queries
from loyalty.coupons.queries.issue_jobs import IssueJobView
from loyalty.coupons.rules.issue_jobs import Work, issue_reference, subject_of
from loyalty.coupons.rules.terms import MemberLimits
from loyalty.coupons.service import issue_jobs as service
from loyalty.kernel import bulk
from loyalty.kernel.audit import Actor
from loyalty.kernel.bulk import BulkRun
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.members.models import Member
from tests.factories.adjustments import work_off as work_off
from tests.factories.coupons import make_template, terms_of
from tests.factories.members import make_member, unused_phone
from tests.factories.points import AT
from tests.support.containers import NullContainer
from tests.support.settings import VAULT

MAKER, CHECKER = Actor("staff:1"), Actor("staff:2")


def upload(
    session: Session, template_id: int, content: bytes, *, title: str = "三月发券", store_id: int | None = None
) -> int:
    return service.create_for_file(
        session,
        vault=VAULT,
        title=title,
        template_id=template_id,
        store_id=store_id,
        parts=[base64.b64encode(content).decode()],
        actor=MAKER,
        at=AT,
    )


def list_of(names: Sequence[object], *, heading: str = "手机号") -> bytes:
    return "\n".join([heading, *map(str, names)]).encode()


def checked(container: NullContainer, template_id: int, content: bytes, *, store_id: int | None = None) -> IssueJobView:
    """A job whose file has been read."""
    job_id = run(container.database, lambda session: upload(session, template_id, content, store_id=store_id))
    work_off(container)
    return get(container, job_id)


def checked_tag(container: NullContainer, template_id: int, tag_id: int) -> IssueJobView:
    """A job that names who has a tag."""
    values = {"title": "按标签发券", "template_id": template_id, "store_id": None, "tag_id": tag_id}
    job_id = run(
        container.database,
        lambda session: service.create_for_tag(session, **values, actor=MAKER, at=AT),  # type: ignore[arg-type]
    )
    work_off(container)
    return get(container, job_id)


def approve(session: Session, job_id: int) -> None:
    """Submit a job and have another person approve it."""
    service.submit(session, job_id=job_id, actor=MAKER, at=AT)
    service.decide(session, job_id=job_id, is_approved=True, actor=CHECKER, at=AT)


def issued(container: NullContainer, job_id: int) -> IssueJobView:
    """A job that has issued, and told."""
    run(container.database, lambda session: approve(session, job_id))
    work_off(container)
    return get(container, job_id)


def begun(container: NullContainer, job_id: int) -> None:
    """Approve a job and issue its first page."""
    run(container.database, lambda session: approve(session, job_id))
    do_page(container, job_id, Work.ISSUE)


def issued_untold(container: NullContainer, job_id: int) -> None:
    """Approve a job and issue all of it, so that the members are still to be told."""
    run(container.database, lambda session: approve(session, job_id))
    do_pages(container, job_id, Work.ISSUE)


def undone(container: NullContainer, job_id: int) -> IssueJobView:
    """A job that has been undone."""
    run(container.database, lambda session: service.undo(session, job_id=job_id, actor=CHECKER, at=AT))
    work_off(container)
    return get(container, job_id)


def get(container: NullContainer, job_id: int) -> IssueJobView:
    return run(container.database, lambda session: queries.get_job(session, job_id=job_id))


def figures_of(database: Database, job_id: int, work: Work) -> dict[str, int]:
    """What came of a kind of work on a job."""
    progress = run(database, lambda session: bulk.find_progress(session, kind=work, subject=subject_of(job_id)))
    assert progress is not None
    return progress.figures


def do_page(container: Container, job_id: int, work: Work) -> bool:
    """Do one page of the work on a job; return whether there is more."""

    def find(session: Session) -> BulkRun:
        found = bulk.find_run(session, kind=work, subject=subject_of(job_id))
        assert found is not None
        return found

    started = run(container.database, find)

    def step(session: Session) -> bool:
        return bulk.work_page(session, run_id=started.id, page=page, at=AT)

    page = next(KINDS[work].steps(container, started))
    return run(container.database, step)


def do_pages(container: Container, job_id: int, work: Work) -> None:
    """Do all of the work on a job, and nothing that follows from it."""
    while do_page(container, job_id, work):
        pass


def made(session: Session, count: int) -> Sequence[Member]:
    """Members with phones."""
    return [make_member(session, phone=unused_phone()) for _ in range(count)]


def names(members: Sequence[Member]) -> list[str]:
    """What a file calls members."""
    return [member.number for member in members]


def template_of(session: Session, *, in_all: int | None = 100, **changes: Any) -> int:
    """A template of which a member gets one, unless told otherwise, for jobs that another session works on."""
    template_id = make_template(session, terms_of(**{"member_limits": MemberLimits(total=1), **changes}), stock=in_all)
    session.commit()
    return template_id


def outcomes(session: Session, job_id: int) -> dict[int, str]:
    """Who got none, or kept theirs when the job was undone, and why."""
    return {one.member_id: one.skipped or one.kept or "" for one in queries.list_outcomes(session, job_id=job_id)}


def holders(session: Session, job_id: int) -> list[int]:
    """Who has a coupon of a job, void or not."""
    mine = select(Coupon.member_id).where(Coupon.reference == issue_reference(job_id))
    return list(session.scalars(mine.order_by(Coupon.member_id)))
