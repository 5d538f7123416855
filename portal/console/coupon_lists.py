"""The coupons of a template (已发放): whose they are, where they stand; many are voided at once."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import render_template, url_for
from werkzeug.wrappers import Response

from loyalty.coupons.queries import issued
from loyalty.coupons.queries.templates import get_template
from loyalty.coupons.queries.wallet import CouponView
from loyalty.coupons.rules.by_hand import VoidReason
from loyalty.coupons.rules.errors import CouponNotFound
from loyalty.coupons.rules.states import IssuePath, Standing
from loyalty.coupons.service.voiding import void
from loyalty.kernel.errors import InvalidInput
from loyalty.kernel.pagination import Page
from loyalty.kernel.transaction import run
from loyalty.members import queries as members
from loyalty.staff.rules import Permission
from loyalty.stores import queries as stores
from portal.console import coupon_names, exports, forms, paging
from portal.console.access import actor, requires, seen_stores
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.console.personal_exports import export_personal
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

FILTERS = ("standing", "path", "size")
SIZES = (20, 100, 500)
VOID_MAX = 500
HEADER = ("券号", "会员号", "来源", "状态", "发放时间", "可用", "失效", "使用时间", "使用门店")


class CouponChoiceInvalid(InvalidInput):
    """None were chosen, or more than can be voided at once."""

    code = "coupon_choice_invalid"
    message = f"请选择 1–{VOID_MAX} 张券"


@blueprint.get("/coupons/<int:template_id>/issued")
@requires(Permission.COUPONS_READ)
def coupon_list(template_id: int) -> str:
    """List a template's coupons of the members that the caller may see, the newest first."""
    cursor, coupons, size = paging.cursor(), _coupons(template_id), _size()

    def read(session: "Session") -> dict[str, Any]:
        template = get_template(session, template_id=template_id)
        page = coupons(session, cursor=cursor, limit=size)
        return {"template": template, "page": page, **named(session, page.items)}

    return render_template(
        "console/coupon_list.html",
        is_first=cursor is None,
        address=paging.address,
        filters={name: forms.text(name) for name in FILTERS},
        sizes=SIZES,
        names=coupon_names,
        **run(container().database, read),
    )


@blueprint.post("/coupons/<int:template_id>/issued/export")
@requires(Permission.MEMBERS_EXPORT)
def export_coupons(template_id: int) -> Response:
    """Download what the filter shows; who took it is audited."""
    read = exports.as_rows(_coupons(template_id), _row, named=named)
    run(container().database, lambda session: get_template(session, template_id=template_id))
    subject = f"coupon_template:{template_id}"
    return export_personal(f"coupons-{template_id}", HEADER, read, action="coupons.export", subject=subject)


@blueprint.post("/coupons/<int:template_id>/issued/void")
@requires(Permission.COUPONS_VOID)
def void_coupons(template_id: int) -> Response:
    """Take the chosen coupons away, all of them or none."""
    coupon_ids, store_ids = forms.integers("coupon_ids"), seen_stores()
    reason = forms.parsed_choice("reason", forms.text("reason"), VoidReason)

    def work(session: "Session") -> None:
        if not 0 < len(coupon_ids) <= VOID_MAX:
            raise CouponChoiceInvalid
        if store_ids is not None and issued.count_outside(session, coupon_ids=coupon_ids, store_ids=store_ids):
            raise CouponNotFound
        void(session, coupon_ids=coupon_ids, reason=reason.value, actor=actor(), at=at)

    at = container().clock.now()
    back = url_for("console.coupon_list", template_id=template_id)
    return forms.act(work, done=f"已作废 {len(coupon_ids)} 张券", back=back)


def named(session: "Session", coupons: Sequence[CouponView]) -> dict[str, dict[Any, str]]:
    """Return what the members, stores and issuers of some coupons are called."""
    store_ids = {coupon.used_at_store_id for coupon in coupons if coupon.used_at_store_id is not None}
    return {
        "numbers": members.numbers(session, {coupon.member_id for coupon in coupons}),
        "store_names": stores.names(session, store_ids),
        "people": names_of(session, {coupon.actor for coupon in coupons}),
    }


def filtered() -> Callable[..., Page[CouponView]]:
    """Return the coupons that the filter leaves, of which pages can be asked for, of a template or a member."""
    return partial(
        issued.list_coupons,
        at=container().clock.now(),
        path=forms.optional_choice("path", IssuePath),
        stands=forms.optional_choice("standing", Standing),
    )


def _coupons(template_id: int) -> Callable[..., Page[CouponView]]:
    return partial(filtered(), template_id=template_id, store_ids=seen_stores())


def _size() -> int:
    size = forms.optional_integer("size") or SIZES[0]
    if size not in SIZES:
        raise forms.InvalidField(field="size")
    return size


def _row(
    coupon: CouponView, *, numbers: dict[int, str], store_names: dict[int, str], people: dict[str, str]
) -> exports.Row:
    return (
        coupon.id,
        numbers.get(coupon.member_id),
        coupon_names.PATH_NAMES[coupon.path],
        coupon_names.STANDING_NAMES[coupon.standing],
        coupon.issued_at,
        coupon.usable_at,
        coupon.expires_at,
        coupon.redeemed_at,
        store_names.get(coupon.used_at_store_id or 0),
    )
