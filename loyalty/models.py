"""Every table, for the migrations and for what walks all tables: importing this fills the metadata."""

from loyalty.channels import models as channels
from loyalty.check_ins import models as check_ins
from loyalty.kernel import audit, idempotency, outbox, runs
from loyalty.kernel.database import Base
from loyalty.members import models as members
from loyalty.notices import models as notices
from loyalty.points import models as points
from loyalty.privacy import models as privacy
from loyalty.staff import models as staff
from loyalty.stores import models as stores
from loyalty.tiers import models as tiers

__all__ = [
    "Base",
    "audit",
    "channels",
    "check_ins",
    "idempotency",
    "members",
    "notices",
    "outbox",
    "points",
    "privacy",
    "runs",
    "staff",
    "stores",
    "tiers",
]
