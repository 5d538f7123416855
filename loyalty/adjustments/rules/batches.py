"""Batches: the states of one, and what stops it."""

from collections.abc import Mapping
from enum import StrEnum

from loyalty.kernel.errors import Conflict, InvalidInput, NotFound

TITLE_LENGTH_MAX = 60


class BatchState(StrEnum):
    """Where a batch of adjustments stands."""

    CHECKING = "checking"
    """The file is being read; nothing has moved."""
    UNREADABLE = "unreadable"
    """The file as a whole cannot be read."""
    FAULTY = "faulty"
    """Some lines are wrong: to be put right in a new file."""
    CHECKED = "checked"
    SUBMITTED = "submitted"
    """Waits for another person's approval."""
    REFUSED = "refused"
    DISCARDED = "discarded"
    APPLYING = "applying"
    APPLIED = "applied"
    UNDOING = "undoing"
    UNDONE = "undone"


NEXT: Mapping[BatchState, frozenset[BatchState]] = {
    BatchState.CHECKING: frozenset({BatchState.UNREADABLE, BatchState.FAULTY, BatchState.CHECKED}),
    BatchState.CHECKED: frozenset({BatchState.SUBMITTED, BatchState.DISCARDED}),
    BatchState.SUBMITTED: frozenset({BatchState.APPLYING, BatchState.REFUSED}),
    BatchState.APPLYING: frozenset({BatchState.APPLIED, BatchState.UNDOING}),
    BatchState.APPLIED: frozenset({BatchState.UNDOING}),
    BatchState.UNDOING: frozenset({BatchState.UNDONE}),
}
"""Which state may follow which; the rest are final."""


class Phase(StrEnum):
    """When a line met a problem."""

    CHECK = "check"
    APPLY = "apply"
    UNDO = "undo"


class Work(StrEnum):
    """What is done to a batch in pages, as kinds of bulk work."""

    CHECK = "adjustments.check"
    APPLY = "adjustments.apply"
    TELL = "adjustments.tell"
    UNDO = "adjustments.undo"


UNDER_WAY: Mapping[BatchState, Work] = {
    BatchState.CHECKING: Work.CHECK,
    BatchState.APPLYING: Work.APPLY,
    BatchState.APPLIED: Work.TELL,
    BatchState.UNDOING: Work.UNDO,
}
"""The work that is done to a batch in a state; only this may be paused and resumed."""


class BatchNotFound(NotFound):
    """There is no such batch."""

    code = "adjustment_batch_not_found"
    message = "没有找到该批次"


class BatchNotInState(Conflict):
    """What is asked for does not follow from the batch's state; somebody may have been faster."""

    code = "adjustment_batch_not_in_state"
    message = "批次当前状态不能进行此操作，请刷新后查看"


class InvalidTitle(InvalidInput):
    """The title is missing or too long."""

    code = "invalid_adjustment_title"
    message = "请填写批次名称，不超过 60 个字"


def check_title(title: str) -> None:
    """Refuse a title that nobody could find again.

    Raises:
        InvalidTitle: it is empty or too long.
    """
    if not 0 < len(title) <= TITLE_LENGTH_MAX:
        raise InvalidTitle


def subject_of(batch_id: int) -> str:
    """Return what approvals, bulk work and the audit log call a batch."""
    return f"adjustment_batch:{batch_id}"


def batch_id_of(subject: str) -> int:
    """Return the batch that a subject names."""
    return int(subject.rpartition(":")[2])


def entry_reference(batch_id: int, line: int) -> str:
    """Return the reference of the entry that a line makes."""
    return f"{entry_prefix(batch_id)}{line}"


def entry_prefix(batch_id: int) -> str:
    """Return what the references of all entries of a batch begin with; the line follows."""
    return f"adjustment:{batch_id}:"


def undo_reference(batch_id: int, line: int) -> str:
    """Return the reference of the entry that undoes a line."""
    return f"adjustment-undo:{batch_id}:{line}"
