"""Order rules: which reports make sense, and what is left of an order after its refunds (退款).

Money is whole fen, quantities are whole pieces. A refund names lines of its order; what it returns of a line may be
pieces, money or both, so that a later discount (退差价) is a refund as well.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from loyalty.kernel.errors import Conflict, InvalidInput, NotFound
from loyalty.kernel.texts import is_storable

LINES_MAX = 500
TEXT_LENGTH_MAX = 64
QUANTITY_MAX = 1_000_000
AMOUNT_FEN_MAX = 10_000_000_000
VERSION_MAX = 10_000
CLOCK_SKEW_MAX = timedelta(minutes=10)
"""How far a till's clock may be ahead of ours."""


class RefundState(StrEnum):
    """Where a refund stands."""

    WAITING = "waiting"
    """It came before its purchase."""
    APPLIED = "applied"
    REFUSED = "refused"
    """Its purchase came later and holds less than it returns."""


class Returned(StrEnum):
    """How much of an order its refunds returned."""

    NOTHING = "nothing"
    PART = "part"
    WHOLE = "whole"


class InvalidOrder(InvalidInput):
    """A purchase or a refund makes no sense as reported; ``details`` say which field and why."""

    code = "invalid_order"
    message = "订单内容不正确"


class OrderStoreNotFound(NotFound):
    """The store of an order does not exist."""

    code = "order_store_not_found"
    message = "没有找到订单所属的门店"


class OrderNotFound(NotFound):
    """No such order was reported."""

    code = "order_not_found"
    message = "没有找到该订单"


class OrderNumberReused(Conflict):
    """The number was used before with other content; a correction carries a higher version."""

    code = "order_number_reused"
    message = "同一订单号的内容与之前不一致，如需更正请使用更高的版本号"


class OrderVersionOutdated(Conflict):
    """A later version of the order is known already."""

    code = "order_version_outdated"
    message = "该订单已有更新的版本"


class RefundNumberReused(Conflict):
    """The refund number was used before with other content."""

    code = "refund_number_reused"
    message = "同一退款单号的内容与之前不一致"


class RefundExceedsOrder(Conflict):
    """The refunds of a line would return more than it holds; ``details`` name the line and what is left."""

    code = "refund_exceeds_order"
    message = "退款的数量或金额超过了订单"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an order (订单行): how many pieces of one thing, and what was paid for them together."""

    line_number: int
    sku: str
    category: str
    quantity: int
    amount_fen: int

    def to_json(self) -> dict[str, Any]:
        """Return the line as it is stored."""
        return {
            "line_number": self.line_number,
            "sku": self.sku,
            "category": self.category,
            "quantity": self.quantity,
            "amount_fen": self.amount_fen,
        }


@dataclass(frozen=True, slots=True)
class Purchase:
    """A purchase (消费) as its source reports it; a correction is the same order with a higher version."""

    source: str
    order_number: str
    member_id: int
    store_id: int | None
    channel: str
    paid_at: datetime
    lines: tuple[Line, ...]
    version: int = 1

    @property
    def amount_fen(self) -> int:
        """What was paid for all lines."""
        return amount_of(self.lines)


@dataclass(frozen=True, slots=True)
class RefundLine:
    """What a refund returns of one line."""

    line_number: int
    quantity: int
    amount_fen: int

    def to_json(self) -> dict[str, Any]:
        """Return the line as it is stored."""
        return {"line_number": self.line_number, "quantity": self.quantity, "amount_fen": self.amount_fen}


@dataclass(frozen=True, slots=True)
class RefundReport:
    """A refund (退款) as its source reports it; the order may not be known yet."""

    source: str
    refund_number: str
    order_number: str
    refunded_at: datetime
    lines: tuple[RefundLine, ...]
    store_id: int | None = None
    """Where the goods came back; it may be another store than the one that sold them."""


def amount_of(lines: Iterable[Line]) -> int:
    """Return what some lines cost together, in fen."""
    return sum(line.amount_fen for line in lines)


def lines_left(lines: Sequence[Line], refunds: Iterable[Iterable[RefundLine]]) -> tuple[Line, ...]:
    """Return the lines of an order as its refunds leave them, those that were returned whole included.

    Raises:
        RefundExceedsOrder: more of a line is returned than it holds, or a line that the order does not have.
    """
    left = {line.line_number: line for line in lines}
    for refund in refunds:
        for returned in refund:
            left[returned.line_number] = _less(left.get(returned.line_number), returned)
    return tuple(left.values())


def is_empty(lines: Iterable[Line]) -> bool:
    """Tell whether nothing is left of some lines."""
    return not any(line.quantity or line.amount_fen for line in lines)


def check_purchase(purchase: Purchase, *, at: datetime) -> None:
    """Refuse a purchase that nobody can have meant.

    Raises:
        InvalidOrder: with the field and the reason of the first thing wrong.
    """
    _check_name("source", purchase.source)
    _check_name("order_number", purchase.order_number)
    _check_name("channel", purchase.channel)
    _check_number("version", purchase.version, low=1, high=VERSION_MAX)
    check_lines(purchase.lines)
    _check_instant("paid_at", purchase.paid_at, at)


def check_lines(lines: Sequence[Line]) -> None:
    """Refuse lines that make no sense, also of a basket that is not yet paid.

    Raises:
        InvalidOrder: with the field and the reason of the first thing wrong.
    """
    _check_line_numbers([line.line_number for line in lines])
    for line in lines:
        _check_name("sku", line.sku)
        _check_name("category", line.category, is_required=False)
        _check_number("quantity", line.quantity, low=1, high=QUANTITY_MAX)
        _check_number("amount_fen", line.amount_fen, low=0, high=AMOUNT_FEN_MAX)
    _check_number("amount_fen", amount_of(lines), low=0, high=AMOUNT_FEN_MAX)


def check_refund(refund: RefundReport, *, at: datetime) -> None:
    """Refuse a refund that nobody can have meant; whether it fits its order is seen when it is applied.

    Raises:
        InvalidOrder: with the field and the reason of the first thing wrong.
    """
    _check_name("source", refund.source)
    _check_name("refund_number", refund.refund_number)
    _check_name("order_number", refund.order_number)
    _check_line_numbers([line.line_number for line in refund.lines])
    for line in refund.lines:
        _check_number("quantity", line.quantity, low=0, high=QUANTITY_MAX)
        _check_number("amount_fen", line.amount_fen, low=0, high=AMOUNT_FEN_MAX)
        _require(line.quantity or line.amount_fen, "lines", f"line {line.line_number} returns nothing")
    _check_instant("refunded_at", refund.refunded_at, at)


def to_json(lines: Iterable[Line | RefundLine]) -> list[dict[str, Any]]:
    """Return lines as they are stored."""
    return [line.to_json() for line in lines]


def read_lines(stored: Iterable[Mapping[str, Any]]) -> tuple[Line, ...]:
    """Read an order's lines back."""
    return tuple(Line(**line) for line in stored)


def read_refund_lines(stored: Iterable[Mapping[str, Any]]) -> tuple[RefundLine, ...]:
    """Read a refund's lines back."""
    return tuple(RefundLine(**line) for line in stored)


def _less(line: Line | None, returned: RefundLine) -> Line:
    if line is None:
        raise RefundExceedsOrder(line_number=returned.line_number, quantity_left=0, amount_fen_left=0)
    quantity, amount_fen = line.quantity - returned.quantity, line.amount_fen - returned.amount_fen
    if quantity < 0 or amount_fen < 0:
        raise RefundExceedsOrder(
            line_number=line.line_number, quantity_left=line.quantity, amount_fen_left=line.amount_fen
        )
    return replace(line, quantity=quantity, amount_fen=amount_fen)


def _check_line_numbers(numbers: Sequence[int]) -> None:
    _require(0 < len(numbers) <= LINES_MAX, "lines", f"1 to {LINES_MAX} lines")
    for number in numbers:
        _check_number("line_number", number, low=1, high=QUANTITY_MAX)
    _require(len(set(numbers)) == len(numbers), "line_number", "a line number stands twice")


def _check_name(field: str, value: str, *, is_required: bool = True) -> None:
    _require(isinstance(value, str) and is_storable(value), field, "no readable text")
    least = 1 if is_required else 0
    _require(least <= len(value) <= TEXT_LENGTH_MAX, field, f"{least} to {TEXT_LENGTH_MAX} characters")
    _require(value == value.strip() and value.isprintable(), field, "spaces around it or characters that do not print")


def _check_number(field: str, value: object, *, low: int, high: int) -> None:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    _require(is_whole and low <= int(str(value)) <= high, field, f"{low} to {high}")


def _check_instant(field: str, value: datetime, at: datetime) -> None:
    _require(value.tzinfo is not None, field, "an instant with its offset")
    _require(value <= at + CLOCK_SKEW_MAX, field, "in the future")


def _require(is_right: object, field: str, reason: str) -> None:
    if not is_right:
        raise InvalidOrder(field=field, reason=reason)
