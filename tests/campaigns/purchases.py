"""What members do after a campaign has reached them, and what its results say of it."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.campaigns.queries.results import Results, results
from loyalty.coupons.held import Use
from loyalty.coupons.models import CouponRedemption
from loyalty.coupons.service.redeeming import redeem
from loyalty.kernel.audit import Actor
from loyalty.orders.rules import Line, RefundLine
from loyalty.orders.service import record_purchase, record_refund
from loyalty.stores.rules import EVERYTHING, StoreScope
from tests.factories.campaign_results import RunningCampaign
from tests.factories.orders import line, make_purchase, make_refund

ACTOR = Actor("system:tests")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WINDOW = 7


def results_of(campaign: RunningCampaign, zone: ZoneInfo, scope: StoreScope = EVERYTHING) -> Results:
    return results(campaign.session, campaign_id=campaign.id, scope=scope, zone=zone, window_days=WINDOW)


def buy(session: Session, member_id: int, fen: int, at: datetime, *, back: int = 0, store_id: int | None = None) -> int:
    bought = make_purchase(member_id, line(amount_fen=fen), paid_at=at, store_id=store_id)
    recorded = record_purchase(session, purchase=bought, at=at)
    if back:
        refund = make_refund(bought.order_number, RefundLine(1, int(back == fen), back), refunded_at=at)
        record_refund(session, refund=refund, at=at)
    return recorded.order_id


def use(session: Session, member_id: int, coupon_id: int, at: datetime, zone: ZoneInfo, *, order_id: int | None) -> int:
    """Use a coupon for a basket of 20 yuan; its order is told afterwards, as nobody can use one of a known order."""
    used = redeem(
        session,
        member_id=member_id,
        coupon_ids=[coupon_id],
        reference=f"till:{coupon_id}",
        use=Use(store_id=None, channel="pos", lines=(Line(1, "A1", "饮品", 1, 20_00),), at=at),
        zone=zone,
        actor="partner:1",
    ).redemptions[0]
    session.get_one(CouponRedemption, used.id).order_id = order_id
    session.flush()
    return used.id
