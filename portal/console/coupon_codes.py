"""Claim codes of a template (兑换码): batches of up to a million, voiding, and the codes as a file."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import render_template, url_for
from werkzeug.wrappers import Response

from loyalty.coupons.queries import codes
from loyalty.coupons.queries.codes import CodeBatchView
from loyalty.coupons.queries.templates import get_template
from loyalty.coupons.rules.claim_codes import claim_code
from loyalty.coupons.service import code_batches as service
from loyalty.kernel import audit
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from portal.console import exports, forms
from portal.console.access import actor, for_the_chain, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

CODES_PER_PAGE = 10_000
HEADER = ("批次", "数量", "已领取", "单独作废", "状态", "创建时间", "作废时间")


class BatchState(StrEnum):
    """Whether the codes of a batch can be claimed."""

    OPEN = "open"
    VOIDED = "voided"


STATE_NAMES = {BatchState.OPEN: "可领取", BatchState.VOIDED: "已作废"}
STATE_COLOURS = {BatchState.OPEN: "green", BatchState.VOIDED: "red"}


@blueprint.get("/coupons/<int:template_id>/codes")
@requires(Permission.COUPONS_READ)
def coupon_code_list(template_id: int) -> str:
    """List the batches of a template."""

    def read(session: "Session") -> dict[str, Any]:
        batches = _found(session, template_id)
        return {
            "template": get_template(session, template_id=template_id),
            "batches": batches,
            "people": names_of(session, {batch.created_by for batch in batches}),
        }

    return render_template(
        "console/coupon_code_list.html",
        state=forms.text("state"),
        state_of=state_of,
        state_names=STATE_NAMES,
        colours=STATE_COLOURS,
        codes_max=service.CODES_MAX,
        **run(container().database, read),
    )


@blueprint.get("/coupons/<int:template_id>/codes.csv")
@requires(Permission.COUPONS_READ)
def export_coupon_code_batches(template_id: int) -> Response:
    """Download the batches that the filter shows; their codes are sent by themselves."""
    batches = run(container().database, lambda session: _found(session, template_id))
    rows = [
        (
            batch.name,
            batch.count,
            batch.claimed,
            batch.voided,
            STATE_NAMES[state_of(batch)],
            batch.created_at,
            batch.voided_at,
        )
        for batch in batches
    ]
    return exports.csv_response(f"coupon-{template_id}-batches", HEADER, rows)


@blueprint.post("/coupons/<int:template_id>/codes")
@requires(Permission.COUPONS_ISSUE)
def make_coupon_codes(template_id: int) -> Response:
    """Make a batch."""
    for_the_chain()
    name, count, at = forms.text("name"), forms.integer("count"), container().clock.now()
    return forms.act(
        lambda session: service.make_batch(
            session, template_id=template_id, name=name, count=count, actor=actor(), at=at
        ),
        done="已生成，可下载兑换码",
        back=_list_of(template_id),
    )


@blueprint.post("/coupon-codes/<int:batch_id>/void")
@requires(Permission.COUPONS_VOID)
def void_coupon_codes(batch_id: int) -> Response:
    """Void what is left of a batch."""
    for_the_chain()
    at = container().clock.now()
    return forms.act(
        lambda session: service.void_batch(session, batch_id=batch_id, actor=actor(), at=at),
        done="已作废，未领取的兑换码不能再领取",
        back=_list_of(_batch(batch_id).template_id),
    )


@blueprint.post("/coupon-codes/<int:batch_id>/void-code")
@requires(Permission.COUPONS_VOID)
def void_coupon_code(batch_id: int) -> Response:
    """Void one code of a batch."""
    for_the_chain()
    at, typed, key = container().clock.now(), forms.text("code"), container().settings.member_code_key
    return forms.act(
        lambda session: service.void_code(session, codes_key=key, batch_id=batch_id, typed=typed, actor=actor(), at=at),
        done="该兑换码已作废",
        back=_list_of(_batch(batch_id).template_id),
    )


@blueprint.post("/coupon-codes/<int:batch_id>/export")
@requires(Permission.COUPONS_ISSUE)
def export_coupon_codes(batch_id: int) -> Response:
    """Download the codes of a batch, each with what became of it; who took them is audited."""
    for_the_chain()
    at = container().clock.now()

    def note(session: "Session") -> CodeBatchView:
        batch = codes.get_batch(session, batch_id=batch_id)
        subject, after = f"code_batch:{batch_id}", {"count": batch.count}
        audit.write(session, actor=actor(), action="coupons.export_codes", subject=subject, after=after, at=at)
        return batch

    batch = run(container().database, note)
    return exports.streamed_csv(f"coupon-codes-{batch_id}", ("兑换码", "状态"), _code_pages(batch))


def state_of(batch: CodeBatchView) -> BatchState:
    """Return whether the codes of a batch can be claimed."""
    return BatchState.OPEN if batch.voided_at is None else BatchState.VOIDED


def _code_pages(batch: CodeBatchView) -> Iterator[Sequence[exports.Row]]:
    """Yield a batch's codes; each page is read in a transaction of its own, so that a slow download holds none."""
    database, key = container().database, container().settings.member_code_key
    left = STATE_NAMES[state_of(batch)]
    end = batch.first_serial + batch.count
    for first in range(batch.first_serial, end, CODES_PER_PAGE):
        serials = range(first, min(first + CODES_PER_PAGE, end))
        gone = run(database, partial(codes.uses_between, first_serial=first, until_serial=serials.stop))
        yield [(claim_code(key, serial), _state(gone.get(serial), left)) for serial in serials]


def _state(is_claimed: bool | None, left: str) -> str:
    if is_claimed is None:
        return left
    return "已领取" if is_claimed else "已作废"


def _found(session: "Session", template_id: int) -> Sequence[CodeBatchView]:
    state = forms.optional_choice("state", BatchState)
    get_template(session, template_id=template_id)
    batches = codes.list_batches(session, template_id=template_id)
    return [batch for batch in batches if state in (None, state_of(batch))]


def _batch(batch_id: int) -> CodeBatchView:
    return run(container().database, lambda session: codes.get_batch(session, batch_id=batch_id))


def _list_of(template_id: int) -> str:
    return url_for("console.coupon_code_list", template_id=template_id)
