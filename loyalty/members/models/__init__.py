"""Tables of members. Each declares what a merge, an export and an erasure do with its rows.

``info["member_data"]`` of a table and ``info`` of a column (``personal``: erased; ``sealed``: the
vault's context, by which keys are rotated) are read by ``merging`` and ``privacy``, which walk
every table by them.
"""

from loyalty.members.models.consents import Consent, NoticePreference, PrivacyText
from loyalty.members.models.identities import Identity, MemberSession, SmsCode
from loyalty.members.models.members import Member, MemberKey
from loyalty.members.models.reviews import BindingReview, MergeProposal

__all__ = [
    "BindingReview",
    "Consent",
    "Identity",
    "Member",
    "MemberKey",
    "MemberSession",
    "MergeProposal",
    "NoticePreference",
    "PrivacyText",
    "SmsCode",
]
