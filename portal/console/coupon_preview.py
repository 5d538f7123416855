"""The preview of a template: the card and the terms as a member will read them, and what a basket would cost."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from loyalty.coupons.queries.names import names_for_staff
from loyalty.coupons.rules.errors import InvalidCouponTerms
from loyalty.coupons.rules.pricing import Offer, price
from loyalty.coupons.rules.samples import sample_of
from loyalty.coupons.rules.sentences import claim_window, details, headline
from loyalty.coupons.rules.terms import Terms
from loyalty.coupons.rules.unfit import explain
from loyalty.kernel.wording import yuan
from loyalty.orders.rules import AMOUNT_FEN_MAX
from portal.console.coupon_template_fields import Reader
from portal.console.form_fields import Form
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

_COUPON_ID = 1
"""Of the coupon that is tried; there is no other beside it."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a member reads, and how a sample basket comes out."""

    terms: Terms
    headline: str
    claim_window: str
    lines: Sequence[str]
    sample: str


def preview_of(session: "Session", *, terms: Terms, amount_fen: int | None = None) -> Preview:
    """Return terms as a member will read them, and tags by name.

    The sample meets all of them, but for an amount of one's own.
    """
    return Preview(
        terms=terms,
        headline=headline(terms),
        claim_window=claim_window(terms.claiming, container().zone),
        lines=details(terms, names_for_staff(session, terms=terms), is_for_staff=True),
        sample=_sample(terms, amount_fen),
    )


def sample_amount_of(form: Form) -> int | None:
    """Return what the sample basket shall cost, or None for as much as the terms ask for.

    Raises:
        InvalidCouponTerms: it is no amount.
    """
    reader = Reader(form)
    amount_fen = reader.money("sample_amount")
    if amount_fen is not None and not 0 < amount_fen <= AMOUNT_FEN_MAX:
        reader.refuse("sample_amount", f"须为 {yuan(1)}–{yuan(AMOUNT_FEN_MAX)}")
    if reader.problems:
        raise InvalidCouponTerms(reader.problems)
    return amount_fen


def _sample(terms: Terms, amount_fen: int | None) -> str:
    basket = sample_of(terms)
    if amount_fen is not None:
        basket = replace(basket, lines=(replace(basket.lines[0], amount_fen=amount_fen),))
    total_fen = sum(line.amount_fen for line in basket.lines)
    pricing = price([Offer(_COUPON_ID, terms, basket.at)], basket)
    if _COUPON_ID in pricing.refused:
        return f"买 {yuan(total_fen)}：不可用，{explain(*pricing.refused[_COUPON_ID])}"
    if not pricing.discount_fen:
        return f"买 {yuan(total_fen)}：可用，礼品由店员交付，应付 {yuan(total_fen)}"
    return f"买 {yuan(total_fen)}：优惠 {yuan(pricing.discount_fen)}，应付 {yuan(total_fen - pricing.discount_fen)}"
