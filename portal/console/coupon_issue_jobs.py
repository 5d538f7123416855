"""Coupons for many (批量发券): from a file or a tag, reckoned beforehand, approved by another person, stopped, undone.

A job may name any member of the chain, so all of it is for those who see the whole chain.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response

from loyalty.approvals.rules import makers
from loyalty.coupons.queries import issue_jobs as queries
from loyalty.coupons.queries import titles
from loyalty.coupons.queries.templates import get_template
from loyalty.coupons.rules.issue_jobs import IssueJobState, cost_of
from loyalty.coupons.rules.sentences import headline
from loyalty.coupons.rules.states import TemplateState
from loyalty.coupons.service import issue_jobs as service
from loyalty.kernel.bulk import BulkState
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.sheets import FileTooLarge
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission, actor_name
from loyalty.stores import queries as stores
from loyalty.tags import queries as tags
from portal.console import coupon_issue_names, forms, uploads
from portal.console.access import actor, current_scope, current_staff, require_whole_chain, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.context import container
from portal.errors import status_of
from portal.web import csrf

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

SHOWN_MAX = 50
FIELDS = ("title", "template_id", "store_id", "source", "tag_id")
SOURCES = {"file": "上传名单", "tag": "按标签"}


@blueprint.get("/coupon-issues/new")
@requires(Permission.COUPONS_ISSUE)
def new_coupon_issue() -> str:
    """Show the form; ``template_id`` in the address chooses a template."""
    require_whole_chain()
    return _form({"template_id": request.args.get("template_id", ""), "source": "file"})


@blueprint.post("/coupon-issues")
@requires(Permission.COUPONS_ISSUE)
def create_coupon_issue() -> Response | tuple[str, int]:
    """Make a job of a file or a tag; a file that is too large is refused before it is read."""
    require_whole_chain()
    try:
        uploads.let_in_a_file()
        job_id = _create()
    except RequestEntityTooLarge:
        return _refused(FileTooLarge(), {"source": "file"})
    except LoyaltyError as error:
        return _refused(error, {name: request.form.get(name, "") for name in FIELDS})
    return redirect(url_for("console.coupon_issue_job", job_id=job_id), 303)


# Checked in the view: the check reads the body, and only staff may send one of that size.
csrf.exempt(create_coupon_issue)


@blueprint.get("/coupon-issues/<int:job_id>")
@requires(Permission.COUPONS_READ)
def coupon_issue_job(job_id: int) -> str:
    """Show a job: whom it names, what was reckoned, how far it has come, what may be done with it."""
    return render_template("console/coupon_issue_job.html", **_known_of(job_id))


@blueprint.get("/coupon-issues/<int:job_id>/progress")
@requires(Permission.COUPONS_READ)
def coupon_issue_progress(job_id: int) -> str:
    """Show the part of the page that moves while work is under way."""
    return render_template("console/_coupon_issue_progress.html", **_known_of(job_id))


@blueprint.post("/coupon-issues/<int:job_id>/submit")
@requires(Permission.COUPONS_ISSUE)
def submit_coupon_issue(job_id: int) -> Response:
    """Ask another person to approve."""
    return _act(job_id, service.submit, done="已提交，请其他有发券权限的同事复核")


@blueprint.post("/coupon-issues/<int:job_id>/discard")
@requires(Permission.COUPONS_ISSUE)
def discard_coupon_issue(job_id: int) -> Response:
    """Give the job up."""
    return _act(job_id, service.discard, done="已放弃该任务")


@blueprint.post("/coupon-issues/<int:job_id>/decide")
@requires(Permission.COUPONS_ISSUE)
def decide_coupon_issue(job_id: int) -> Response:
    """Approve or refuse."""
    is_approved = forms.is_approved()
    return _act(
        job_id,
        partial(service.decide, is_approved=is_approved),
        done="已通过，开始发放" if is_approved else "已拒绝",
    )


@blueprint.post("/coupon-issues/<int:job_id>/pause")
@requires(Permission.COUPONS_ISSUE)
def pause_coupon_issue(job_id: int) -> Response:
    """Stop after the page under way."""
    return _act(job_id, service.pause, done="已暂停")


@blueprint.post("/coupon-issues/<int:job_id>/resume")
@requires(Permission.COUPONS_ISSUE)
def resume_coupon_issue(job_id: int) -> Response:
    """Go on where the work stopped."""
    return _act(job_id, service.resume, done="继续执行")


@blueprint.post("/coupon-issues/<int:job_id>/stop")
@requires(Permission.COUPONS_ISSUE)
def stop_coupon_issue(job_id: int) -> Response:
    """End a paused job for good; what was issued stays."""
    return _act(job_id, service.stop, done="已停止，其余会员不再发放")


@blueprint.get("/coupon-issues/<int:job_id>/undo")
@requires(Permission.COUPONS_ISSUE)
def preview_coupon_issue_undo(job_id: int) -> str:
    """Show what undoing would find at this moment."""
    require_whole_chain()
    at = container().clock.now()

    def read(session: "Session") -> dict[str, Any]:
        job = queries.get_job(session, job_id=job_id)
        preview = service.preview_undo(session, job_id=job_id, at=at)
        return {"job": job, "preview": preview, "progress": queries.find_issuing(session, job_id=job_id)}

    return render_template(
        "console/coupon_issue_undo.html",
        names=coupon_issue_names,
        BulkState=BulkState,
        **run(container().database, read),
    )


@blueprint.post("/coupon-issues/<int:job_id>/undo")
@requires(Permission.COUPONS_ISSUE)
def undo_coupon_issue(job_id: int) -> Response:
    """Begin to undo."""
    return _act(job_id, service.undo, done="开始撤回")


def _act(job_id: int, work: Any, *, done: str) -> Response:
    require_whole_chain()
    at = container().clock.now()
    return forms.act(
        lambda session: work(session, job_id=job_id, actor=actor(), at=at),
        done=done,
        back=url_for("console.coupon_issue_job", job_id=job_id),
    )


def _create() -> int:
    values: dict[str, Any] = {
        "title": forms.text("title"),
        "template_id": forms.integer("template_id"),
        "store_id": forms.optional_integer("store_id"),
        "actor": actor(),
        "at": container().clock.now(),
    }
    source = forms.text("source")
    if source not in SOURCES:
        raise forms.InvalidField(field="source")
    if source == "tag":
        create = partial(service.create_for_tag, tag_id=forms.integer("tag_id"))
    else:
        create = partial(service.create_for_file, vault=container().vault, parts=uploads.uploaded_parts())
    return run(container().database, lambda session: create(session, **values))


def _refused(error: LoyaltyError, form: dict[str, str]) -> tuple[str, int]:
    flash(error.message, "danger")
    return _form(form), status_of(error)


def _form(form: dict[str, str]) -> str:
    scope = current_scope()

    def read(session: "Session") -> dict[str, Any]:
        return {
            "templates": titles.list_choices(session, state=TemplateState.LIVE),
            "nodes": stores.list_tree(session, scope=scope),
            "tag_names": tags.list_choices(session),
        }

    known = run(container().database, read)
    return render_template("console/coupon_issue_form.html", form=form, sources=SOURCES, **known)


def _known_of(job_id: int) -> dict[str, Any]:
    require_whole_chain()
    known = run(container().database, lambda session: _read(session, job_id))
    job, asked, reckoned = known["job"], known["approval"], known["reckoned"]
    would_get = reckoned.figures.get("would_get", 0) if reckoned else 0
    me = actor_name(current_staff().staff_id)
    return {
        **known,
        "names": coupon_issue_names,
        "shown_max": SHOWN_MAX,
        "BulkState": BulkState,
        "headline": headline(job.terms),
        "would_get": would_get,
        "cost_fen": cost_of(job.terms, would_get),
        "is_mine": me in makers(job.created_by, asked),
    }


def _read(session: "Session", job_id: int) -> dict[str, Any]:
    job = queries.get_job(session, job_id=job_id)
    approval = queries.find_approval(session, job_id=job_id)
    acted = [job.created_by, *([approval.requested_by, approval.decided_by or ""] if approval else [])]
    is_told = job.state in (IssueJobState.ISSUED, IssueJobState.STOPPED)
    return {
        "job": job,
        "template": get_template(session, template_id=job.template_id),
        "tag": None if job.tag_id is None else tags.names(session, [job.tag_id])[job.tag_id],
        "store": None if job.store_id is None else stores.names(session, [job.store_id])[job.store_id],
        "reckoned": queries.find_check(session, job=job),
        "progress": queries.find_progress(session, job=job),
        "telling": queries.find_telling(session, job_id=job_id) if is_told else None,
        "approval": approval,
        "problems": queries.list_problems(session, job_id=job_id, limit=SHOWN_MAX),
        "outcomes": queries.list_outcomes(session, job_id=job_id, limit=SHOWN_MAX),
        "people": names_of(session, acted),
    }
