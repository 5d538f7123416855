"""Points service: the only code that changes a balance.

Entries are appended, never edited; accounts and lots hold sums that ``verify`` proves from them. Accounts are
locked in ascending order of member and before any lot.
"""

from loyalty.points.posting import Posting
from loyalty.points.sealing import seal
from loyalty.points.service.accounts import open_account
from loyalty.points.service.adjustments import adjust
from loyalty.points.service.credits import earn
from loyalty.points.service.debits import spend
from loyalty.points.service.reversals import reverse
from loyalty.points.service.transfers import transfer
from loyalty.points.verification import verify

__all__ = ["Posting", "adjust", "earn", "open_account", "reverse", "seal", "spend", "transfer", "verify"]
