"""The list of issue jobs (批量发券), and what of one can be downloaded; all of the whole chain."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from flask import render_template
from werkzeug.wrappers import Response

from loyalty.coupons.queries import issue_jobs as queries
from loyalty.coupons.queries.issue_jobs import IssueJobView, IssueOutcome, IssueProblem
from loyalty.coupons.rules.issue_jobs import IssueJobState, subject_of
from loyalty.kernel import audit
from loyalty.kernel.pagination import Page
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from portal.console import coupon_issue_names, exports, forms, paging
from portal.console.access import actor, require_whole_chain, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

ROWS_PER_PAGE = 1_000
HEADER = ("任务", "券", "人数", "错误行", "创建人", "创建时间", "状态")


@blueprint.get("/coupon-issues")
@requires(Permission.COUPONS_READ)
def coupon_issue_list() -> str:
    """List jobs, newest first."""
    require_whole_chain()
    cursor = paging.cursor()
    return render_template(
        "console/coupon_issue_list.html",
        page=run(container().database, partial(_jobs(), cursor=cursor)),
        names=coupon_issue_names,
        filters={name: forms.text(name) for name in ("title", "state")},
        is_first=cursor is None,
        address=paging.address,
    )


@blueprint.get("/coupon-issues.csv")
@requires(Permission.COUPONS_READ)
def export_coupon_issues() -> Response:
    """Download what the filter shows."""
    require_whole_chain()
    return exports.streamed_list("coupon-issues", HEADER, exports.as_rows(_jobs(), _row, named=_named))


@blueprint.post("/coupon-issues/<int:job_id>/problems")
@requires(Permission.COUPONS_READ)
def export_coupon_issue_problems(job_id: int) -> Response:
    """Download every line that was refused, with its reason."""
    require_whole_chain()
    run(container().database, lambda session: queries.get_job(session, job_id=job_id))
    return exports.streamed_csv(f"coupon-issue-{job_id}-lines", ("行号", "说明"), _problem_pages(job_id))


@blueprint.post("/coupon-issues/<int:job_id>/outcomes")
@requires(Permission.COUPONS_READ)
def export_coupon_issue_outcomes(job_id: int) -> Response:
    """Download who got none, and whose coupon stayed when the job was undone."""
    require_whole_chain()
    at = container().clock.now()

    def note(session: "Session") -> None:
        queries.get_job(session, job_id=job_id)
        audit.write(session, actor=actor(), action="coupon_issues.export", subject=subject_of(job_id), at=at)

    run(container().database, note)
    header = ("会员号", "行号", "说明")
    return exports.streamed_csv(f"coupon-issue-{job_id}-members", header, _outcome_pages(job_id))


def _jobs() -> Callable[..., Page[IssueJobView]]:
    """Return the list that the filter leaves, of which pages can be asked for."""
    return partial(queries.list_jobs, title=forms.text("title"), state=forms.optional_choice("state", IssueJobState))


def _named(session: "Session", jobs: Sequence[IssueJobView]) -> dict[str, dict[str, str]]:
    return {"people": names_of(session, {job.created_by for job in jobs})}


def _row(job: IssueJobView, *, people: dict[str, str]) -> exports.Row:
    return (
        job.title,
        job.terms.title,
        job.total,
        job.bad_rows,
        people.get(job.created_by, job.created_by),
        job.created_at,
        coupon_issue_names.STATE_NAMES[job.state],
    )


def _problem_pages(job_id: int) -> Iterator[list[exports.Row]]:
    def read(session: "Session", after: int) -> Sequence[IssueProblem]:
        return queries.list_problems(session, job_id=job_id, after_line=after, limit=ROWS_PER_PAGE)

    for page in exports.pages_after(read, place_of=lambda one: one.line):
        yield [(one.line, coupon_issue_names.problem_text(one.reason, one.first_line)) for one in page]


def _outcome_pages(job_id: int) -> Iterator[list[exports.Row]]:
    def read(session: "Session", after: int) -> Sequence[IssueOutcome]:
        return queries.list_outcomes(session, job_id=job_id, after_member_id=after, limit=ROWS_PER_PAGE)

    for page in exports.pages_after(read, place_of=lambda one: one.member_id):
        yield [(one.member_number, one.line or "", coupon_issue_names.outcome_text(one)) for one in page]
