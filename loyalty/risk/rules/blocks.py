"""Blocking (拉黑): members, phones, devices and addresses that gain nothing, until when and why."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from loyalty.kernel.checking import is_tidy
from loyalty.kernel.errors import Conflict, InvalidInput, NotFound
from loyalty.risk.rules.reasons import check_reason

VALUE_LENGTH_MAX = 200
BLOCK_MAX = timedelta(days=365)
"""How long a phone, a device or an address stays blocked at most: they pass to other people."""


class BlockKind(StrEnum):
    """What is blocked."""

    MEMBER = "member"
    PHONE = "phone"
    DEVICE = "device"
    IP = "ip"


class InvalidBlock(InvalidInput):
    """A block of something unknown, in the past or for too long; ``field`` in the details says which."""

    code = "invalid_block"
    message = "黑名单设置不正确：请填写对象和晚于现在的到期时间（手机号、设备、网络地址最长一年）"


class BlockNotFound(NotFound):
    """There is no block with this id."""

    code = "block_not_found"
    message = "没有找到这条黑名单"


class BlockEnded(Conflict):
    """The block was lifted before."""

    code = "block_ended"
    message = "这条黑名单已经解除"


@dataclass(frozen=True, slots=True)
class Target:
    """What to block: a member by id, a phone in E.164, a device or an address as a client gave it."""

    kind: BlockKind
    value: str


def check_block(target: Target, *, reason: str, expires_at: datetime | None, at: datetime) -> None:
    """Refuse a block that makes no sense.

    Raises:
        InvalidBlock: see the class.
        InvalidRiskReason: the reason is empty or too long.
    """
    if not is_tidy(target.value, VALUE_LENGTH_MAX):
        raise InvalidBlock(field="value")
    check_reason(reason)
    if expires_at is None:
        if target.kind is not BlockKind.MEMBER:
            raise InvalidBlock(field="expires_at")
    elif expires_at <= at or (target.kind is not BlockKind.MEMBER and expires_at > at + BLOCK_MAX):
        raise InvalidBlock(field="expires_at")
