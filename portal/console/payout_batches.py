"""Batches of payouts (批量打款): when the next is due, what it would pay now, approval, progress, whom it missed."""

from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import render_template, url_for
from werkzeug.wrappers import Response

from loyalty.approvals import queries as approvals
from loyalty.approvals.rules import ApprovalKind
from loyalty.kernel.bulk import BulkState
from loyalty.kernel.clock import business_date
from loyalty.kernel.transaction import run
from loyalty.members import queries as members
from loyalty.payouts.queries import batches as queries
from loyalty.payouts.queries.configuration import find_programme
from loyalty.payouts.rules.batches import subject_of
from loyalty.payouts.service import batches as service
from loyalty.payouts.service.batches import Paying
from loyalty.payouts.service.rehearsing import REHEARSED_MAX, rehearse
from loyalty.staff.rules import Permission
from portal.console import forms, payout_names, steps
from portal.console.access import require_whole_chain, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

MISSES_SHOWN = 200


@blueprint.get("/payout-batches")
@requires(Permission.PAYOUTS_READ)
def payout_batch_list() -> str:
    """List batches, and say when the next is due."""
    require_whole_chain()

    def read(session: "Session") -> dict[str, Any]:
        programme, found = find_programme(session), queries.list_batches(session)
        return {"programme": programme, "batches": found}

    known = run(container().database, read)
    programme = known["programme"]
    day = programme.batch_day if programme else None
    return render_template(
        "console/payout_batch_list.html",
        names=payout_names,
        next_on=_next_on(business_date(container().clock.now(), container().zone), day) if day else None,
        **known,
    )


@blueprint.get("/payout-batches/rehearsal")
@requires(Permission.PAYOUTS_READ)
def rehearse_payout_batch() -> str:
    """Show what a batch would pay at this moment; nothing is kept."""
    require_whole_chain()
    paying = Paying(
        vault=container().vault,
        zone=container().zone,
        appid_first=next(iter(container().mini_programs), None),
        is_tax_required=container().settings.is_production,
        at=container().clock.now(),
    )

    database = container().database
    rehearsal = rehearse(database, paying=paying) if run(database, find_programme) else None
    shown = {one.member_id for one in rehearsal.largest} if rehearsal else set()
    return render_template(
        "console/payout_rehearsal.html",
        names=payout_names,
        rehearsed_max=REHEARSED_MAX,
        rehearsal=rehearsal,
        numbers=run(database, lambda session: members.numbers(session, shown)),
    )


@blueprint.get("/payout-batches/<int:batch_id>")
@requires(Permission.PAYOUTS_READ)
def payout_batch_page(batch_id: int) -> str:
    """Show a batch: what was planned, how far it has come, and whom it could not pay."""
    require_whole_chain()

    def read(session: "Session") -> dict[str, Any]:
        batch = queries.get_batch(session, batch_id=batch_id)
        misses = queries.list_misses(session, batch_id=batch_id, limit=MISSES_SHOWN)
        asked = approvals.find_latest(session, kind=ApprovalKind.PAYOUT_BATCH, subject=subject_of(batch_id))
        return {
            "batch": batch,
            "progress": queries.find_progress(session, batch_id=batch_id),
            "misses": misses,
            "numbers": members.numbers(session, {miss.member_id for miss in misses}),
            "approval": asked,
            "people": names_of(session, [batch.created_by, asked.decided_by if asked else None]),
        }

    return render_template(
        "console/payout_batch_page.html",
        names=payout_names,
        BulkState=BulkState,
        misses_shown=MISSES_SHOWN,
        **run(container().database, read),
    )


@blueprint.post("/payout-batches/<int:batch_id>/decide")
@requires(Permission.PAYOUTS_APPROVE)
def decide_payout_batch(batch_id: int) -> Response:
    """Let a batch pay, or not."""
    require_whole_chain()
    is_approved = forms.is_approved()
    return steps.take(
        partial(service.decide, batch_id=batch_id, is_approved=is_approved),
        done="已通过，开始打款" if is_approved else "已拒绝，本批次不打款",
        back=url_for("console.payout_batch_page", batch_id=batch_id),
    )


@blueprint.post("/payout-batches/<int:batch_id>/resume")
@requires(Permission.PAYOUTS_APPROVE)
def resume_payout_batch(batch_id: int) -> Response:
    """Let a batch that an error stopped go on where it stopped."""
    require_whole_chain()
    return steps.take(
        partial(service.resume, batch_id=batch_id),
        done="继续执行",
        back=url_for("console.payout_batch_page", batch_id=batch_id),
    )


def _next_on(today: date, day: int) -> date:
    """Return the next business date with this day of the month, today included."""
    if day >= today.day:
        return today.replace(day=day)
    return (today.replace(day=1) + timedelta(days=31)).replace(day=day)
