"""Points service: the only code that changes a balance.

Entries are appended, never edited; accounts and lots hold sums that ``verify`` proves from them. Accounts are
locked in ascending order of member and before any lot.
"""

from loyalty.points.holding import HoldView
from loyalty.points.posting import Posting
from loyalty.points.sealing import seal
from loyalty.points.service.accounts import open_account
from loyalty.points.service.adjustments import adjust
from loyalty.points.service.credits import earn
from loyalty.points.service.debits import spend
from loyalty.points.service.expiry import expire_lots
from loyalty.points.service.expiry_notices import plan_expiry_notices
from loyalty.points.service.graces import grant_graces
from loyalty.points.service.holds import capture, place, release, release_all, release_expired
from loyalty.points.service.programme import programme_policy, save_programme_policy
from loyalty.points.service.recalls import recall
from loyalty.points.service.reversals import reverse
from loyalty.points.service.transfers import transfer
from loyalty.points.verification import verify

__all__ = [
    "HoldView",
    "Posting",
    "adjust",
    "capture",
    "earn",
    "expire_lots",
    "grant_graces",
    "open_account",
    "place",
    "plan_expiry_notices",
    "programme_policy",
    "recall",
    "release",
    "release_all",
    "release_expired",
    "reverse",
    "save_programme_policy",
    "seal",
    "spend",
    "transfer",
    "verify",
]
