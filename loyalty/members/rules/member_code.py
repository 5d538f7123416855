"""The rotating member code (会员码): 18 digits that name a member for a minute or two.

``68`` and 16 digits: a keyed permutation over the member's id (9 digits) and a truncated HMAC of id
and time step (7 digits). The prefix lies outside WeChat Pay's 10–15 and Alipay's 25–30, so that a
till can tell a member code from a payment code. A guess hits some member with 2 in 10⁷ at most; the
key never leaves the servers, so a photographed code is of no use after its two steps.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime

from loyalty.kernel.errors import InvalidInput
from loyalty.members.rules.permutation import permute, restore

PREFIX = "68"
DIGITS = 18
STEP_SECONDS = 60
_ID_BOUND, _MAC_BOUND = 10**9, 10**7
_HALF_DIGITS = 8


class MemberCodeInvalid(InvalidInput):
    """The code was not made by us, or more than two minutes ago."""

    code = "member_code_invalid"
    message = "会员码无效或已过期，请会员刷新后再试"


@dataclass(frozen=True, slots=True)
class MemberCode:
    """A code and the instant at which the next one should be shown."""

    code: str
    valid_until: datetime

    @property
    def display(self) -> str:
        """The code in groups of four, to be read aloud."""
        return " ".join(self.code[start : start + 4] for start in range(0, DIGITS, 4))


def current_code(key: bytes, member_id: int, at: datetime) -> MemberCode:
    """Return the code of a member at an instant; it is accepted for one more step after it ends."""
    step = _step(at)
    plain = member_id % _ID_BOUND * _MAC_BOUND + _mac(key, member_id % _ID_BOUND, step)
    digits = permute(plain, half_digits=_HALF_DIGITS, key=key)
    until = datetime.fromtimestamp((step + 1) * STEP_SECONDS, UTC)
    return MemberCode(f"{PREFIX}{digits:016d}", until)


def read_code(key: bytes, code: str, at: datetime) -> int:
    """Return the id of the member whose code of this or the last step this is.

    Raises:
        MemberCodeInvalid: it is of neither.
    """
    if not (len(code) == DIGITS and code.isascii() and code.isdigit() and code.startswith(PREFIX)):
        raise MemberCodeInvalid
    plain = restore(int(code.removeprefix(PREFIX)), half_digits=_HALF_DIGITS, key=key)
    member_id, mac = divmod(plain, _MAC_BOUND)
    step = _step(at)
    if mac not in {_mac(key, member_id, step), _mac(key, member_id, step - 1)}:
        raise MemberCodeInvalid
    return member_id


def _step(at: datetime) -> int:
    return int(at.timestamp()) // STEP_SECONDS


def _mac(key: bytes, member_id: int, step: int) -> int:
    digest = hmac.digest(key, f"member-code:{member_id}:{step}".encode(), hashlib.sha256)
    return int.from_bytes(digest) % _MAC_BOUND
