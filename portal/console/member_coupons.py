"""A member's coupons: where each stands and came from; one is given or taken away by hand."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from loyalty.coupons.queries import issued
from loyalty.coupons.queries.titles import list_choices
from loyalty.coupons.queries.wallet import CouponView
from loyalty.coupons.rules.by_hand import GiveReason, VoidReason
from loyalty.coupons.rules.errors import CouponLimitReached, CouponNotForMember, CouponNotFound
from loyalty.coupons.rules.states import TemplateState
from loyalty.coupons.service.by_hand import give
from loyalty.coupons.service.voiding import void
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.pagination import Page
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from portal.console import coupon_names, exports, forms, paging
from portal.console.access import actor, may, requires
from portal.console.blueprint import blueprint
from portal.console.coupon_lists import filtered, named
from portal.console.member_exports import export_of_member
from portal.console.members import visible_member
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

FILTERS = ("standing", "path")
HEADER = ("券号", "名称", "来源", "状态", "发放时间", "可用", "失效", "使用时间", "使用门店", "所用积分")
KEY_LENGTH = 32
_REFUSALS: dict[type[LoyaltyError], str] = {
    CouponLimitReached: "该会员已达到这张券的领取上限",
    CouponNotForMember: "该会员不在这张券的领取范围内",
}
"""What members are told in the second person."""


@blueprint.get("/members/<int:member_id>/coupons")
@requires(Permission.COUPONS_READ)
def member_coupons(member_id: int) -> str:
    """List a member's coupons, the newest first."""
    cursor, coupons = paging.cursor(), _coupons(member_id)

    def read(session: "Session") -> dict[str, Any]:
        member = visible_member(session, member_id=member_id)
        page = coupons(session, cursor=cursor)
        templates = list_choices(session, state=TemplateState.LIVE) if may(Permission.COUPONS_ISSUE) else {}
        return {"member": member, "page": page, "templates": templates, **named(session, page.items)}

    return render_template(
        "console/member_coupons.html",
        is_first=cursor is None,
        address=paging.address,
        filters={name: forms.text(name) for name in FILTERS},
        names=coupon_names,
        key=uuid4().hex,
        **run(container().database, read),
    )


@blueprint.post("/members/<int:member_id>/coupons/export")
@requires(Permission.MEMBERS_EXPORT)
def export_member_coupons(member_id: int) -> Response:
    """Download what the filter shows."""
    read = exports.as_rows(_coupons(member_id), _row, named=_stores_named)
    return export_of_member(member_id, name="coupons", action="coupons.export", header=HEADER, read=read)


@blueprint.post("/members/<int:member_id>/coupons")
@requires(Permission.COUPONS_ISSUE)
def give_coupon(member_id: int) -> Response:
    """Give the member a coupon; the form's key makes a second tap harmless."""
    template_id, key, at = forms.integer("template_id"), forms.text("key"), container().clock.now()
    reason = forms.parsed_choice("reason", forms.text("reason"), GiveReason)
    if not (len(key) == KEY_LENGTH and key.isalnum() and key.isascii()):
        raise forms.InvalidField(field="key")

    def work(session: "Session") -> None:
        visible_member(session, member_id=member_id)
        give(
            session,
            template_id=template_id,
            member_id=member_id,
            key=key,
            reason=reason,
            actor=actor(),
            at=at,
            zone=container().zone,
        )

    try:
        run(container().database, work)
    except LoyaltyError as error:
        flash(_REFUSALS.get(type(error), error.message), "danger")
    else:
        flash("已发放，会员可在券包中查看", "success")
    return redirect(_page_of(member_id), 303)


@blueprint.post("/members/<int:member_id>/coupons/<int:coupon_id>/void")
@requires(Permission.COUPONS_VOID)
def void_coupon(member_id: int, coupon_id: int) -> Response:
    """Take one of the member's coupons away."""
    at, reason = container().clock.now(), forms.parsed_choice("reason", forms.text("reason"), VoidReason)

    def work(session: "Session") -> None:
        visible_member(session, member_id=member_id)
        if not issued.count_of_member(session, coupon_ids=[coupon_id], member_id=member_id):
            raise CouponNotFound(coupon_id=coupon_id)
        void(session, coupon_ids=[coupon_id], reason=reason.value, actor=actor(), at=at)

    return forms.act(work, done="已作废", back=_page_of(member_id))


def _coupons(member_id: int) -> Callable[..., Page[CouponView]]:
    return partial(filtered(), member_id=member_id)


def _stores_named(session: "Session", coupons: Sequence[CouponView]) -> dict[str, dict[Any, str]]:
    return {"store_names": named(session, coupons)["store_names"]}


def _row(coupon: CouponView, *, store_names: dict[int, str]) -> exports.Row:
    return (
        coupon.id,
        coupon.terms.title,
        coupon_names.PATH_NAMES[coupon.path],
        coupon_names.STANDING_NAMES[coupon.standing],
        coupon.issued_at,
        coupon.usable_at,
        coupon.expires_at,
        coupon.redeemed_at,
        store_names.get(coupon.used_at_store_id or 0),
        coupon.points_paid,
    )


def _page_of(member_id: int) -> str:
    return url_for("console.member_coupons", member_id=member_id)
