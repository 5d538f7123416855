"""Several coupons for one sale (多券同用): which are best for its amount, and taking those that were chosen as one."""

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from loyalty.clerks import queries, service
from loyalty.clerks.queries import Sale
from loyalty.clerks.rules import AmountMissing, Visit, VisitOver
from loyalty.coupons.rules.errors import CouponNotUsable
from loyalty.coupons.rules.sentences import headline
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.kernel.wording import yuan
from portal.context import container
from portal.errors import form_again
from portal.h5.blueprint import blueprint
from portal.h5.clerk.amounts import typed_fen
from portal.h5.clerk.desk import actor, desk, for_clerks, form_key
from portal.h5.clerk.visits import read_visit, token_of
from portal.h5.form_keys import new_key

ID_DIGITS_MAX = 18


@blueprint.get("/clerk/visits/<visit>/sale")
@for_clerks
def clerk_sale(visit: str) -> str:
    """Ask what the goods cost, and show which coupons may pay for them."""
    known = read_visit(visit)
    return _form(known, _sale(known, None))


@blueprint.post("/clerk/visits/<visit>/sale/best")
@for_clerks
def clerk_best(visit: str) -> Response:
    """Choose the coupons that save the most; nothing is taken."""
    known = read_visit(visit)
    try:
        goods_fen = typed_fen("goods")
        if goods_fen is None:
            raise AmountMissing
        sale = _sale(known, goods_fen)
    except VisitOver:
        raise
    except LoyaltyError as error:
        return form_again(_form(known, _sale(known, None), error=error), error)
    return form_again(_form(known, sale, goods_fen=goods_fen), None)


@blueprint.post("/clerk/visits/<visit>/sale")
@for_clerks
def clerk_take_together(visit: str) -> Response:
    """Take the coupons that were chosen, all or none; the same form again shows the same result."""
    at, zone, known = container().clock.now(), container().zone, read_visit(visit)
    try:
        key, goods_fen = form_key(), typed_fen("goods")
        done = run(
            container().database,
            lambda session: service.take_together(
                session,
                clerk=desk().clerk,
                visit=known,
                coupon_ids=_chosen(),
                goods_fen=goods_fen,
                key=key,
                actor=actor(),
                at=at,
                zone=zone,
            ),
        )
    except VisitOver:
        raise
    except LoyaltyError as error:
        return form_again(_form(known, _sale(known, None), error=error), error)
    return redirect(url_for("h5.clerk_redemption", redemption_id=done.id), 303)


def _sale(visit: Visit, goods_fen: int | None) -> Sale:
    at, zone = container().clock.now(), container().zone
    return run(
        container().database,
        lambda session: queries.sale_for(session, visit=visit, goods_fen=goods_fen, at=at, zone=zone),
    )


def _form(visit: Visit, sale: Sale, *, goods_fen: int | None = None, error: LoyaltyError | None = None) -> str:
    best = None if sale.best is None else {one.coupon_id for one in sale.best.discounts}
    return render_template(
        "h5/clerk/sale.html",
        desk=desk(),
        sale=sale,
        chosen=set(_chosen()) if best is None else best,
        goods_fen=goods_fen,
        visit=token_of(visit),
        key=new_key(),
        headline=headline,
        yuan=yuan,
        error=error,
        refusals=error.sentences if isinstance(error, CouponNotUsable) else {},
    )


def _chosen() -> list[int]:
    sent = request.form.getlist("coupon_id")
    return [int(one) for one in sent if one.isascii() and one.isdigit() and len(one) <= ID_DIGITS_MAX]
