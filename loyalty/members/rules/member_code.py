"""The rotating member code (会员码): 18 digits, from ``68``, that name a member for a minute or two.

Seven of them prove it: a guess hits some member with 2 in 10⁷ at most.
"""

from datetime import datetime

from loyalty.kernel.errors import InvalidInput
from loyalty.kernel.rotating_codes import CodeKind, RotatingCode

PREFIX = "68"
_KIND = CodeKind(prefix=PREFIX, label="member-code", id_digits=9)


class MemberCodeInvalid(InvalidInput):
    """The code was not made by us, or more than two minutes ago."""

    code = "member_code_invalid"
    message = "会员码无效或已过期，请会员刷新后再试"


def current_code(key: bytes, member_id: int, at: datetime) -> RotatingCode:
    """Return the code of a member at an instant; it is accepted for one more step after it ends."""
    return _KIND.current(key, member_id, at)


def read_code(key: bytes, code: str, at: datetime) -> int:
    """Return the id of the member whose code of this or the last step this is.

    Raises:
        MemberCodeInvalid: it is of neither.
    """
    member_id = _KIND.read(key, code, at)
    if member_id is None:
        raise MemberCodeInvalid
    return member_id
