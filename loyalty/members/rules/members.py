"""Rules of members: their states, and what makes one unknown."""

from enum import StrEnum

from loyalty.kernel.errors import Conflict, NotFound


class MemberStatus(StrEnum):
    """Where a membership stands; ``closed`` and ``merged`` are final."""

    ACTIVE = "active"
    CLOSING = "closing"
    """Asked to be closed (注销) and still within the waiting period."""
    CLOSED = "closed"
    """Erased: what is left is a number without a person."""
    MERGED = "merged"
    """Its entries are read through the survivor, ``merged_into_id``."""


class MemberNotFound(NotFound):
    """No member has this id, number or phone."""

    code = "member_not_found"
    message = "没有找到该会员"


class MemberGone(Conflict):
    """The membership was closed or merged into another."""

    code = "member_gone"
    message = "该会员已注销或已合并"
