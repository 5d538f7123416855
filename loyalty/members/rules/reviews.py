"""Rules of what stays open after a phone was proved: second proofs (二次验证) and merges (合并)."""

from datetime import timedelta
from enum import StrEnum

from loyalty.kernel.errors import Conflict, InvalidInput, NotFound

REVIEW_LIFETIME = timedelta(minutes=30)
"""How long the code that went to the old WeChat is good."""
STAFF_REVIEW_LIFETIME = timedelta(days=7)
REVIEW_ATTEMPTS = 5
PROPOSAL_LIFETIME = timedelta(minutes=30)


class ReviewState(StrEnum):
    """Where a contested phone stands; the last three are final."""

    WAITING = "waiting"
    """The code that went to the old WeChat is awaited."""
    WITH_STAFF = "with_staff"
    """The claimant cannot reach the old WeChat; staff decide."""
    SAME_PERSON = "same_person"
    OTHER_PERSON = "other_person"
    DROPPED = "dropped"
    """The claimant proved another phone in the meantime; nothing came of this one."""


class ProposalState(StrEnum):
    """Where a proposed merge stands."""

    OPEN = "open"
    AGREED = "agreed"
    LAPSED = "lapsed"


OPEN_REVIEWS = (ReviewState.WAITING, ReviewState.WITH_STAFF)


class ReviewNotFound(NotFound):
    """No open second proof with this id belongs to the caller."""

    code = "binding_review_not_found"
    message = "没有待完成的身份核验，请重新验证手机号"


class ReviewCodeWrong(InvalidInput):
    """The code does not fit, was tried too often or has expired; which of these is not told."""

    code = "binding_code_wrong"
    message = "核验码不正确或已过期"


class ReviewDecided(Conflict):
    """Somebody decided this contested phone before."""

    code = "binding_review_decided"
    message = "该核验已有结论"


class ProposalNotFound(NotFound):
    """No open merge proposal with this id belongs to the caller."""

    code = "merge_proposal_not_found"
    message = "没有待确认的会员合并，请重新发起"


class MergeNotProved(Conflict):
    """Both phones have to be proved before a merge; ``details`` tells which are."""

    code = "merge_not_proved"
    message = "合并前需要验证两个手机号"


class NothingToMerge(Conflict):
    """No other membership is joined to this person by unionid."""

    code = "nothing_to_merge"
    message = "没有可以合并的会员账户"


class ClosingMember(Conflict):
    """One of the two asked to be closed; that has to be taken back before a merge."""

    code = "closing_member"
    message = "会员正在注销等待期内，请先撤回注销再合并"
