"""Earnings service: the only code that changes what a member is owed in money.

Entries are appended, never edited; accounts hold sums that ``verify`` proves from them. Accounts are locked ascending
by member, after coupons and before payouts. What is posted again under the same reference, also by who was merged
into the member since, changes nothing.
"""

from loyalty.earnings.posting import Posting
from loyalty.earnings.sealing import seal
from loyalty.earnings.service.accounts import lock
from loyalty.earnings.service.accruals import Earned, accrue_many, approve_many, reverse
from loyalty.earnings.service.ending import forfeit, transfer
from loyalty.earnings.service.withdrawals import give_back, withdraw
from loyalty.earnings.verification import verify

__all__ = [
    "Earned",
    "Posting",
    "accrue_many",
    "approve_many",
    "forfeit",
    "give_back",
    "lock",
    "reverse",
    "seal",
    "transfer",
    "verify",
    "withdraw",
]
