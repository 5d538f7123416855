"""Rules of members: their states, and what makes one unknown."""

from datetime import timedelta
from enum import StrEnum

from loyalty.kernel.errors import Conflict, NotFound

PROVISIONAL_FOR = timedelta(days=90)
"""How long a provisional member waits for the person to come; then it is erased."""


class MemberStatus(StrEnum):
    """Where a membership stands; ``closed`` and ``merged`` are final."""

    PROVISIONAL = "provisional"
    """Enrolled by a store with nothing but a phone (待确认): earns and cannot spend until its owner comes."""
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


class MemberProvisional(Conflict):
    """The person has not bound the phone and consented yet: points are earned, and nothing else is possible."""

    code = "member_provisional"
    message = "该会员尚未激活，请先在微信绑定手机号并同意会员协议"
