"""Orders for tests: purchases and refunds with the noise defaulted."""

from datetime import UTC, datetime
from itertools import count

from loyalty.orders.rules import Line, Purchase, RefundLine, RefundReport

AT = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
# Far from the small numbers that tests write themselves: in random order any test may be the first to come.
_numbers = count(1_000_001)


def line(
    line_number: int = 1, *, sku: str = "tea-01", category: str = "tea", quantity: int = 1, amount_fen: int = 10_000
) -> Line:
    return Line(line_number, sku, category, quantity, amount_fen)


def make_purchase(
    member_id: int,
    *lines: Line,
    order_number: str = "",
    source: str = "pos",
    store_id: int | None = None,
    channel: str = "store",
    paid_at: datetime = AT,
    version: int = 1,
) -> Purchase:
    return Purchase(
        source=source,
        order_number=order_number or f"N{next(_numbers)}",
        member_id=member_id,
        store_id=store_id,
        channel=channel,
        paid_at=paid_at,
        lines=lines or (line(),),
        version=version,
    )


def make_refund(
    order_number: str,
    *lines: RefundLine,
    refund_number: str = "",
    source: str = "pos",
    store_id: int | None = None,
    refunded_at: datetime = AT,
) -> RefundReport:
    return RefundReport(
        source=source,
        refund_number=refund_number or f"R{next(_numbers)}",
        order_number=order_number,
        refunded_at=refunded_at,
        lines=lines or (RefundLine(1, 1, 10_000),),
        store_id=store_id,
    )
