"""Uses of coupons (核销记录): at the stores that the caller sees; one that was a mistake is undone."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import render_template, url_for
from werkzeug.wrappers import Response

from loyalty.coupons.queries import redemptions
from loyalty.coupons.queries.redemptions import RedemptionView, get_redemption
from loyalty.coupons.queries.titles import list_choices
from loyalty.coupons.rules.by_hand import ReverseReason
from loyalty.coupons.rules.errors import CouponRedemptionNotFound
from loyalty.coupons.service.by_hand import undo_use
from loyalty.kernel.pagination import Page
from loyalty.kernel.transaction import run
from loyalty.members import queries as members
from loyalty.staff.rules import Permission
from loyalty.stores import queries as stores
from portal.console import exports, forms, paging
from portal.console.access import actor, current_scope, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.console.coupon_names import REVERSE_REASON_NAMES
from portal.console.figures import shown_money
from portal.console.personal_exports import export_personal
from portal.console.stores import chosen_store_ids, visible_tree
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

FILTERS = ("store_id", "template_id", "actor", "since", "until")
HEADER = (
    *("核销时间", "券", "券号", "会员号", "门店", "渠道", "业务单号"),
    *("订单金额（元）", "优惠（元）", "额外积分", "操作者", "撤销时间", "撤销者"),
)


@blueprint.get("/redemptions")
@requires(Permission.COUPONS_READ)
def coupon_redemption_list() -> str:
    """List uses, the newest first."""
    cursor, uses = paging.cursor(), _uses()

    def read(session: "Session") -> dict[str, Any]:
        page = uses(session, cursor=cursor)
        return {"page": page, "templates": list_choices(session), **_named(session, page.items)}

    return render_template(
        "console/coupon_redemption_list.html",
        is_first=cursor is None,
        address=paging.address,
        filters={name: forms.text(name) for name in FILTERS},
        nodes=visible_tree(),
        reason_names=REVERSE_REASON_NAMES,
        **run(container().database, read),
    )


@blueprint.post("/redemptions/export")
@requires(Permission.MEMBERS_EXPORT)
def export_redemptions() -> Response:
    """Download what the filter shows; who took it is audited."""
    read = exports.as_rows(_uses(), _row, named=_named)
    return export_personal("redemptions", HEADER, read, action="coupons.export", subject="coupon_redemptions")


@blueprint.post("/redemptions/<int:redemption_id>/reverse")
@requires(Permission.COUPONS_REVERSE)
def reverse_redemption(redemption_id: int) -> Response:
    """Undo a use at a store that the caller sees."""
    at, scope = container().clock.now(), current_scope()
    reason = forms.parsed_choice("reason", forms.text("reason"), ReverseReason)

    def work(session: "Session") -> None:
        if not scope.covers(get_redemption(session, redemption_id=redemption_id).store_id):
            raise CouponRedemptionNotFound(redemption_id=redemption_id)
        undo_use(session, redemption_id=redemption_id, reason=reason, actor=actor(), at=at, zone=container().zone)

    back = url_for("console.coupon_redemption_list")
    return forms.act(work, done="已撤销，券已退回会员，额外赠送的积分将扣回", back=back)


def _uses() -> Callable[..., Page[RedemptionView]]:
    """Return the list that the filter leaves, of which pages can be asked for."""
    since, until = forms.day_range("since", "until")
    return partial(
        redemptions.list_redemptions,
        store_ids=chosen_store_ids(),
        template_id=forms.optional_integer("template_id"),
        actor=forms.text("actor") or None,
        from_at=since,
        until_at=until,
    )


def _named(session: "Session", uses: Sequence[RedemptionView]) -> dict[str, dict[Any, str]]:
    mentioned = {name for use in uses for name in (use.actor, use.reversed_by)}
    return {
        "numbers": members.numbers(session, {use.member_id for use in uses}),
        "store_names": stores.names(session, {use.store_id for use in uses if use.store_id is not None}),
        "people": names_of(session, mentioned),
    }


def _row(
    use: RedemptionView, *, numbers: dict[int, str], store_names: dict[int, str], people: dict[str, str]
) -> exports.Row:
    return (
        use.redeemed_at,
        use.terms.title,
        use.coupon_id,
        numbers.get(use.member_id),
        store_names.get(use.store_id or 0),
        use.channel,
        use.reference,
        shown_money(use.basket_fen),
        shown_money(use.discount_fen),
        use.bonus_points,
        people.get(use.actor, use.actor),
        use.reversed_at,
        people.get(use.reversed_by or "", use.reversed_by),
    )
