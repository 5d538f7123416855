"""Clerk rules: how long a code that was read stands, what a clerk has to type in, and until when a use is undone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from loyalty.coupons.rules.basket import names_goods
from loyalty.coupons.rules.terms import FixedPrice, Gift, Terms
from loyalty.kernel.errors import Conflict, InvalidInput, NotAllowed
from loyalty.orders.rules import Line

VISIT_LIFETIME = timedelta(minutes=15)
REVERSE_WITHIN = timedelta(minutes=30)
"""How long a clerk may undo a use of their own (撤销时限); afterwards the back office does it."""
TRIES_MAX = 30
"""How many codes that turn out wrong a clerk may read within a quarter of an hour."""
CHANNEL = "pos"
"""Coupons for the till are good on a clerk's phone too."""
SKU = "till"
"""Of goods that the clerk does not name."""


class NotTheCodeOfAnything(InvalidInput):
    """What was read or typed is no code of a member and none of a coupon."""

    code = "clerk_code_unknown"
    message = "这不是会员码或券码，请扫会员卡或优惠券页面上的码"


class VisitOver(Conflict):
    """The code was read more than a quarter of an hour ago, by somebody else, or at another store."""

    code = "clerk_visit_over"
    message = "识别已超过 15 分钟或已更换门店，请重新扫码"


class AmountMissing(InvalidInput):
    """What a coupon is worth depends on an amount that was not typed."""

    code = "clerk_amount_missing"
    message = "请输入金额"


class NothingChosen(InvalidInput):
    """No coupon was chosen for a sale."""

    code = "clerk_nothing_chosen"
    message = "请至少选择一张优惠券"


class CouponTakenAlone(Conflict):
    """A coupon for some goods or for one piece was chosen for a sale of which only the amount is known."""

    code = "clerk_coupon_taken_alone"
    message = "指定商品的券请单独核销"


class ReversalTooLate(Conflict):
    """The use was longer ago than a clerk may undo."""

    code = "clerk_reversal_too_late"
    message = "核销已超过 30 分钟，不能自行撤销，请联系店长在后台处理"


class StoreNotChosen(NotAllowed):
    """The store is not an open one of the clerk's."""

    code = "clerk_store_not_chosen"
    message = "请先选择所在门店"


@dataclass(frozen=True, slots=True)
class Visit:
    """Who stands at the till: a member, or a coupon of one, as a code has named them."""

    staff_id: int
    store_id: int
    member_id: int
    coupon_id: int | None
    """Empty when the member was named: then any coupon of theirs may be taken."""
    until: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """Which amounts a clerk types in for a coupon."""

    piece: bool
    """What the one piece costs that the coupon is for."""
    goods: bool
    """What the goods cost that the coupon holds for; beside the piece, the others of them."""


@dataclass(frozen=True, slots=True)
class Typed:
    """The amounts that a clerk typed."""

    piece_fen: int | None = None
    goods_fen: int | None = None


def asked_for(terms: Terms) -> Asked:
    """Return what decides what a coupon is worth; of a gift without a threshold nothing does."""
    is_of_goods = isinstance(terms.worth, Gift) and names_goods(terms.scope)
    if isinstance(terms.worth, Gift) and not terms.threshold_fen:
        return Asked(piece=False, goods=False)
    piece = isinstance(terms.worth, FixedPrice) or is_of_goods
    return Asked(piece=piece, goods=not piece or terms.threshold_fen > 0)


def is_for_all_goods(terms: Terms) -> bool:
    """Tell whether the amount of a sale decides what a coupon is worth, so that it may be one of several."""
    scope = terms.scope
    return not (names_goods(scope) or scope.excluded_skus or scope.excluded_categories)


def sale_of(goods_fen: int | None) -> tuple[Line, ...]:
    """Return a sale as a basket; empty when nothing is paid for, as when gifts alone are handed over."""
    return (Line(1, SKU, "", 1, goods_fen),) if goods_fen else ()


def check_chosen(chosen: Sequence[Terms], goods_fen: int | None) -> None:
    """Make sure that some coupons can be taken for one sale of which the amount is known.

    Raises:
        CouponTakenAlone: one of them is not for all goods.
        AmountMissing: what the goods cost decides what one of them is worth, and was not typed.
    """
    if not all(map(is_for_all_goods, chosen)):
        raise CouponTakenAlone
    if not goods_fen and any(asked_for(terms).goods for terms in chosen):
        raise AmountMissing


def lines_of(terms: Terms, typed: Typed) -> tuple[Line, ...]:
    """Return what was typed as a basket of goods for which the coupon holds.

    The piece is the dearest of them, so that the others are as many as make each of them no dearer.

    Raises:
        AmountMissing: an amount that is asked for was not typed.
    """
    asked, lines = asked_for(terms), []
    piece_fen, goods_fen = typed.piece_fen or 0, typed.goods_fen or 0
    if (asked.piece and not piece_fen) or (asked.goods and not asked.piece and not goods_fen):
        raise AmountMissing
    if asked.piece:
        lines.append(_line(terms, 1, 1, piece_fen))
    if asked.goods and goods_fen:
        count = -(-goods_fen // piece_fen) if asked.piece else 1
        lines.append(_line(terms, len(lines) + 1, count, goods_fen))
    return tuple(lines)


def check_present(visit: Visit, *, staff_id: int, store_id: int, at: datetime) -> None:
    """Refuse what another clerk has read, or what was read at another store or too long ago.

    Raises:
        VisitOver: it was.
    """
    if (visit.staff_id, visit.store_id) != (staff_id, store_id) or at >= visit.until:
        raise VisitOver


def is_reversible(*, redeemed_at: datetime, at: datetime) -> bool:
    """Tell whether a use is recent enough for its clerk to undo."""
    return at <= redeemed_at + REVERSE_WITHIN


def _line(terms: Terms, number: int, quantity: int, amount_fen: int) -> Line:
    scope = terms.scope
    sku = min(scope.skus - scope.excluded_skus, default=SKU)
    category = "" if scope.skus else min(scope.categories - scope.excluded_categories, default="")
    return Line(number, sku, category, quantity, amount_fen)
