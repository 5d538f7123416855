"""Every table, for the migrations and for what walks all tables: importing this fills the metadata."""

from loyalty.adjustments import models as adjustments
from loyalty.approvals import models as approvals
from loyalty.arrivals import models as arrivals
from loyalty.broadcasts import models as broadcasts
from loyalty.campaigns import models as campaigns
from loyalty.channels import models as channels
from loyalty.check_ins import models as check_ins
from loyalty.checkout import models as checkout
from loyalty.commissions import models as commissions
from loyalty.coupons import models as coupons
from loyalty.earning import models as earning
from loyalty.earnings import models as earnings
from loyalty.kernel import audit, bulk, idempotency, outbox, runs, timetable
from loyalty.kernel.database import Base
from loyalty.limits import models as limits
from loyalty.members import models as members
from loyalty.missions import models as missions
from loyalty.notices import models as notices
from loyalty.orders import models as orders
from loyalty.partners import models as partners
from loyalty.payouts import models as payouts
from loyalty.points import expiry_models as points_expiry
from loyalty.points import models as points
from loyalty.privacy import models as privacy
from loyalty.referrals import models as referrals
from loyalty.reports.rollups import models as rollups
from loyalty.risk import models as risk
from loyalty.segments import models as segments
from loyalty.staff import models as staff
from loyalty.stores import models as stores
from loyalty.tags import models as tags
from loyalty.tiers import models as tiers

__all__ = [
    "Base",
    "adjustments",
    "approvals",
    "arrivals",
    "audit",
    "broadcasts",
    "bulk",
    "campaigns",
    "channels",
    "check_ins",
    "checkout",
    "commissions",
    "coupons",
    "earning",
    "earnings",
    "idempotency",
    "limits",
    "members",
    "missions",
    "notices",
    "orders",
    "outbox",
    "partners",
    "payouts",
    "points",
    "points_expiry",
    "privacy",
    "referrals",
    "risk",
    "rollups",
    "runs",
    "segments",
    "staff",
    "stores",
    "tags",
    "tiers",
    "timetable",
]
