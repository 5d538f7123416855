"""Keys (接入密钥): who is behind one, which stores it acts for, and how its secret is replaced."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from loyalty.kernel.errors import Conflict, InvalidInput, NotFound

NAME_LENGTH_MAX = 60
REQUESTS_PER_MINUTE = 600
REQUESTS_PER_MINUTE_MAX = 60_000
OVERLAP = timedelta(days=7)
"""How long the old secret of a rotated key stays good, so that tills can be changed one by one."""


class InvalidPartnerKey(InvalidInput):
    """The name, the stores or the rate of a key do not fit."""

    code = "invalid_partner_key"
    message = "请填写名称（不超过 60 个字）、至少一个门店范围，以及每分钟请求数（1–60000）"


class PartnerKeyNotFound(NotFound):
    """There is no such key."""

    code = "partner_key_not_found"
    message = "没有找到该接入密钥"


class RotationUnderWay(Conflict):
    """The secret before the last one is still good: it has to end before another is made."""

    code = "partner_rotation_under_way"
    message = "上一次轮换的旧密钥仍然有效，请先停用旧密钥再轮换"


class NoOldSecret(Conflict):
    """Only the current secret is good, and the way to end that one is to switch the key off."""

    code = "partner_no_old_secret"
    message = "没有仍然有效的旧密钥"


class NoKeyChange(Conflict):
    """Nothing about this key waits for a decision, or somebody has just decided it."""

    code = "partner_no_key_change"
    message = "该密钥没有等待复核的变更"


class KeyChange(StrEnum):
    """What about a key only counts once a second person has approved it (复核)."""

    CREATE = "create"
    UPDATE = "update"
    ROTATE = "rotate"
    SWITCH_ON = "switch_on"


@dataclass(frozen=True, slots=True)
class KeyDetails:
    """What a key is called, where it acts, and how often."""

    name: str
    requests_per_minute: int
    store_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class PartnerCaller:
    """The key behind a request and the part of the store tree it acts for."""

    id: int
    key_id: str
    name: str
    requests_per_minute: int
    roots: tuple[int, ...]
    is_chain_wide: bool

    @property
    def source(self) -> str:
        """How orders, holds and answers of this key are told from those of others."""
        return source_of(self.id)


def source_of(partner_key_id: int) -> str:
    """Return the name under which a key reports and acts."""
    return f"partner:{partner_key_id}"


def own_reference(caller: PartnerCaller, reference: str) -> str:
    """Return a reference that no other key can name."""
    return f"{caller.source}:{reference}"


def check_details(details: KeyDetails) -> None:
    """Refuse a key that could not be named, placed or used.

    Raises:
        InvalidPartnerKey: with the field in ``details``.
    """
    if not 0 < len(details.name) <= NAME_LENGTH_MAX or not details.name.isprintable():
        raise InvalidPartnerKey(field="name")
    if not 0 < details.requests_per_minute <= REQUESTS_PER_MINUTE_MAX:
        raise InvalidPartnerKey(field="requests_per_minute")
    if not details.store_ids:
        raise InvalidPartnerKey(field="store_ids")
