"""Commission service: plans; accrual and approval page by page; refunds, corrections and frauds that undo.

A commission's row is held before the accounts of ``earnings``, those ascending by member, limits last.
"""

from loyalty.commissions.service.accruing import Accrued, Place, accrue_page, first_place
from loyalty.commissions.service.approving import Approved, approve_page
from loyalty.commissions.service.undoing import end_unfounded, follow_refund

__all__ = [
    "Accrued",
    "Approved",
    "Place",
    "accrue_page",
    "approve_page",
    "end_unfounded",
    "first_place",
    "follow_refund",
]
