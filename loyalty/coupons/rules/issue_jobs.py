"""Issue jobs (批量发券): the states of one, what a line of its file says, and why a member gets no coupon."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from loyalty.coupons.rules.errors import CouponNotForMember
from loyalty.coupons.rules.issuing import check_eligible
from loyalty.coupons.rules.states import Standing
from loyalty.coupons.rules.terms import CashOff, Eligibility, Terms
from loyalty.kernel.errors import Conflict, InvalidInput, NotFound
from loyalty.kernel.sheets import Cell, cell_of
from loyalty.limits.rules import Limit
from loyalty.members.rules.members import MemberStatus
from loyalty.members.rules.naming import HEADINGS, BadName, NamesNobody, heading_of, named_by

TITLE_LENGTH_MAX = 60


class IssueJobState(StrEnum):
    """Where an issue job stands."""

    CHECKING = "checking"
    """Whom it names is being read; nothing is issued."""
    UNREADABLE = "unreadable"
    """The file as a whole cannot be read."""
    CHECKED = "checked"
    SUBMITTED = "submitted"
    """Waits for another person's approval."""
    REFUSED = "refused"
    DISCARDED = "discarded"
    ISSUING = "issuing"
    ISSUED = "issued"
    STOPPED = "stopped"
    """Ended on the way: what was issued stays, nobody else gets any."""
    UNDOING = "undoing"
    UNDONE = "undone"


_S = IssueJobState
NEXT: Mapping[IssueJobState, frozenset[IssueJobState]] = {
    _S.CHECKING: frozenset({_S.UNREADABLE, _S.CHECKED}),
    _S.CHECKED: frozenset({_S.SUBMITTED, _S.DISCARDED}),
    _S.SUBMITTED: frozenset({_S.ISSUING, _S.REFUSED}),
    _S.ISSUING: frozenset({_S.ISSUED, _S.STOPPED, _S.UNDOING}),
    _S.ISSUED: frozenset({_S.UNDOING}),
    _S.STOPPED: frozenset({_S.UNDOING}),
    _S.UNDOING: frozenset({_S.UNDONE}),
}
"""Which state may follow which; the rest are final."""


class Work(StrEnum):
    """What is done to a job in pages, as kinds of bulk work."""

    CHECK = "coupon_issues.check"
    CHECK_TAG = "coupon_issues.check_tag"
    ISSUE = "coupon_issues.issue"
    TELL = "coupon_issues.tell"
    UNDO = "coupon_issues.undo"


UNDER_WAY: Mapping[IssueJobState, Work] = {
    _S.ISSUING: Work.ISSUE,
    _S.ISSUED: Work.TELL,
    _S.STOPPED: Work.TELL,
    _S.UNDOING: Work.UNDO,
}
"""The work that is done to a job in a state, once its check has ended; only this may be paused and resumed."""


class Skip(StrEnum):
    """Why a member of a job gets no coupon; limits have the names that refusals show."""

    GONE = "gone"
    PROVISIONAL = "provisional"
    DUPLICATE = "duplicate"
    """Merged with somebody who gets one by the same job."""
    TIER = "tier"
    TAG = "tag"
    MEMBER_TOTAL = "member_total"
    MEMBER_DAY = "member_day"
    STOCK = "stock"
    DAY_STOCK = "day_stock"
    STORE_STOCK = "store_stock"


class Kept(StrEnum):
    """Why a coupon stays as it is when its job is undone."""

    USED = "used"
    LOCKED = "locked"
    """For an order that is not paid yet."""
    LAPSED = "lapsed"
    VOIDED = "voided"
    """Voided before."""


_KEPT = {
    Standing.USED: Kept.USED,
    Standing.LOCKED: Kept.LOCKED,
    Standing.LAPSED: Kept.LAPSED,
    Standing.VOIDED: Kept.VOIDED,
}


class BadIssueLine(StrEnum):
    """Why a line of a file is refused."""

    WHO_MISSING = "who_missing"
    WHO_INVALID = "who_invalid"
    WHO_SCIENTIFIC = "who_scientific"
    FORMULA = "formula"
    WHO_UNKNOWN = "who_unknown"
    DUPLICATE = "duplicate"


class IssueColumn(StrEnum):
    """What a column holds."""

    WHO = "who"


WITHOUT_HEADING = {IssueColumn.WHO: 0}


@dataclass(frozen=True, slots=True)
class IssueLine:
    """What a line says: a member number or a phone; or why it is refused."""

    number: int
    member_number: str | None = None
    phone: str | None = None
    bad: BadName | None = None


class IssueJobNotFound(NotFound):
    """There is no such job."""

    code = "coupon_issue_job_not_found"
    message = "没有找到该发券任务"


class IssueJobNotInState(Conflict):
    """What is asked for does not follow from the job's state; somebody may have been faster."""

    code = "coupon_issue_job_not_in_state"
    message = "发券任务当前状态不能进行此操作，请刷新后查看"


class IssueJobEmpty(Conflict):
    """The job names no member at all."""

    code = "coupon_issue_job_empty"
    message = "名单里没有可以发券的会员"


class InvalidIssueJobTitle(InvalidInput):
    """The title is missing or too long."""

    code = "invalid_coupon_issue_job_title"
    message = "请填写任务名称，不超过 60 个字"


def check_title(title: str) -> None:
    """Refuse a title that nobody could find again.

    Raises:
        InvalidIssueJobTitle: it is empty or too long.
    """
    if not 0 < len(title) <= TITLE_LENGTH_MAX:
        raise InvalidIssueJobTitle


def subject_of(job_id: int) -> str:
    """Return what approvals, bulk work and the audit log call a job."""
    return f"coupon_issue_job:{job_id}"


def job_id_of(subject: str) -> int:
    """Return the job that a subject names."""
    return int(subject.rpartition(":")[2])


def issue_reference(job_id: int) -> str:
    """Return the reference of the coupons of a job: a member gets one of them."""
    return f"issue_job:{job_id}"


def columns_of(first: Sequence[Cell]) -> Mapping[IssueColumn, int] | None:
    """Return where the column of members is if the first line is a heading; ``None`` when it is a line like others."""
    headings = [heading_of(cell) for cell in first]
    return next(({IssueColumn.WHO: index} for index, one in enumerate(headings) if one in HEADINGS), None)


def line_of(number: int, cells: Sequence[Cell], columns: Mapping[IssueColumn, int]) -> IssueLine:
    """Read one line; a wrong one says why."""
    try:
        member_number, phone = named_by(cell_of(cells, columns[IssueColumn.WHO]))
    except NamesNobody as refused:
        return IssueLine(number, bad=refused.bad)
    return IssueLine(number, member_number, phone)


def skip_by_status(status: str) -> Skip | None:
    """Tell whether it is for where their membership stands that a member gets none."""
    if status == MemberStatus.PROVISIONAL:
        return Skip.PROVISIONAL
    return None if status in (MemberStatus.ACTIVE, MemberStatus.CLOSING) else Skip.GONE


def skip_by_eligibility(eligibility: Eligibility, *, tier_level: int, tags: frozenset[int]) -> Skip | None:
    """Tell whether the template is for others."""
    try:
        check_eligible(eligibility, tier_level=tier_level, tags=tags)
    except CouponNotForMember as refusal:
        return Skip(str(refusal.details["condition"]))
    return None


def skip_by_own_limits(limits: Sequence[Limit], used: Mapping[str, int]) -> Skip | None:
    """Tell whether a member has as many as one may have, by what is used of each period."""
    return next((Skip(limit.name) for limit in limits if used.get(limit.period, 0) >= limit.ceiling), None)


def kept_because(stands: Standing) -> Kept | None:
    """Tell why undoing leaves a coupon as it is; None for one that it voids."""
    return _KEPT.get(stands)


def cost_of(terms: Terms, count: int) -> int | None:
    """Return what so many coupons cost in fen if all are used, where that is known before."""
    return terms.worth.amount_fen * count if isinstance(terms.worth, CashOff) else None
