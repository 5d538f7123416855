"""Coupons: whose there are, what they would take off, what a code names, and giving one."""

from typing import Any

from flask import Response

from loyalty.coupons.queries.wallet import CouponView
from loyalty.coupons.rules.sentences import headline
from loyalty.coupons.rules.unfit import ABOUT_THE_GOODS
from loyalty.coupons.service.validating import Checked
from loyalty.kernel.transaction import run
from loyalty.orders.rules import Line
from loyalty.partners.rules.references import MemberName
from loyalty.partners.service import coupons
from loyalty.partners.service.coupon_uses import told_discounts, told_lines
from loyalty.partners.service.coupons import IssueWish, TillBasket
from portal.context import container
from portal.partner_api.desk import desk, member_name
from portal.partner_api.v1.blueprint import subject
from portal.partner_api.v1.purchases import answered
from portal.partner_api.v1.schemas import coupons as schemas

blueprint = subject("coupons", __name__, description="Find and give coupons.")


@blueprint.get("/members/<string:member_ref>/coupons")
@blueprint.arguments(schemas.CouponsQuery, location="query")
@blueprint.response(200, schemas.Coupons)
def list_coupons(query: dict[str, Any], member_ref: str) -> dict[str, Any]:
    """List the coupons that a member can use now or later."""
    here, name = desk(), MemberName(ref=member_ref)
    page = run(
        container().database,
        lambda session: coupons.list_coupons(
            session, desk=here, name=name, cursor=query["cursor"], limit=query["limit"]
        ),
    )
    items = [{**_named(one), "standing": one.standing.value, "usable_at": one.usable_at} for one in page.items]
    return {"items": items, "next_cursor": page.next_cursor}


@blueprint.post("/coupon-validations")
@blueprint.arguments(schemas.ValidationRequest)
@blueprint.response(200, schemas.Validation)
def validate(body: dict[str, Any]) -> dict[str, Any]:
    """Tell what a member's coupons would take off a basket, why others do not pay, and which save the most."""
    here, name, basket = desk(), member_name(body), basket_of(body)
    found = run(
        container().database,
        lambda session: coupons.validate_coupons(
            session, desk=here, name=name, basket=basket, coupon_ids=body["coupon_ids"]
        ),
    )
    best = {"discount_fen": found.best.discount_fen, "coupons": told_discounts(found.best.discounts)}
    return {"coupons": [_checked(one) for one in found.coupons], "best": best}


@blueprint.post("/coupon-lookups")
@blueprint.arguments(schemas.LookupRequest)
@blueprint.response(200, schemas.LookedUpCoupon)
def look_up(body: dict[str, Any]) -> dict[str, Any]:
    """Tell what a coupon's code names, and name its owner for a quarter of an hour."""
    found = coupons.look_up(
        container().database,
        desk=desk(),
        store_code=body["store_code"],
        code=body["coupon_code"],
        code_key=container().settings.member_code_key,
    )
    coupon, ref = found.coupon, found.ref
    reason = None if coupon.reason in ABOUT_THE_GOODS else coupon.reason
    return {
        **_named(coupon),
        "reason": None if reason is None else reason.value,
        "message": None if reason is None else coupon.sentence,
        "member": {"member_ref": ref.token, "expires_at": ref.expires_at},
    }


@blueprint.post("/coupons")
@blueprint.arguments(schemas.IssueRequest)
@blueprint.response(201, schemas.IssuedCoupon)
def issue(body: dict[str, Any]) -> Response:
    """Give a member a coupon of a template that holds at the store; every limit of the template holds."""
    here, name = desk(), member_name(body)
    wish = IssueWish(body["store_code"], body["reference"], body["template_id"])
    return answered(
        run(container().database, lambda session: coupons.issue_coupon(session, desk=here, name=name, wish=wish))
    )


def basket_of(body: dict[str, Any]) -> TillBasket:
    """Return what a request says is about to be bought."""
    return TillBasket(body["store_code"], body["channel"], tuple(Line(**line) for line in body["lines"]))


def _named(coupon: CouponView | Checked) -> dict[str, Any]:
    return {
        "coupon_id": coupon.id if isinstance(coupon, CouponView) else coupon.coupon_id,
        "template_id": coupon.template_id,
        "title": coupon.terms.title,
        "headline": headline(coupon.terms),
        "expires_at": coupon.expires_at,
    }


def _checked(coupon: Checked) -> dict[str, Any]:
    return {
        **_named(coupon),
        "is_usable": coupon.is_usable,
        "discount_fen": coupon.discount_fen,
        "lines": told_lines(coupon.shares),
        "reason": None if coupon.reason is None else coupon.reason.value,
        "message": coupon.sentence,
    }
