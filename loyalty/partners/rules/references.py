"""Member references (会员引用): how a member is named to a key, and what the key may see of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from loyalty.kernel.errors import Conflict, InvalidInput, NotFound

LIFETIME = timedelta(minutes=15)
REFS_KEPT = timedelta(days=1)
CODES_KEPT = timedelta(hours=1)
"""Far longer than a member code can be read; see ``members.rules.member_code``."""


class MemberCodeUsed(Conflict):
    """The member code was exchanged before: the member shows the next one."""

    code = "member_code_used"
    message = "该会员码已使用，请会员刷新后再试"


class MemberRefNotFound(NotFound):
    """The reference is not of this key, or its quarter of an hour is over."""

    code = "member_ref_not_found"
    message = "会员引用无效或已过期，请重新识别会员"


class MemberNotNamed(InvalidInput):
    """A member is named by a reference or by a phone: by exactly one of them."""

    code = "member_not_named"
    message = "请用 member_ref 或 phone 之一指明会员"


@dataclass(frozen=True, slots=True)
class IssuedRef:
    """A reference that a key may use until it expires."""

    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class MemberName:
    """How a request names a member: by a reference of its key, or by a phone."""

    ref: str | None = None
    phone: str | None = None

    def __post_init__(self) -> None:
        if (self.ref is None) == (self.phone is None):
            raise MemberNotNamed


@dataclass(frozen=True, slots=True)
class NamedMember:
    """Whom a request named, and whether the key may see and spend what they have."""

    member_id: int
    is_introduced: bool


def masked_name(nickname: str | None) -> str | None:
    """Show the first character of a name only: ``小明`` becomes ``小*``."""
    return None if not nickname else nickname[0] + "*"
