"""Validates and redeems coupons again and again, in a process of its own, as ``benchmarks.processes`` tells it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from benchmarks.processes import Turns, read_plan, work_again_and_again
from loyalty.coupons.held import Use
from loyalty.coupons.service.redeeming import redeem
from loyalty.coupons.service.validating import validate
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.orders.rules import Line

BASKET = (Line(1, "tea", "drink", 1, 12_000),)


def redeem_again_and_again(turns: Turns, *, store_id: int, zone: ZoneInfo) -> None:
    """Ask which coupon is best for a basket and use it, as a till does in two requests."""

    def work(database: Database, number: int) -> None:
        member_id, use = 1 + number % turns.members, Use(store_id, "pos", BASKET, datetime.now(UTC))
        checked = run(database, lambda session: validate(session, member_id=member_id, use=use, zone=zone))
        chosen = [discount.coupon_id for discount in checked.best.discounts]
        run(
            database,
            lambda session: redeem(
                session, member_id=member_id, coupon_ids=chosen, reference=f"bench:{number}", use=use, zone=zone,
                actor="partner:1",
            ),
        )  # fmt: skip

    work_again_and_again(turns, work)


if __name__ == "__main__":
    plan = read_plan()
    redeem_again_and_again(Turns(**plan["turns"]), store_id=plan["store_id"], zone=ZoneInfo(plan["zone"]))
