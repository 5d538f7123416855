"""Tables of payouts: payouts themselves, settings, payees, batches, the platform's bills, receipts."""

from loyalty.payouts.models.batches import BatchMember, BatchMiss, PayoutBatch
from loyalty.payouts.models.bills import BillDay, BillLine, PayoutDiscrepancy
from loyalty.payouts.models.payees import ID_NUMBER_CONTEXT, NAME_CONTEXT, Payee
from loyalty.payouts.models.payouts import Payout, PayoutMove, PayoutPause
from loyalty.payouts.models.receipts import PayoutReceipt
from loyalty.payouts.models.settings import StoredProgramme, StoredScene, TaxRate

__all__ = [
    "ID_NUMBER_CONTEXT",
    "NAME_CONTEXT",
    "BatchMember",
    "BatchMiss",
    "BillDay",
    "BillLine",
    "Payee",
    "Payout",
    "PayoutBatch",
    "PayoutDiscrepancy",
    "PayoutMove",
    "PayoutPause",
    "PayoutReceipt",
    "StoredProgramme",
    "StoredScene",
    "TaxRate",
]
