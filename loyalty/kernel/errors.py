"""Errors that are expected: each has a stable code, a Chinese message and one of eight categories.

The domain knows categories, never HTTP statuses; each door maps categories to its own answers in
one table. A concrete error is defined beside the rule it protects and sets ``code`` and ``message``.
"""

from collections.abc import Mapping
from typing import ClassVar

from loyalty.kernel.waiting import RETRY_AFTER_SECONDS


class LoyaltyError(Exception):
    """An anticipated refusal: logged without a traceback, told to the caller in plain words."""

    code: ClassVar[str]
    message: ClassVar[str]
    retry_after_seconds: ClassVar[int] = RETRY_AFTER_SECONDS
    """The least wait before asking again, where that may help."""

    def __init__(self, **details: object) -> None:
        super().__init__(self.code)
        self.details: Mapping[str, object] = details


class InvalidInput(LoyaltyError):
    """The values make no sense, alone or together."""

    code = "invalid_input"
    message = "提交的内容不正确"


class NotAuthenticated(LoyaltyError):
    """The caller did not prove who they are."""

    code = "not_authenticated"
    message = "请先登录"


class NotAllowed(LoyaltyError):
    """The caller is known and may not do this."""

    code = "not_allowed"
    message = "没有权限进行此操作"


class NotFound(LoyaltyError):
    """The thing does not exist, or not for this caller."""

    code = "not_found"
    message = "没有找到对应的内容"


class Conflict(LoyaltyError):
    """Well-formed, but the present state refuses it."""

    code = "conflict"
    message = "当前状态下不能进行此操作"


class LimitReached(LoyaltyError):
    """A quota, a velocity rule or a rate limit refuses it for now."""

    code = "limit_reached"
    message = "操作过于频繁，请稍后再试"


class Unavailable(LoyaltyError):
    """WeChat, an SMS provider or a store of ours does not answer; trying later may work."""

    code = "unavailable"
    message = "服务暂时不可用，请稍后再试"


class InvariantBroken(AssertionError):
    """The books do not add up. Never caught, always paged."""
