"""Contested phones that wait for a staff decision (绑定审核)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from flask import render_template, url_for
from werkzeug.wrappers import Response

from loyalty.kernel.pagination import Page
from loyalty.kernel.transaction import run
from loyalty.members import queries
from loyalty.members.queries import MemberView
from loyalty.members.rules.reviews import ReviewNotFound
from loyalty.members.service import decide_by_staff
from loyalty.staff.rules import Permission
from portal.console import exports, forms, paging
from portal.console.access import actor, current_scope, requires
from portal.console.blueprint import blueprint
from portal.console.forms import InvalidField
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session
    from loyalty.members.models import BindingReview

REASON_LENGTH_MIN = 5
OUTCOME_NAMES = {"same": True, "other": False}


class Claim(StrEnum):
    """What the claimant of a phone wants."""

    BIND = "bind"
    CHANGE = "change"


CLAIM_NAMES = {Claim.BIND: "绑定手机号", Claim.CHANGE: "更换手机号"}


class ReasonMissing(InvalidField):
    """A decision about somebody's phone is explained."""

    code = "binding_reason_missing"
    message = "请写明核验依据，至少 5 个字"


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """One contested phone: who holds it, who claims it."""

    id: int
    holder: MemberView
    is_holder_visible: bool
    """Whether the caller may open the holder's page: not where the holder has no store."""
    claimant_member_id: int | None
    is_change: bool
    opened_at: datetime
    expires_at: datetime


@blueprint.get("/bindings")
@requires(Permission.BINDINGS_DECIDE)
def binding_list() -> str:
    """List what waits for a decision."""
    cursor, claim = paging.cursor(), forms.optional_choice("claim", Claim)
    page = run(container().database, lambda session: _rows(session, claim, cursor))
    return render_template(
        "console/binding_list.html",
        page=page,
        is_first=cursor is None,
        address=paging.address,
        claim=claim or "",
        claim_names=CLAIM_NAMES,
    )


@blueprint.get("/bindings.csv")
@requires(Permission.BINDINGS_DECIDE)
def export_bindings() -> Response:
    """Download what waits for a decision, phones masked."""
    claim = forms.optional_choice("claim", Claim)

    def read(session: "Session", cursor: str | None) -> Page[exports.Row]:
        page = _rows(session, claim, cursor)
        return Page([_exported(row) for row in page.items], page.next_cursor)

    return exports.streamed_list("bindings", ("手机号", "现属会员", "申请", "申请时间", "处理期限"), read)


@blueprint.post("/bindings/<int:review_id>")
@requires(Permission.BINDINGS_DECIDE)
def decide_binding(review_id: int) -> Response:
    """Decide whether the claimant is the holder."""
    at, vault = container().clock.now(), container().vault
    decision, reason = forms.text("decision"), forms.text("reason")

    def work(session: "Session") -> None:
        if decision not in OUTCOME_NAMES:
            raise InvalidField(field="decision")
        if len(reason) < REASON_LENGTH_MIN:
            raise ReasonMissing
        _require_visible(session, review_id)
        decide_by_staff(
            session,
            vault=vault,
            review_id=review_id,
            is_same_person=OUTCOME_NAMES[decision],
            reason=reason,
            actor=actor(),
            at=at,
        )

    return forms.act(work, done="已处理", back=url_for("console.binding_list"))


def _require_visible(session: "Session", review_id: int) -> None:
    if not queries.is_review_for(session, review_id=review_id, scope=current_scope()):
        raise ReviewNotFound(review_id=review_id)


def _exported(row: ReviewRow) -> exports.Row:
    claim = CLAIM_NAMES[Claim.CHANGE if row.is_change else Claim.BIND]
    return row.holder.phone_masked, row.holder.number, claim, row.opened_at, row.expires_at


def _rows(session: "Session", claim: Claim | None, cursor: str | None) -> Page[ReviewRow]:
    is_change = None if claim is None else claim is Claim.CHANGE
    page = queries.list_reviews(session, scope=current_scope(), is_change=is_change, cursor=cursor)
    return Page([_row(session, review) for review in page.items], page.next_cursor)


def _row(session: "Session", review: "BindingReview") -> ReviewRow:
    identity = queries.get_identity(session, identity_id=review.identity_id)
    holder = queries.get_member(session, vault=container().vault, member_id=review.holder_id)
    return ReviewRow(
        id=review.id,
        holder=holder,
        is_holder_visible=current_scope().covers(holder.enrolled_store_id),
        claimant_member_id=identity.member_id,
        is_change=review.is_change,
        opened_at=review.opened_at,
        expires_at=review.expires_at,
    )
