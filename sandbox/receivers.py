"""Checks that several kinds of messages share: the receiver, the mini-program page behind the message, message ids."""

from typing import Any

from sandbox import users
from sandbox.config import Account
from sandbox.dispatch import Call
from sandbox.errors import ApiError


def receiver(call: Call) -> int:
    """The person behind ``touser``. Raises ApiError 40003."""
    openid = call.text("touser", refuse=40003)
    user_id = users.of_openid(call.world, appid=call.account.appid, openid=openid)
    if user_id is None or users.is_virtual(call.world, user_id):
        raise ApiError(40003)
    return user_id


def linked_page(call: Call) -> str | None:
    """The page of the linked mini program a message opens, if it names one. Raises ApiError 40013, 40165."""
    given = call.body.get("miniprogram")
    if not given:
        return None
    if not isinstance(given, dict) or given.get("appid") not in call.account.linked_mps:
        raise ApiError(40013)
    path = given.get("pagepath", "")
    check_page(call.world.account(given["appid"]), path, errcode=40165)
    return str(path)


def check_page(account: Account | None, page: Any, *, errcode: int) -> None:
    """Refuses a page that the mini program has not released; it may carry a query. An unknown one has every page."""
    if not isinstance(page, str) or (account is not None and page.split("?")[0] not in account.pages):
        raise ApiError(errcode)


def message_id(call: Call) -> int:
    """A fresh msgid."""
    return int(call.world.random.digits(18))
