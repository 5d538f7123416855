"""Checkout rules: how points pay for a part of a basket (积分抵现), and what of that is left after refunds.

Points pay in whole steps, each worth whole fen. What they paid is spread over the lines of the order in proportion
to their amounts, to the fen and to the point, so that a refund of a line returns the points of that line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loyalty.kernel.errors import Conflict, InvalidInput, NotAllowed
from loyalty.orders.rules import Line
from loyalty.orders.sharing import money_left, parts_left, shares_of
from loyalty.points.rules import POINTS_MAX, Shortfall

FEN_PER_YUAN = 100
PERCENT = 100
HOLD_MINUTES_MAX = 24 * 60


class InvalidCheckoutPolicy(InvalidInput):
    """The policy could not be applied as it reads; ``details`` say which field and why."""

    code = "invalid_checkout_policy"
    message = "积分抵现设置不正确"


class PointsNotAccepted(NotAllowed):
    """Points do not pay for purchases: headquarters has not switched it on."""

    code = "points_not_accepted"
    message = "尚未开通积分抵现"


class PointsPaymentRefused(Conflict):
    """The points are no whole steps, are worth something else, or more than the order allows; ``details`` say which."""

    code = "points_payment_refused"
    message = "积分抵现的积分或金额不符合规则"


class PointsPaymentNotFound(Conflict):
    """No points were set aside under this reference, or they paid for another order."""

    code = "points_payment_not_found"
    message = "没有找到可用的积分抵现"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutPolicy:
    """How points pay and how refunds take points back (积分抵现与退款设置)."""

    is_accepting_points: bool = False
    points_per_yuan: int = 100
    """How many points are worth one yuan."""
    share_max_percent: int = 50
    """The most of an order that points may pay."""
    points_max: int = 10_000
    """The most points for one order."""
    points_step: int = 100
    hold_minutes: int = 30
    """How long points stay set aside for an order that is not paid."""
    shortfall: Shortfall = Shortfall.OFFSET_NEXT_EARN
    """What happens when a refund takes back points that the member has spent."""


@dataclass(frozen=True, slots=True)
class PointsQuote:
    """How many points may pay for an order, and what they are worth (可抵现)."""

    max_points: int
    max_amount_fen: int
    points_step: int
    points_per_yuan: int


@dataclass(frozen=True, slots=True)
class Basket:
    """What somebody is about to buy; ``points_fen`` is what points are to pay of what the coupons leave of it."""

    store_id: int | None
    channel: str
    lines: tuple[Line, ...]
    points_fen: int = 0
    coupon_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Spread:
    """What points paid of one line."""

    points: int
    amount_fen: int


def check_policy(policy: CheckoutPolicy) -> None:
    """Refuse a policy by which some points would be worth no whole fen.

    Raises:
        InvalidCheckoutPolicy: with the field and the reason of the first thing wrong.
    """
    _require_within(policy.points_per_yuan, 1, 1_000_000, "points_per_yuan")
    _require_within(policy.share_max_percent, 1, PERCENT, "share_max_percent")
    _require_within(policy.points_step, 1, 1_000_000, "points_step")
    _require_within(policy.points_max, policy.points_step, POINTS_MAX, "points_max")
    _require_within(policy.hold_minutes, 1, HOLD_MINUTES_MAX, "hold_minutes")
    if policy.points_step * FEN_PER_YUAN % policy.points_per_yuan:
        raise InvalidCheckoutPolicy(field="points_step", reason="每一份积分须正好抵整分钱")
    if policy.shortfall is Shortfall.REFUSE:
        raise InvalidCheckoutPolicy(field="shortfall", reason="已经发生的退款不能拒绝")


def sentence(policy: CheckoutPolicy) -> str:
    """Say in Chinese how points pay."""
    if not policy.is_accepting_points:
        return "尚未开通积分抵现"
    told = f"{policy.points_per_yuan:,} 积分抵 1 元，最多抵订单金额的 {policy.share_max_percent}%"
    return f"{told}，每单最多 {policy.points_max:,} 积分，须为 {policy.points_step:,} 的整数倍"


def worth(policy: CheckoutPolicy, points: int) -> int:
    """Return what points are worth, in fen."""
    return points * FEN_PER_YUAN // policy.points_per_yuan


def quote(policy: CheckoutPolicy, *, amount_fen: int, available: int) -> PointsQuote:
    """Return the most that a member's points may pay of an order.

    Raises:
        PointsNotAccepted: points do not pay for purchases.
    """
    if not policy.is_accepting_points:
        raise PointsNotAccepted
    by_share = amount_fen * policy.share_max_percent // PERCENT * policy.points_per_yuan // FEN_PER_YUAN
    most = min(by_share, policy.points_max, available)
    points = max(0, most) // policy.points_step * policy.points_step
    return PointsQuote(points, worth(policy, points), policy.points_step, policy.points_per_yuan)


def check_payment(policy: CheckoutPolicy, *, points: int, amount_fen: int) -> None:
    """Refuse points that may not pay for an order of this amount, whoever has them.

    Raises:
        PointsNotAccepted: points do not pay for purchases.
        PointsPaymentRefused: they are no whole steps, or more than the order allows.
    """
    most = quote(policy, amount_fen=amount_fen, available=POINTS_MAX)
    if points <= 0 or points % policy.points_step:
        raise PointsPaymentRefused(points=points, points_step=policy.points_step)
    if points > most.max_points:
        raise PointsPaymentRefused(points=points, max_points=most.max_points)


def check_order(policy: CheckoutPolicy, *, paid_fen: int, quoted_fen: int, amount_fen: int) -> None:
    """Refuse points that were set aside for a larger order, where they pay more of this one than may be paid.

    Raises:
        PointsPaymentRefused: they are worth more than the share of this order.
    """
    most = amount_fen * policy.share_max_percent // PERCENT
    if amount_fen < quoted_fen and paid_fen > most:
        raise PointsPaymentRefused(amount_fen=paid_fen, max_amount_fen=most)


def spread(lines: Sequence[Line], *, points: int, amount_fen: int) -> dict[int, Spread]:
    """Spread what points paid over the lines of an order by their amounts; the parts add up exactly.

    Raises:
        PointsPaymentRefused: points paid more than the lines cost together.
    """
    total = sum(line.amount_fen for line in lines)
    if amount_fen > total:
        raise PointsPaymentRefused(amount_fen=amount_fen, order_amount_fen=total)
    amounts = [line.amount_fen for line in lines]
    parts = zip(shares_of(points, amounts), shares_of(amount_fen, amounts), strict=True)
    return {line.line_number: Spread(*part) for line, part in zip(lines, parts, strict=True)}


def paid_in_money(lines: Sequence[Line], left: Sequence[Line], spreads: Mapping[int, Spread]) -> tuple[Line, ...]:
    """Return what is left of an order with what was paid for it in money, since points earn no points."""
    return money_left(lines, left, {number: part.amount_fen for number, part in spreads.items()})


def points_left(lines: Sequence[Line], left: Sequence[Line], spreads: Mapping[int, Spread]) -> int:
    """Return how many of the points that paid still pay for what is left; nothing once all of it is refunded."""
    return sum(parts_left(lines, left, {number: part.points for number, part in spreads.items()}).values())


def _require_within(value: object, low: int, high: int, field: str) -> None:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or not low <= int(str(value)) <= high:
        raise InvalidCheckoutPolicy(field=field, reason=f"须为 {low} 到 {high}")
