"""Orders of some demo members: what they bought since they did anything else, paid for with points, and returned.

They go through checkout like those of a till, so that every point of them is explained by a rule. What segments know
of them is written here as well, since the seed drops their events.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from loyalty.checkout.service import hold_points, purchase, refund
from loyalty.container import Container
from loyalty.kernel.database import Session
from loyalty.orders.rules import Line, Purchase, RefundLine, RefundReport
from loyalty.segments.service import follow_order
from portal.demo.chain import STORE_CODES
from portal.demo.people import DemoMember

BUYERS = 6
_OF_LATE = timedelta(days=30)
TEA = Line(1, "TEA-OOLONG-250", "茶叶", 1, 12_800)
_CUP = Line(2, "CUP-GLASS-01", "茶具", 2, 9_800)
_CAKE = Line(1, "CAKE-OSMANTHUS", "糕点", 3, 5_400)
_GIFT = Line(2, "GIFT-BOX-03", "礼盒", 1, 26_800)


@dataclass(frozen=True, slots=True)
class Sale:
    """One order, how many points paid for a part of it, and what came back."""

    lines: tuple[Line, ...]
    points: int = 0
    returned: tuple[RefundLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Shops:
    """Where members buy: the ids of the stores by code, and the name under which their tills report."""

    store_ids: Mapping[str, int]
    source: str


SALES = (
    Sale((TEA, _CUP), returned=(RefundLine(_CUP.line_number, 1, _CUP.amount_fen // 2),)),
    Sale((_CAKE, _GIFT), points=100),
    Sale((_CAKE,), returned=(RefundLine(_CAKE.line_number, _CAKE.quantity, _CAKE.amount_fen),)),
)
"""What every buyer bought, in this order: a part of the first comes back, and the whole of the last."""


def buyers_of(members: Sequence[DemoMember], *, at: datetime) -> list[DemoMember]:
    """Return the member who enrolled first and those who did most of late."""
    by_acts = sorted(members, key=lambda one: -sum(act.at > at - _OF_LATE for act in one.acts))
    return list({one.openid: one for one in (*members[:1], *by_acts)}.values())[:BUYERS]


def buy(
    session: Session, container: Container, *, member: DemoMember, member_id: int, shops: Shops, at: datetime
) -> None:
    """Report what one member bought between the last of their other acts and ``at``."""
    store_id = shops.store_ids[member.store_code or STORE_CODES[0]]
    last_at = member.acts[-1].at if member.acts else member.enrolled_at
    for number, sale in enumerate(SALES, start=1):
        sold_at = last_at + (at - last_at) * number / (len(SALES) + 1)
        order_number = f"{member.openid[-4:]}-{number:02d}"
        bought = Purchase(shops.source, order_number, member_id, store_id, "pos", sold_at, sale.lines)
        _sell(session, container, bought, sale)


def _sell(session: Session, container: Container, bought: Purchase, sale: Sale) -> None:
    at, zone = bought.paid_at, container.zone
    reference = _set_aside(session, bought, sale.points) if sale.points else None
    sold = purchase(session, container.vault, purchase=bought, hold_reference=reference, at=at, zone=zone)
    if sale.returned:
        number = bought.order_number
        report = RefundReport(bought.source, f"{number}-R", number, at, sale.returned, bought.store_id)
        refund(session, refund=report, at=at, zone=zone)
    follow_order(session, order_id=sold.order_id, zone=zone)


def _set_aside(session: Session, bought: Purchase, points: int) -> str:
    held = hold_points(
        session,
        member_id=bought.member_id,
        points=points,
        amount_fen=bought.amount_fen,
        reference=bought.order_number,
        at=bought.paid_at,
        store_id=bought.store_id,
        actor=bought.source,
    )
    return held.reference
