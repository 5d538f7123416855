"""The check of appid and AppSecret on calls that come without a token."""

import hmac
from collections.abc import Mapping
from typing import Any

from sandbox.config import Account
from sandbox.dispatch import check_address
from sandbox.errors import ApiError
from sandbox.world import World


def check_grant_type(given: Mapping[str, Any], *, wanted: str) -> None:
    """Refuses another ``grant_type`` with 40002."""
    if given.get("grant_type") != wanted:
        raise ApiError(40002)


def check_secret(world: World, given: Mapping[str, Any], *, address: str, kind: str | None = None) -> Account:
    """The account of these credentials. Raises ApiError 41002, 41004, 40013, 40125, 40164."""
    if not given.get("appid"):
        raise ApiError(41002)
    if not given.get("secret"):
        raise ApiError(41004)
    account = world.account(str(given["appid"]))
    if account is None or kind not in (None, account.kind):
        raise ApiError(40013)
    if not hmac.compare_digest(account.secret.encode(), str(given["secret"]).encode()):
        raise ApiError(40125)
    check_address(account, address)
    return account
