"""Batches of adjustments (批量调整): upload, check, approval by another person, progress, undoing.

A batch may name any member of the chain, so all of it is for those who see the whole chain.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response

from loyalty.adjustments import queries, service
from loyalty.adjustments.queries import Problem
from loyalty.adjustments.rules.batches import BatchState, Phase
from loyalty.adjustments.rules.single import Reason
from loyalty.approvals.rules import makers
from loyalty.kernel.bulk import BulkState
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.sheets import FileTooLarge
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission, actor_name
from portal.console import adjustment_names, exports, forms, uploads
from portal.console.access import actor, current_staff, require_whole_chain, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.context import container
from portal.errors import status_of
from portal.web import csrf

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

SHOWN_MAX = 50
PROBLEMS_PER_PAGE = 1_000
FIELDS = ("title", "reason", "expires_on")
_PHASE_OF = {
    BatchState.FAULTY: Phase.CHECK,
    BatchState.APPLYING: Phase.APPLY,
    BatchState.APPLIED: Phase.APPLY,
    BatchState.UNDOING: Phase.UNDO,
    BatchState.UNDONE: Phase.UNDO,
}


@blueprint.get("/adjustments/new")
@requires(Permission.ADJUSTMENTS_WRITE)
def new_adjustment_batch() -> str:
    """Show the form for a file."""
    require_whole_chain()
    return _form({})


@blueprint.post("/adjustments")
@requires(Permission.ADJUSTMENTS_WRITE)
def upload_adjustments() -> Response | tuple[str, int]:
    """Take in a file; one that is too large is refused by its announced length, before it is read."""
    require_whole_chain()
    try:
        uploads.let_in_a_file()
        batch_id = _upload()
    except RequestEntityTooLarge:
        return _refused(FileTooLarge(), {})
    except LoyaltyError as error:
        return _refused(error, {name: request.form.get(name, "") for name in FIELDS})
    return redirect(url_for("console.adjustment_batch", batch_id=batch_id), 303)


# Checked in the view: the check reads the body, and only staff may send one of that size.
csrf.exempt(upload_adjustments)


@blueprint.get("/adjustments/<int:batch_id>")
@requires(Permission.ADJUSTMENTS_READ)
def adjustment_batch(batch_id: int) -> str:
    """Show a batch: what is in it, how far it has come, what may be done with it."""
    return render_template("console/adjustment_batch.html", **_known_of(batch_id))


@blueprint.get("/adjustments/<int:batch_id>/progress")
@requires(Permission.ADJUSTMENTS_READ)
def adjustment_progress(batch_id: int) -> str:
    """Show the part of the page that moves while work is under way."""
    return render_template("console/_adjustment_progress.html", **_known_of(batch_id))


@blueprint.post("/adjustments/<int:batch_id>/problems")
@requires(Permission.ADJUSTMENTS_READ)
def export_adjustment_problems(batch_id: int) -> Response:
    """Download every line that met a problem, with its reason."""
    require_whole_chain()
    batch = run(container().database, lambda session: queries.get_batch(session, batch_id=batch_id))
    pages = _problem_pages(batch_id, _PHASE_OF.get(batch.state, Phase.CHECK))
    rows = ([(one.line, adjustment_names.problem_text(one.reason, one.figure)) for one in page] for page in pages)
    return exports.streamed_csv(f"adjustments-{batch_id}", ("行号", "说明"), rows)


@blueprint.post("/adjustments/<int:batch_id>/submit")
@requires(Permission.ADJUSTMENTS_WRITE)
def submit_adjustments(batch_id: int) -> Response:
    """Ask another person to approve."""
    return _act(batch_id, service.submit, done="已提交，请其他有复核权限的同事处理")


@blueprint.post("/adjustments/<int:batch_id>/discard")
@requires(Permission.ADJUSTMENTS_WRITE)
def discard_adjustments(batch_id: int) -> Response:
    """Give the batch up."""
    return _act(batch_id, service.discard, done="已放弃该批次")


@blueprint.post("/adjustments/<int:batch_id>/decide")
@requires(Permission.ADJUSTMENTS_APPROVE)
def decide_adjustments(batch_id: int) -> Response:
    """Approve or refuse."""
    is_approved = forms.is_approved()
    done = "已通过，开始执行" if is_approved else "已拒绝"
    return _act(batch_id, service.decide, done=done, is_approved=is_approved)


@blueprint.post("/adjustments/<int:batch_id>/pause")
@requires(Permission.ADJUSTMENTS_APPROVE)
def pause_adjustments(batch_id: int) -> Response:
    """Stop after the page under way."""
    return _act(batch_id, service.pause, done="已暂停")


@blueprint.post("/adjustments/<int:batch_id>/resume")
@requires(Permission.ADJUSTMENTS_APPROVE)
def resume_adjustments(batch_id: int) -> Response:
    """Go on where the work stopped."""
    return _act(batch_id, service.resume, done="继续执行")


@blueprint.get("/adjustments/<int:batch_id>/undo")
@requires(Permission.ADJUSTMENTS_APPROVE)
def preview_adjustments_undo(batch_id: int) -> str:
    """Show what undoing would find at this moment."""
    require_whole_chain()

    def read(session: "Session") -> dict[str, Any]:
        batch = queries.get_batch(session, batch_id=batch_id)
        preview = service.preview_undo(session, batch_id=batch_id)
        return {"batch": batch, "preview": preview, "progress": queries.find_progress(session, batch=batch)}

    return render_template("console/adjustment_undo.html", BulkState=BulkState, **run(container().database, read))


@blueprint.post("/adjustments/<int:batch_id>/undo")
@requires(Permission.ADJUSTMENTS_APPROVE)
def undo_adjustments(batch_id: int) -> Response:
    """Begin to undo."""
    return _act(batch_id, service.undo, done="开始撤销")


def _act(batch_id: int, work: Any, *, done: str, **values: object) -> Response:
    require_whole_chain()
    at = container().clock.now()
    return forms.act(
        lambda session: work(session, batch_id=batch_id, actor=actor(), at=at, **values),
        done=done,
        back=url_for("console.adjustment_batch", batch_id=batch_id),
    )


def _upload() -> int:
    title, expires_on = forms.text("title"), forms.optional_day("expires_on")
    reason = forms.parsed_choice("reason", forms.text("reason"), Reason)
    parts = uploads.uploaded_parts()
    return run(
        container().database,
        lambda session: service.upload(
            session,
            vault=container().vault,
            title=title,
            reason=reason,
            expires_on=expires_on,
            parts=parts,
            zone=container().zone,
            actor=actor(),
            at=container().clock.now(),
        ),
    )


def _refused(error: LoyaltyError, form: dict[str, str]) -> tuple[str, int]:
    flash(error.message, "danger")
    return _form(form), status_of(error)


def _form(form: dict[str, str]) -> str:
    return render_template("console/adjustment_upload.html", form=form, names=adjustment_names)


def _known_of(batch_id: int) -> dict[str, Any]:
    require_whole_chain()

    def read(session: "Session") -> dict[str, Any]:
        batch = queries.get_batch(session, batch_id=batch_id)
        phase = _PHASE_OF.get(batch.state)
        approval = queries.find_approval(session, batch_id=batch_id)
        acted = [batch.created_by, *([approval.requested_by, approval.decided_by or ""] if approval else [])]
        return {
            "batch": batch,
            "progress": queries.find_progress(session, batch=batch),
            "telling": queries.find_telling(session, batch_id=batch_id) if batch.state is BatchState.APPLIED else None,
            "approval": approval,
            "problems": queries.list_problems(session, batch_id=batch_id, phase=phase, limit=SHOWN_MAX)
            if phase
            else [],
            "people": names_of(session, acted),
        }

    me = actor_name(current_staff().staff_id)
    known = run(container().database, read)
    batch, asked = known["batch"], known["approval"]
    return {
        **known,
        "names": adjustment_names,
        "shown_max": SHOWN_MAX,
        "BulkState": BulkState,
        "is_mine": me in makers(batch.created_by, asked),
    }


def _problem_pages(batch_id: int, phase: Phase) -> Iterator[Sequence[Problem]]:
    def read(session: "Session", after: int) -> Sequence[Problem]:
        return queries.list_problems(session, batch_id=batch_id, phase=phase, after_line=after, limit=PROBLEMS_PER_PAGE)

    return exports.pages_after(read, place_of=lambda one: one.line)
